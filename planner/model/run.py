"""Runs: what a backend is asked for (`BoundRun`), and what it says (`Observation`, `Snapshot`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifacts, Earlier
from planner.model.gang import Activity, Gang
from planner.model.status import StopReason

__all__ = ["BoundRun", "JoinedRuns", "Leases", "Observation", "Phase", "Snapshot", "Stamp"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whose object it is: written on every object, so that another ledger's are never touched.

    Attributes:
        ledger: random id of the ledger.
        sequence: the ledger's sequence when the intent was recorded.
        instance: name of the Plumbline instance.
        project: name of the project.
    """

    ledger: str
    sequence: int
    instance: str
    project: str


@dataclass(frozen=True, slots=True)
class Leases:
    """What an attempt holds exclusively.

    Attributes:
        ports: the real port for each declared port of the gang, in order.
        slots: indexes of declared slots (GPUs, licences) by resource name.
    """

    ports: tuple[int, ...] = ()
    slots: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinedRuns:
    """The runs whose values a run was started with, as a join found them.

    Attributes:
        query: as it was asked.
        names: the inputs that have the values.
        runs: in their order.
    """

    query: str
    names: tuple[str, ...]
    runs: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class BoundRun:
    """A fully bound leaf: all that a backend ever sees. The same for all attempts of a run.

    Attributes:
        key: the run's key (attempt 0).
        kind: `job`, `service`, ….
        digest: leaf digest: names its results.
        gang: containers with every value rendered, except `globals.*` of the attempt.
        context: the run contract's context file, without what only the attempt knows (ports, attempt).
        commit: full commit id of its code.
        timeout: seconds from its first start over all attempts; None for no limit.
        grace: seconds between TERM and KILL.
        because: the sentence that says why it runs.
        work: digest of what its result depends on for the cache; "" where that is `digest`.
        joined: what its joins found, in their order.
        activity: how the service says that it is in use; None where nobody wants to know.
        earlier: whose artifacts it starts with; None to start with an empty folder.
        namespace: where in a cluster it runs; "" for where the configuration says.
        plugins: what is added beside its program (reference, section 10.3), by YAML name.
        failure_policy: which ends of a pod count for what, as Kubernetes' PodFailurePolicy; empty for none.
        progress_deadline: seconds in which a service must get ready; None for a job.
        queue: the queue of the configuration that it waited in; "" for none.
    """

    key: Key
    kind: str
    digest: str
    gang: Gang
    context: Mapping[str, Json] = field(default_factory=dict)
    commit: str = ""
    timeout: float | None = None
    grace: float = 30.0
    because: str = ""
    work: str = ""
    joined: tuple[JoinedRuns, ...] = ()
    earlier: Earlier | None = None
    activity: Activity | None = None
    namespace: str = ""
    plugins: Mapping[str, Json] = field(default_factory=dict)
    failure_policy: Mapping[str, Json] = field(default_factory=dict)
    progress_deadline: float | None = None
    queue: str = ""


class Phase(StrEnum):
    """What a backend can say of an attempt that it has."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Observation:
    """One attempt as a backend sees it.

    Attributes:
        key: with its attempt number.
        phase: where it is.
        ready: whether all replicas of a service answer their probe; jobs are ready when running.
        started_at: when its first process started.
        ended_at: when the last one ended; set exactly when `phase` is ended.
        reason: why it ended; set exactly when `phase` is ended.
        exit_code: of the deciding replica, 128 + n for signal n; None when it never ran.
        message: one sentence for people, or "".
        outputs: name to value, as written by the run; only final once ended.
        stamp: whose object it is; None when unreadable.
        metrics: the last value of each metric that it wrote, once ended; not of every one where there are very many.
        artifacts: what it left in its folder, once ended; None where the backend keeps no folders.
        active_at: when the service was last in use, as far as its probe says; None where it is not asked.
        images: the image that each of its containers really had, by digest, as far as they are known.
        drift: one sentence on how a service is not as it was made, as somebody else changed it; "" where it is.
    """

    key: Key
    phase: Phase
    ready: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: StopReason | None = None
    exit_code: int | None = None
    message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    stamp: Stamp | None = None
    metrics: Mapping[str, Json] = field(default_factory=dict)
    artifacts: Artifacts | None = None
    active_at: datetime | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    drift: str = ""


PUT_BACK = timedelta(minutes=15)
"""What was noted, and is further ahead than this, was noted before the wall clock was put back."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a backend said at one look.

    Attributes:
        asked_at: the instant before the look began. Absence is proved only for keys whose last own write
            ended before it.
        objects: by attempt key. Ended attempts stay visible until cleaned.
        asked: the keys that were asked for; None when all objects were listed.
        busy_ports: ports that other programs of the machine hold; empty where it cannot matter.
    """

    asked_at: datetime
    objects: Mapping[Key, Observation]
    asked: frozenset[Key] | None = None
    busy_ports: frozenset[int] = frozenset()

    def proves_absent(self, key: Key, written_at: datetime | None, now: datetime) -> bool:
        """Whether this look proves that attempt `key`, last written at `written_at`, does not exist."""
        if key in self.objects or (self.asked is not None and key not in self.asked):
            return False
        return written_at is None or self.is_after(written_at, now)

    def is_after(self, at: datetime, now: datetime) -> bool:
        """Whether this look began after something that was noted at `at`.

        So it did too where that is still to come, by more than any look is old: the wall clock was put back since.
        """
        return at < self.asked_at or at > now + PUT_BACK
