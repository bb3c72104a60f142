"""The local backend: attempts as processes of this machine, under supervisors that outlive the daemon.

It decides nothing about runs. What it must never do: hold anything in memory that a restart would miss, or start a
program itself; it makes claims, hands them to the warm parent, and reads what the supervisors record.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.metric import Metric, Progress
from planner.model.run import Snapshot, Stamp
from reconciler.backends.captured import stream
from reconciler.backends.code import Trees
from reconciler.backends.local import advice, draft, groups, hints, supervisor
from reconciler.backends.local.settings import Containment, LocalSettings
from reconciler.backends.local.sight import Sight
from reconciler.backends.local.warm import Warm
from reconciler.backends.machine import account, folders, restoring
from reconciler.backends.machine.claims import Claim, Claims, is_over
from reconciler.backends.machine.draft import Draft, attempt_globals, check_owner
from reconciler.backends.machine.forgetting import forget, weigh
from reconciler.backends.machine.kept import Kept
from reconciler.backends.machine.making import Making, Ways
from reconciler.errors import Transient
from reconciler.ports import Clock, Content, Ensured, Order
from reconciler.ports_clones import Clones

__all__ = ["LocalBackend"]

T = TypeVar("T")

THREADS = 16


class LocalBackend:
    """`reconciler.ports.Backend` for processes of this machine, for one instance and project."""

    def __init__(
        self, settings: LocalSettings, owner: Stamp, trees: Trees, clock: Clock, clones: Clones | None = None
    ) -> None:
        """Check that runs can be made here; touches nothing.

        Args:
            settings: paths and limits.
            owner: whose runs these are, with the ledger's sequence now.
            trees: where code comes from.
            clock: for the instants of looks.
            clones: where code of other repositories comes from.

        Raises:
            Unusable: the machine or the settings do not allow it.
        """
        advice.check(settings)
        self._settings = settings
        self._account = account.resolve(settings.user, "backends.local", allow_root=settings.allow_root)
        self._owner = owner
        self._trees = trees
        self._clones = clones
        self._clock = clock
        self._claims = Claims(settings.root, owner)
        tried = groups.candidates(owner.instance, settings.root) if settings.containment is Containment.AUTO else ()
        self._warm = Warm(settings.root, tried)
        self._opening = anyio.Lock()
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._open = False
        self._group = next(iter(tried), None)  # as far as can be told before the parent tried
        self._sight = Sight(self._claims, self._warm)
        self._making = Making(settings.runs, self._account, self._claims, Ways(self._draw, self._hand))
        self._kept = Kept(self._claims, owner, settings.runs)
        self._ears: set[socket.socket] = set()

    # --- the port ---

    async def ensure(self, order: Order) -> Ensured:
        """See `Backend.ensure`."""
        check_owner(self._owner, order.stamp)
        await self.open()
        made = await self._making.make(order, self._trees, self._clones, self._run)
        return Ensured.CREATED if made else Ensured.UNCHANGED

    async def stop(self, key: Key, grace: float) -> None:
        """See `Backend.stop`."""
        await self.open()
        await self._run(lambda: self._stop(key, grace))

    def knows(self, order: Order) -> Mapping[str, Json]:
        """See `Backend.knows`."""
        return attempt_globals(order, self._kept.own(order).folder)

    async def clean(self, key: Key) -> None:
        """See `Backend.clean`.

        Raises:
            Transient: the attempt has not ended.
        """
        await self.open()
        await self._run(lambda: self._clean(key))

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        """See `Backend.observe`."""
        asked_at = self._clock.now()
        await self.open()
        asked = None if keys is None else frozenset(keys)
        found, busy = await self._run(lambda: self._sight.look(asked, self._boot()))
        return Snapshot(asked_at, found, asked, busy)

    async def changes(self) -> AsyncIterator[Key]:
        """See `Backend.changes`. It hears from the first iteration on: look at everything after that."""
        await self.open()
        with hints.listener(self._claims.listen) as ear:
            self._ears.add(ear)
            try:
                while ear in self._ears:  # `close` takes it out, also when nobody is waiting just then
                    await anyio.wait_readable(ear)
                    for key in hints.drain(ear, self._claims.scope):
                        yield key
            except anyio.ClosedResourceError:
                return
            finally:
                self._ears.discard(ear)

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        """See `Backend.logs`. Of several replicas each stretch of output is headed by its name; `tail` is for each."""
        folder = self._claims.logs / self._claims.name(key)

        async def over() -> bool:
            return not follow or bool(await self._run(lambda: is_over(self._claims, key)))

        async for piece in stream(folder, tail, over, self._run):
            yield piece

    def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        """See `Backend.metrics`."""
        return self._kept.metrics(key, self._run)

    async def progress(self, keys: Collection[Key]) -> Mapping[Key, Mapping[str, Progress]]:
        """See `Backend.progress`."""
        return await self._kept.progress(keys, self._run)

    async def artifacts(self, key: Key, path: str = "") -> Sequence[Artifact]:
        """See `Backend.artifacts`."""
        return await self._kept.listed(key, path, self._run)

    async def artifact(self, key: Key, path: str) -> Content:
        """See `Backend.artifact`."""
        return await self._kept.content(key, path, self._run)

    async def forget(self, run: Key, attempts: int, sequence: int) -> None:
        """See `Keeper.forget`."""
        await self.open()
        await self._run(lambda: self._claims.ownership.note(sequence))
        await self._run(lambda: forget(self._claims, self._settings.runs, run, attempts))

    async def weigh(self, run: Key, attempts: int) -> int:
        """See `Keeper.weigh`."""
        return await self._run(lambda: weigh(self._claims, self._settings.runs, run, attempts))

    async def missing(self, order: Order) -> Sequence[str]:
        """See `Restorer.missing`."""
        return await self._run(lambda: restoring.missing(order, self._owner, self._settings.runs))

    async def let_go(self, run: Key, *, remove: bool) -> int:
        """See `Dropper.let_go`."""
        return await self._run(lambda: restoring.let_go(self._kept.home(run), remove=remove))

    async def restore(
        self, name: str, entries: Sequence[Artifact], pieces: Callable[[Artifact], AsyncIterator[bytes]]
    ) -> None:
        """See `Restorer.restore`."""
        await self.open()
        await restoring.restore(self._settings.runs / name, self._account, entries, pieces, self._run)

    async def close(self) -> None:
        """See `Backend.close`. The warm parent stays."""
        while self._ears:
            anyio.notify_closing(self._ears.pop())

    # --- beside the port ---

    async def open(self) -> None:
        """Make the folders, start the warm parent and dismiss those of other versions. Every call does this first.

        Raises:
            Transient: the parent cannot be started, or the disk says no.
            Unusable: what runs here is another ledger's.
        """
        if self._open:
            return
        async with self._opening:
            if not self._open:
                await self._run(self._prepare)
                self._open = True

    def warnings(self) -> list[str]:
        """What a person should know of this machine; as far as can be told before `open`, exact after."""
        return advice.warnings(self._settings, self._account, self._group)

    def dismiss(self) -> None:
        """Ask the warm parent to go once it has no supervisors; it starts again when it is needed."""
        self._warm.leave()

    # --- in threads ---

    async def _run(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return work()
            except OSError as error:
                where = f" ({error.filename})" if error.filename else ""
                raise Transient(f"the local backend cannot work now: {error.strerror or error}{where}") from error

        return await anyio.to_thread.run_sync(guarded, limiter=self._limiter)

    def _prepare(self) -> None:
        self._claims.open(self._boot())
        folders.make_runs(self._settings.runs, self._account)
        self._group = self._warm.ping()["cgroup"]
        self._warm.dismiss_others()

    def _boot(self) -> str:
        return self._settings.boot_id.read_text().strip()

    def _draw(self, order: Order) -> Draft:
        site = draft.Site(self._settings, self._account, self._boot(), self._claims.listen, self._claims.logs)
        return draft.write(order, site)

    def _hand(self, claim: Claim) -> None:
        if claim.record["boot"] == self._boot():
            self._sight.hand(claim, claim.unstarted())

    def _stop(self, key: Key, grace: float) -> None:
        claims = self._claims
        while (claim := claims.find(key)) is None:
            if claims.bury(key, grace):
                supervisor.poke(claims.claims / claims.name(key), {"listen": str(claims.listen), "key": str(key)})
                return
        claim.demand_known()
        if claim.cleaned() or claim.ended():
            return
        supervisor.request_stop(claim.folder, claim.record, grace)
        with contextlib.suppress(Transient):  # the request is durable, and looks hand over again
            self._sight.hand(claim, claim.unstarted())

    def _clean(self, key: Key) -> None:
        claim = self._claims.find(key)
        if claim is None:
            return
        claim.demand_known()
        if not claim.cleaned() and not claim.ended():
            raise Transient(f"{key} has not ended and cannot be cleaned")
        if claim.record.get("attempt"):
            folders.forget_scratch(Path(claim.record["attempt"]))
        self._claims.clean(claim)
