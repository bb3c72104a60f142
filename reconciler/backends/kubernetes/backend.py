"""The Kubernetes backend: attempts as Jobs and Deployments of a cluster, which outlive the daemon.

It decides nothing about runs. What it must never do: hold anything in memory that a restart would miss, start a program
under a name that was ever used, or take an object's absence from anybody but the API server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.gang import CodeTree
from planner.model.metric import Metric, Progress
from planner.model.run import Observation, Phase, Snapshot, Stamp
from planner.model.status import StopReason
from reconciler.backends.ears import Ears
from reconciler.backends.kubernetes import names, render, status
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.activity import Activity
from reconciler.backends.kubernetes.adopting import KubernetesAdoption
from reconciler.backends.kubernetes.bringing import Bringing, Sources
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.deadline import Deadlines
from reconciler.backends.kubernetes.desk import Desk
from reconciler.backends.kubernetes.ending import Ending
from reconciler.backends.kubernetes.here import Here
from reconciler.backends.kubernetes.keptlogs import KeptLogs
from reconciler.backends.kubernetes.making import Making, check_ours, is_cleaned, is_ours, namespaces_of, scope_of
from reconciler.backends.kubernetes.objects import Found, Objects
from reconciler.backends.kubernetes.reaching import KubernetesReach
from reconciler.backends.kubernetes.readlogs import Logs
from reconciler.backends.kubernetes.rehearsal import KubernetesRehearsal
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.sight import Sight
from reconciler.backends.kubernetes.status.stop import Told, note
from reconciler.errors import Transient
from reconciler.ports import Clock, Content, Ensured, Order
from reconciler.ports_pods import Brought, Wanted
from reconciler.telemetry import log

__all__ = ["KubernetesBackend"]


class KubernetesBackend:
    """`reconciler.ports.Backend` for a cluster, for one instance and project."""

    def __init__(self, settings: KubernetesSettings, access: Access, owner: Stamp, clock: Clock, here: Here) -> None:
        """Touches nothing; the first call signs in and begins to watch.

        Args:
            settings: where and as whom runs go.
            access: how the cluster is reached.
            owner: whose runs these are.
            clock: for the instants of looks.
            here: what this machine has for them.
        """
        self._settings = settings
        self._owner, self._clock = owner, clock
        self._api = Api(access, len(namespaces_of(settings)))
        self._selector = names.selector(owner.instance, owner.project)
        self._objects = Objects(self._api, scope_of(settings, self._selector), self._heard)
        self._tokens = here.tokens
        self._desk = Desk(here.folder / "left", here.trees, here.cache)
        self._bringing = Bringing(Sources(here.folder / "left", here.trees, here.clones, here.cache), owner)
        self._kept = KeptLogs(here.folder / "logs")
        self._sight = Sight(self._objects, self._desk if here.tokens is not None else None, owner)
        self._activity = Activity(clock)
        self._logs = Logs(self._api, self._objects, self._sight, self._kept)
        self._making = Making(self._api, self._objects, owner, settings)
        self._ending = Ending(self._api, self._objects, owner, clock, self._kept)
        self.adoption = KubernetesAdoption(self._api, self._objects, owner, settings)
        self.rehearsal = KubernetesRehearsal(self._api, self._objects, owner, settings)
        self.reach = KubernetesReach(access, self._objects, owner, settings)
        self._ears = Ears()
        self._deadlines = Deadlines(clock, self._ears.tell)

    # --- the port ---

    async def ensure(self, order: Order) -> Ensured:
        """See `Backend.ensure`."""
        await self._open()
        known = self._objects.get(self._name(order.key))
        if known is not None:
            check_ours(known, self._owner)
            if not (await self._sight.look(known)).drift:
                return Ensured.UNCHANGED
        manifests = render.render(order, self._settings, self._tokens.of(order.key) if self._tokens is not None else "")
        if known is None:
            if self._tokens is not None:
                await self._bringing.ready(order)
            return Ensured.CREATED if await self._making.make(manifests) else Ensured.UNCHANGED
        return Ensured.CORRECTED if await self._making.correct(manifests, known) else Ensured.UNCHANGED

    async def stop(self, key: Key, grace: float) -> None:
        """See `Backend.stop`."""
        await self._open()
        found = await self._found(key)
        if found is None:
            await self._making.bury(key, note(Told(self._clock.now(), grace)))
            found = await self._found(key)  # somebody may have made it at that moment
        if found is None or is_cleaned(found) or (await self._sight.look(found)).phase is Phase.ENDED:
            return
        await self._ending.stop(found, grace)

    def knows(self, order: Order) -> Mapping[str, Json]:
        """See `Backend.knows`."""
        return render.knows(order, self._settings)

    async def clean(self, key: Key) -> None:
        """See `Backend.clean`.

        Raises:
            Transient: the attempt has not ended.
        """
        await self._open()
        for found in [one for one in await self._objects.read(self._name(key)) if is_ours(one, self._owner)]:
            if is_cleaned(found):  # by a clean that may have been cut short
                await self._ending.clear(key, found)
                continue
            seen = await self._sight.look(found)
            if seen.phase is not Phase.ENDED or seen.ended_at is None:
                raise Transient(f"{key} has not ended and cannot be cleaned")
            await self._ending.clean(key, found, seen.ended_at)
            self._activity.forget(found.name)

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        """See `Backend.observe`."""
        asked_at = self._clock.now()
        await self._open()
        if keys is None:
            return Snapshot(asked_at, {seen.key: seen for seen in await self._everything()})
        seen = {}
        for key in keys:
            one = await self._found(key)
            if one is not None and not is_cleaned(one):
                seen[key] = await self._look(one)
        return Snapshot(asked_at, seen, frozenset(keys))

    async def changes(self) -> AsyncIterator[Key]:
        """See `Backend.changes`."""
        await self._open()
        async for key in self._ears.listen():
            yield key

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        """See `Backend.logs`. Of several pods each stretch of output is headed by its name; `tail` is for each."""
        await self._open()
        async for piece in self._logs.stream(self._name(key), lambda: self._found(key), follow=follow, tail=tail):
            yield piece

    async def settle_log(self, key: Key) -> None:
        """See `Settler.settle_log`."""
        await self._open()
        found = await self._found(key)
        if found is not None and not is_cleaned(found):
            seen = await self._sight.look(found)
            if seen.ended_at is not None:
                await self._ending.keep_log(found, seen.ended_at)

    async def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        """See `Backend.metrics`: as far as the agent brought them."""
        found = self._objects.get(self._name(key))
        ended = found is None or (await self._sight.look(found)).phase is Phase.ENDED
        async for piece in self._desk.points(self._name(key), ended=ended):
            yield piece

    async def progress(self, keys: Collection[Key]) -> Mapping[Key, Mapping[str, Progress]]:
        """See `Backend.progress`: as far as the agent brought it."""
        return await self._desk.progress({key: self._name(key) for key in keys})

    async def artifacts(self, key: Key, path: str = "") -> Sequence[Artifact]:
        """See `Backend.artifacts`: as far as the agent brought them."""
        return await self._desk.artifacts(self._name(key.run), key.attempt, path)

    async def artifact(self, key: Key, path: str) -> Content:
        """See `Backend.artifact`."""
        return await self._desk.artifact(self._name(key.run), path)

    async def forget(self, run: Key, attempts: int, sequence: int) -> None:  # noqa: ARG002 -- of the port
        """See `Keeper.forget`. What is on the cluster has whose it is, and of when, on itself."""
        for name in self._names(run, attempts):
            await self._kept.forget(name)
            await self._desk.forget(name)

    async def weigh(self, run: Key, attempts: int) -> int:
        """See `Keeper.weigh`."""
        return sum([await self._kept.weigh(name) + await self._desk.weigh(name) for name in self._names(run, attempts)])

    async def missing(self, order: Order) -> Sequence[str]:
        """See `Restorer.missing`."""
        return await self._bringing.missing(order) if self._tokens is not None else ()

    async def restore(
        self, name: str, entries: Sequence[Artifact], pieces: Callable[[Artifact], AsyncIterator[bytes]]
    ) -> None:
        """See `Restorer.restore`."""
        await self._bringing.restore(name, entries, pieces)

    async def let_go(self, run: Key, *, remove: bool) -> int:
        """See `Dropper.let_go`."""
        return await self._bringing.let_go(run, remove=remove)

    async def close(self) -> None:
        """See `Backend.close`."""
        self._deadlines.close()
        self._ears.close()
        await self._objects.close()
        await self.reach.close()
        await self._api.close()

    # --- pods ---

    def attempt_of(self, token: str) -> Key | None:
        """See `Desk.attempt_of`."""
        return self._tokens.key_of(token) if self._tokens is not None else None

    async def place(self) -> str:
        """See `Desk.place`."""
        return await self._desk.place()

    async def code(self, tree: CodeTree) -> Path:
        """See `Desk.code`."""
        return await self._desk.code(tree)

    async def bring(self, order: Order, wanted: Wanted) -> AsyncIterator[bytes]:
        """See `Desk.bring`."""
        return await self._bringing.bring(order, wanted)

    async def take_metrics(self, key: Key, offset: int, data: bytes, of: str = "") -> int:
        """See `Desk.take_metrics`."""
        return await self._desk.take_metrics(self._name(key), offset, data, of)

    async def take_artifact(self, key: Key, brought: Brought, pieces: AsyncIterator[bytes]) -> None:
        """See `Desk.take_artifact`."""
        await self._desk.take_artifact(self._name(key.run), brought, pieces)

    async def take_activity(self, key: Key, at: float | None) -> None:
        """See `Desk.take_activity`."""
        self._activity.tell(self._name(key), at)

    async def take_end(self, key: Key, output: bytes) -> None:
        """See `Desk.take_end`."""
        await self._desk.take_end(self._name(key), output)

    # --- parts ---

    async def _open(self) -> None:
        self._objects.open()
        await self._objects.ready()

    def _name(self, key: Key) -> str:
        return names.object_name(key, self._owner)

    def _names(self, run: Key, attempts: int) -> Sequence[str]:
        """What files of a run are kept under: its own name, and one for each attempt."""
        return [self._name(key) for key in (run, *(run.at_attempt(number + 1) for number in range(attempts)))]

    async def _found(self, key: Key) -> Found | None:
        """The attempt as it is known, else as the API server says."""
        name = self._name(key)
        if (known := self._objects.get(name)) is not None and is_ours(known, self._owner):
            return known
        found = [one for one in await self._objects.read(name) if is_ours(one, self._owner)]
        # Where it was stopped before it was made, a name is taken in each namespace.
        return min(found, key=is_cleaned, default=None)

    async def _everything(self) -> Sequence[Observation]:
        seen = []
        for name in await self._objects.listed():
            found = self._objects.get(name) or next(iter(await self._objects.read(name)), None)
            if found is not None and not is_cleaned(found) and is_ours(found, self._owner):
                seen.append(await self._look(found))
        await self._sweep()
        return seen

    async def _look(self, found: Found) -> Observation:
        """What an attempt is; what is at work beyond its time is told to end, and a job whose place was taken."""
        seen = await self._sight.look(found)
        if (grace := self._deadlines.grace(found, seen)) is not None:
            await self._ending.stop(found, grace, StopReason.TIMEOUT)
        if seen.phase is Phase.ENDED:
            return seen
        if status.is_taken(found.main, found.pods, found.queued):
            await self._ending.give_up(found)
        return replace(seen, active_at=self._activity.last(found.name))

    async def _sweep(self) -> None:
        try:
            await self._ending.sweep(self._settings, self._selector)
        except Transient as error:
            log.info("names of old runs are freed later", reason=error.message)

    def _heard(self, name: str) -> None:
        found = self._objects.get(name)
        if found is not None and (key := names.key_of(found.main["metadata"])) is not None:
            self._ears.tell(key)
