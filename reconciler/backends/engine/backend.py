"""The engine's backend: attempts as containers of this machine, Docker's or Podman's.

It decides nothing about runs. What an attempt is, is in its claim on this machine and in its container; what it must
never do: hold anything in memory that a restart would miss, or start a container that may have run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.metric import Metric, Progress
from planner.model.run import Snapshot, Stamp
from planner.model.status import StopReason
from reconciler.backends import contract
from reconciler.backends.code import Trees
from reconciler.backends.engine import draft, render, volumes
from reconciler.backends.engine.activity import Activity
from reconciler.backends.engine.client import Engine
from reconciler.backends.engine.containers import Containers
from reconciler.backends.engine.driving import Driving
from reconciler.backends.engine.output import Output
from reconciler.backends.engine.probing import Probing
from reconciler.backends.engine.pulling import Pulling
from reconciler.backends.engine.replica import replicas_of, request_stop
from reconciler.backends.engine.settings import EngineSettings
from reconciler.backends.engine.sight import Sight
from reconciler.backends.engine.turns import turn
from reconciler.backends.engine.watching import Watching
from reconciler.backends.machine import account, folders, restoring
from reconciler.backends.machine.claims import Claim, Claims, is_over
from reconciler.backends.machine.draft import Draft, check_owner
from reconciler.backends.machine.forgetting import forget, weigh
from reconciler.backends.machine.kept import Kept
from reconciler.backends.machine.making import Making, Ways
from reconciler.backends.machine.ports import Busy
from reconciler.backends.together import together
from reconciler.errors import Transient, Unusable
from reconciler.ports import Clock, Content, Ensured, Order
from reconciler.ports_clones import Clones
from reconciler.telemetry import log

__all__ = ["EngineBackend"]

T = TypeVar("T")

THREADS = 16
PATIENCE = 120.0
"""Seconds that a stop waits for whoever is at work on its attempt: a start on a slow disk."""


class EngineBackend:
    """`reconciler.ports.Backend` for containers of this machine, for one instance and project."""

    def __init__(
        self, settings: EngineSettings, owner: Stamp, trees: Trees, clock: Clock, clones: Clones | None = None
    ) -> None:
        """Check that runs can be made here; touches nothing.

        Args:
            settings: paths, the socket, and what containers are like.
            owner: whose runs these are, with the ledger's sequence now.
            trees: where code comes from.
            clock: for the instants of looks.
            clones: where code of other repositories comes from.

        Raises:
            Unusable: the settings do not allow it.
        """
        if not (settings.root.is_absolute() and settings.runs.is_absolute()):
            raise Unusable("the folders of backends.engine must be absolute paths")
        self._settings = settings
        self._owner = owner
        self._trees = trees
        self._clones = clones
        self._clock = clock
        self._account = account.resolve(settings.user, "backends.engine", allow_root=settings.allow_root)
        self._claims = Claims(settings.root, owner)
        self._engine = Engine(settings.socket)
        self._pulling = Pulling(self._engine, settings.auth_file, self._came)
        self._boot = settings.boot_id.read_text().strip()
        self._driving = Driving(self._engine, self._pulling, self._boot)
        self._output = Output(self._engine, self._driving, settings.log_cap)
        self._containers = Containers(self._engine, self._driving, self._output, self._claims)
        asking = Probing(self._engine), Activity(self._engine)
        self._sight = Sight(self._claims, self._driving, asking, self._containers.listed)
        self._watching = Watching(self._engine, self._sight, self._claims.scope)
        self._busy = Busy()
        self._kept = Kept(self._claims, owner, settings.runs)
        ways = Ways(self._draw, lambda _: None, lambda made, order: volumes.fill(made, order, self._account))
        self._making = Making(settings.runs, self._account, self._claims, ways)
        self._opening = anyio.Lock()
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._open = False
        self._kind = "docker"

    # --- the port ---

    async def ensure(self, order: Order) -> Ensured:
        """See `Backend.ensure`. It returns when the claim is durable; an image that is missing comes beside it."""
        check_owner(self._owner, order.stamp)
        await self.open()
        self._kind = await self._engine.kind()
        if await self._run(lambda: self._claims.find(order.key)) is None:
            await self._containers.check_free(order)
        made = await self._making.make(order, self._trees, self._clones, self._run)
        claim = await self._run(lambda: self._claims.find(order.key))
        if claim is not None and not claim.ended() and not claim.cleaned():
            await self._try(claim)
        return Ensured.CREATED if made else Ensured.UNCHANGED

    async def stop(self, key: Key, grace: float) -> None:
        """See `Backend.stop`."""
        await self.open()
        claim = await self._run(lambda: self._claims.find(key))
        while claim is None:
            if await self._run(lambda: self._claims.bury(key, grace)):
                self._watching.tell(key)
                return
            claim = await self._run(lambda: self._claims.find(key))
        claim.demand_known()
        if claim.cleaned() or claim.ended():
            return
        await request_stop(claim, grace, StopReason.EXITED)
        await self._try(claim)
        self._watching.tell(key)

    def knows(self, order: Order) -> Mapping[str, Json]:
        """See `Backend.knows`."""
        folder = self._kept.own(order).folder
        inner = render.inner_ports(order, self._settings)
        return contract.attempt_globals(str(folder.parent.parent), str(folder), inner)

    async def clean(self, key: Key) -> None:
        """See `Backend.clean`. What containers wrote is kept first.

        Raises:
            Transient: the attempt has not ended, or the engine is away.
        """
        await self.open()
        claim = await self._run(lambda: self._claims.find(key))
        if claim is None:
            return
        claim.demand_known()
        if claim.cleaned():
            return
        if not claim.ended():
            raise Transient(f"{key} has not ended and cannot be cleaned")
        async with turn(claim.folder, PATIENCE) as mine:
            if not mine:
                raise Transient(f"another daemon is at work on {key}")
            await self._containers.remove(claim)
            await self._run(lambda: self._clean(claim))

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        """See `Backend.observe`."""
        asked_at = self._clock.now()
        await self.open()
        asked = None if keys is None else frozenset(keys)
        found = await self._sight.look(asked)
        busy = await self._run(lambda: self._busy.of_others(self._sight.leased()))
        return Snapshot(asked_at, found, asked, busy)

    async def changes(self) -> AsyncIterator[Key]:
        """See `Backend.changes`. It hears from the first iteration on: look at everything after that."""
        await self.open()
        async for key in self._watching.hints():
            yield key

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        """See `Backend.logs`. Of several replicas each stretch of output is headed by its name; `tail` is for each."""
        await self.open()
        claim = await self._run(lambda: self._claims.find(key))
        if claim is None:
            return

        async def over() -> bool:
            return bool(await self._run(lambda: is_over(self._claims, key)))

        if claim.cleaned():
            async for piece in self._output.kept(self._claims.logs / claim.folder.name, tail):
                yield piece
            return
        said = {one.name: self._output.pieces(one, follow=follow, tail=tail, over=over) for one in replicas_of(claim)}
        async for piece in together(said):
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
        """See `Backend.close`."""
        await self._watching.close()
        await self._pulling.close()
        await self._engine.close()

    # --- beside the port ---

    async def open(self) -> None:
        """Make the folders. Every call does this first; the engine may be away.

        Raises:
            Transient: the disk says no.
            Unusable: what runs here is another ledger's.
        """
        if self._open:
            return
        async with self._opening:
            if not self._open:
                await self._run(self._prepare)
                self._open = True

    async def warnings(self) -> Sequence[str]:
        """What a person should know of the engine now, one sentence each."""
        try:
            await self._engine.kind()
        except Transient as error:
            return [f"{error.message}; nothing runs until it answers (backends.engine.socket)"]
        return []

    async def _try(self, claim: Claim) -> None:
        """Do for a claim what can be done now; what cannot is done at a look."""
        try:
            await self._sight.look_after(claim, PATIENCE)
        except Transient as error:
            log.info("an attempt is looked after later", attempt=claim.key, reason=error.message)

    def _came(self, key: Key) -> None:
        """What an attempt waited for is there, or is not going to be."""
        self._sight.hurry(key)
        self._watching.tell(key)

    # --- in threads ---

    async def _run(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return work()
            except OSError as error:
                where = f" ({error.filename})" if error.filename else ""
                raise Transient(f"the state folder cannot be used now: {error.strerror or error}{where}") from error

        return await anyio.to_thread.run_sync(guarded, limiter=self._limiter)

    def _prepare(self) -> None:
        self._claims.open(self._boot)
        folders.make_runs(self._settings.runs, self._account)

    def _draw(self, order: Order) -> Draft:
        claims = self._claims
        site = draft.Site(self._settings, self._account, self._boot, claims.logs, claims.scope, self._kind)
        return draft.write(order, site)

    def _clean(self, claim: Claim) -> None:
        volumes.forget(claim.record.get("attempt", ""))
        self._claims.clean(claim)
