"""What the parts of the daemon share: the ports, the configuration of planning, and small caches.

Made by `reconciler.building` (or by a test) and handed to every part. It holds no decision and no fact that is not
in the ledger: a crash loses nothing but caches.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

import anyio

from planner.admit import Limits
from planner.compile import CompileConfig
from planner.desire.view import Identity, Wait
from planner.guard import Budgets
from planner.keys import Key
from planner.line import Line
from planner.model.desired import CompiledOperation
from planner.model.retention import Retention
from planner.model.run import BoundRun
from reconciler import codec
from reconciler.elected import View
from reconciler.ports import Backend, Clock, Compiler, Forge, Ledger, Rest
from reconciler.ports_store import Store
from reconciler.ports_sweep import Kept
from reconciler.queue import Queue
from reconciler.source.port import Source
from reconciler.storage import Storage
from reconciler.suggesting import Suggester, in_thread

__all__ = ["Core", "Policy", "Ports"]

T = TypeVar("T")

_KEPT_BLOBS = 4096


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside."""

    ledger: Ledger
    backend: Backend
    source: Source
    compiler: Compiler
    forge: Forge
    clock: Clock
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How this daemon plans.

    Attributes:
        identity: instance and project.
        branch: the branch that is followed.
        budgets: what one commit may cause: the daemon's ceiling.
        limits: slots and ports of the machine.
        hold_first: whether first contact is held.
        hold_others: whether it is held where another ledger has reported under our instance before.
        effect_deadline: seconds after which an effect's outcome is unknown and its worker goes on.
        resync: seconds between looks that need no hint.
        grace: seconds between TERM and KILL of what is stopped.
        warnings: what a plan must say of this backend.
        retention: which runs are kept where the repository says nothing.
        kept: how much is kept of what belongs to no run.
    """

    identity: Identity
    branch: str = ""
    budgets: Budgets = Budgets()
    limits: Limits = field(default_factory=Limits)
    hold_first: bool = False
    hold_others: bool = False
    effect_deadline: float = 30.0
    resync: float = 30.0
    grace: float = 30.0
    warnings: tuple[str, ...] = ()
    retention: Retention = field(default_factory=Retention)
    kept: Kept = field(default_factory=Kept)


class Core:
    """Ports, policy, queue and caches."""

    def __init__(self, ports: Ports, policy: Policy, edition: str = "") -> None:
        self.ledger = ports.ledger
        self.backend = ports.backend
        self.source = ports.source
        self.compiler = ports.compiler
        self.forge = ports.forge
        self.clock = ports.clock
        self.policy = policy
        # What plans here; "" where no root is to be told to rest.
        self.edition = edition
        self.storage = _storage(ports, policy.identity)
        self.queue = Queue()
        self.admission = anyio.Lock()
        # Between the plan of a commit and its record no plan of a root is recorded, and none that was made before
        # a rename is recorded after it: its facts would name a root that is another one now.
        self.recording = anyio.Lock()
        self.renames = 0
        self.effects = anyio.CapacityLimiter(32)
        # What specs are compiled by, for whoever plans files before they are pushed; None where nobody said.
        self.compiling: CompileConfig | None = None
        # Who leads of several replicas; None where there is one daemon alone.
        self.election: View | None = None
        # When the last own write of an attempt ended: an older look never proves its absence.
        self.written: dict[Key, datetime] = {}
        # Roots of runs whose key still carries the name that the root had before a rename.
        self.renamed: dict[Key, str] = {}
        # What is ready and was not let in, and why it was not when its root was planned last; made anew by planning.
        self.line = Line()
        self.waits: dict[str, tuple[Wait, ...]] = {}
        # Roots with open runs that were not planned since the start: the line is not whole without them.
        self.unplanned: set[str] = set()
        # Roots that were found to rest, and the ledger does not know it yet.
        self.rests: dict[str, Rest] = {}
        # Roots that wait for the end of a run; which ones is planned anew after a restart.
        self.watching: dict[Key, set[str]] = {}
        # Why the object of an attempt could not be made yet, while it is tried again.
        self.stalled: dict[Key, str] = {}
        # What works out a suggestion that takes long.
        self.suggester: Suggester = in_thread
        self.draining = False
        # Forms of the newest commit, which are held anyway as long as it is the newest.
        self.current: Mapping[str, object] = {}
        self._blobs: OrderedDict[str, object] = OrderedDict()

    async def form(self, digest: str) -> CompiledOperation | None:
        """A stored compiled operation."""
        return await self._load(CompiledOperation, digest)

    async def forms(self, digests: Iterable[str]) -> dict[str, CompiledOperation]:
        """Those of the compiled operations that are stored, by digest."""
        return {digest: form for digest in digests if (form := await self.form(digest)) is not None}

    async def bound(self, digest: str) -> BoundRun | None:
        """A stored bound run."""
        return await self._load(BoundRun, digest)

    def remember(self, blobs: Mapping[str, object]) -> None:
        """Keep values that were just stored, so that they are not read back."""
        for digest, value in blobs.items():
            self._blobs[digest] = value
            self._blobs.move_to_end(digest)
        while len(self._blobs) > _KEPT_BLOBS:
            self._blobs.popitem(last=False)

    async def _load(self, kind: type[T], digest: str) -> T | None:
        if digest in self.current:
            return cast("T", self.current[digest])
        if digest in self._blobs:
            self._blobs.move_to_end(digest)
            return cast("T", self._blobs[digest])
        text = await self.ledger.blob(digest)
        if text is None:
            return None
        value = codec.decode(kind, text)
        self.remember({digest: value})
        return value


def _storage(ports: Ports, identity: Identity) -> Storage | None:
    if ports.store is None:
        return None
    return Storage(ports.store, identity.instance, identity.project, ports.ledger.ident)
