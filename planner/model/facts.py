"""Facts: what is appended to the ledger, and never edited.

Each fact belongs to one root, one commit or the whole project, and carries its instant. Decisions and intents are
recorded before acting; `Observed` alone says what happened to a thing that was started. They stand in one file, since
the union at its end is closed: whoever adds one must see all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from planner.canon import Json
from planner.keys import Key
from planner.model import desired
from planner.model.artifacts import Artifacts, Earlier
from planner.model.backfill import Backfill
from planner.model.commits import Change, StatusState, What
from planner.model.events import OutsideEvent, Subscription
from planner.model.metric import Progress
from planner.model.notices import Notice
from planner.model.people import Command, Hold
from planner.model.pulls import PullRecord
from planner.model.records import Planned
from planner.model.run import Leases, Observation
from planner.model.schedule import Cursor
from planner.model.search import Suggestion
from planner.model.status import RunStatus, StopReason

__all__ = [
    "Advanced",
    "Answered",
    "Approved",
    "Asked",
    "Backfilled",
    "Believed",
    "Bound",
    "CacheHit",
    "Carried",
    "Cleaned",
    "CommitPlanned",
    "Corrected",
    "CursorMoved",
    "Delivered",
    "Detailed",
    "Drifted",
    "Fact",
    "Happened",
    "Healed",
    "Intended",
    "Listened",
    "Measured",
    "Noticed",
    "Observed",
    "Opened",
    "PassedOver",
    "Pinned",
    "Posted",
    "PullNoted",
    "Received",
    "Renamed",
    "Retried",
    "Settled",
    "StatusChanged",
    "StopIntended",
    "StoreIntended",
    "Stored",
    "Suspended",
    "TargetSet",
    "Vanished",
    "Withdrawn",
    "Withheld",
]


@dataclass(frozen=True, slots=True)
class CommitPlanned:
    """A commit was planned: what it changes and the budgets that it asks for, written before any intent."""

    commit: str
    tree: str
    branch: str
    at: datetime
    changes: tuple[Change, ...] = ()
    problems: int = 0
    first_problem: str = ""
    budgets: desired.Asked = desired.Asked()
    details: str = ""


@dataclass(frozen=True, slots=True)
class Detailed:
    """The forge was told in detail what a commit has wrong, or never will be: nothing of `details` is owed to it."""

    commit: str
    details: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TargetSet:
    """What the newest planned commit wants of a root, and what that commit changed of it (None: nothing)."""

    root: str
    planned: Planned
    what: What | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Renamed:
    """A root goes on under another name, with all that it has."""

    root: str
    old: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Advanced:
    """A new generation is in force. `digest` and `form` are None and "" for an absence, `key` is its top run."""

    root: str
    number: int
    digest: str | None
    commit: str
    form: str
    key: Key | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The generation in force never started and is not wanted any more: the one before is in force again."""

    root: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A run exists as a record: a top, a DAG node, a tick. With `fresh` nothing below it is cached.

    `follows` is the run whose end it is a hook of, and `given` what it is given of it. `params` are texts of inputs by
    name, which the person who asked for it gave. `backfill` names what opened the run of a tick, if that was one. A
    trial of a sweep has its `suggestion`, and the `lineage` of what it is a trial of.
    """

    root: str
    key: Key
    kind: str
    commit: str
    generation: int
    form: str
    because: str
    at: datetime
    not_before: datetime | None = None
    fresh: bool = False
    follows: Key | None = None
    given: Mapping[str, Json] = field(default_factory=dict)
    event: OutsideEvent | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    backfill: str = ""
    suggestion: Suggestion | None = None
    lineage: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """All values of a leaf are known: its digest, the stored bound run, and `work` of its record."""

    root: str
    key: Key
    digest: str
    bound: str
    at: datetime
    work: str = ""


@dataclass(frozen=True, slots=True)
class Intended:
    """Attempt `key` is going to be started. Claims what it holds and its place in its queue.

    `ports` are the declared ports in the order of the leased ones; `lane` is their lane. `amounts` are those that are
    not whole numbers, as plain decimals.
    """

    root: str
    key: Key
    leases: Leases
    at: datetime
    queue: str = ""
    requests: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    lane: int = 0
    amounts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """A backend said something new of an attempt.

    `ttl` is how many seconds after its end what the backend holds of it stays.
    """

    root: str
    observation: Observation
    at: datetime
    ttl: float = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """Attempt `key` has reported more of these metrics; marks are those that were not recorded before."""

    root: str
    key: Key
    progress: Mapping[str, Progress]
    at: datetime


@dataclass(frozen=True, slots=True)
class Vanished:
    """An attempt that was seen once is gone without an end, or one with a stop is gone: proved by a look."""

    root: str
    key: Key
    reason: StopReason
    at: datetime


@dataclass(frozen=True, slots=True)
class StopIntended:
    """Attempt `key` is going to be stopped; or, without attempt number, nothing more of run `key` will start.

    `ends` and `words` are those of its `Stop`.
    """

    root: str
    key: Key
    reason: StopReason
    by: str
    at: datetime
    ends: RunStatus | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The backend was told to forget attempt `key`."""

    root: str
    key: Key
    at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A run is final: by its last attempt, by its children, or because it was decided not to start it."""

    root: str
    key: Key
    status: RunStatus
    reason: str
    at: datetime
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class StoreIntended:
    """What run `key` left is going to be copied into `store`; recorded with its end."""

    root: str
    key: Key
    store: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """The copy of what run `key` left is whole; `left` things could not be read."""

    root: str
    key: Key
    store: str
    at: datetime
    files: int = 0
    size: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """Run `key` is the run `source`: same result or same process, never started again."""

    root: str
    key: Key
    source: Key
    at: datetime


@dataclass(frozen=True, slots=True)
class CacheHit:
    """Run `key` has what `source` gave, which has done the same work, and does not start."""

    root: str
    key: Key
    source: Key
    outputs: Mapping[str, Json]
    at: datetime
    artifacts: Artifacts | None = None
    metrics: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drifted:
    """Attempt `key` is not as it was made, says `words`, and is put right where `corrects`; "" that it is again."""

    root: str
    key: Key
    words: str
    corrects: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Corrected:
    """The backend was told to have attempt `key` be as it was made. `failure` is why it would not, or ""."""

    root: str
    key: Key
    at: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Healed:
    """A service was up for long: its failures before count no more."""

    root: str
    key: Key
    at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """A person asked for a new round of the nodes `places` below the top `key`.

    With a `form` the run goes by it from now on, of `commit` and `generation`; without, by the one that it had.
    `earlier` is what of an earlier round those start with, by place, that do.
    With `backfill` it is the first run of a tick that its schedule had decided away; of a DAG no node is named then.
    """

    root: str
    key: Key
    round: int
    places: tuple[str, ...]
    by: str
    at: datetime
    form: str = ""
    commit: str = ""
    generation: int = 0
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    backfill: str = ""


@dataclass(frozen=True, slots=True)
class CursorMoved:
    """A schedule decided all ticks up to its new cursor."""

    root: str
    cursor: Cursor
    at: datetime


@dataclass(frozen=True, slots=True)
class Backfilled:
    """A backfill of `root` is as it says now: asked for, some ticks further, or over."""

    root: str
    backfill: Backfill
    at: datetime


@dataclass(frozen=True, slots=True)
class Listened:
    """From now on these events start `root`; those before do not."""

    root: str
    listens: tuple[Subscription, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Received:
    """An event that somebody listens to, or that somebody sent: recorded once, so that it counts once for good."""

    event: OutsideEvent
    at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """An event that `root` listens to; recorded with its `Received`."""

    root: str
    event: OutsideEvent
    at: datetime


@dataclass(frozen=True, slots=True)
class Noticed:
    """A notice is owed; recorded with the status that it is about."""

    root: str
    notice: Notice
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """Notice `ident` was taken, or given up with the reason `failure`."""

    ident: str
    at: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Event `ident` starts nothing of `root`, with the reason."""

    root: str
    ident: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A person asked for something."""

    root: str
    command: Command
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A command was planned: what came of it, in one sentence."""

    root: str
    ident: str
    ok: bool
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suspended:
    """`root` ("" for the project) is suspended or, with `by` of the person who lifts it, not any more."""

    root: str
    active: bool
    by: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Run `key` starts when a person has released `hold`."""

    root: str
    key: Key
    hold: Hold
    at: datetime


@dataclass(frozen=True, slots=True)
class Approved:
    """A person released a hold: of a target, or of run `key`.

    With `baseline` the action of a target counts as done instead of being done.
    """

    root: str
    hold: Hold
    by: str
    at: datetime
    baseline: bool = False
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Believed:
    """A person agreed that the attempts `keys`, all that was gone without a known cause, are lost."""

    keys: tuple[Key, ...]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A commit's context should say something new."""

    root: str
    commit: str
    context: str
    state: StatusState
    description: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """A status as it was at `said_at` is not owed to the forge any more.

    Attributes:
        commit: full id.
        context: of the status.
        said_at: which of its states.
        at: when.
        refused: why the forge will never take it; "" where it took it.
        left_out: the forge was spared it (`planner.outbox`).
    """

    commit: str
    context: str
    said_at: datetime
    at: datetime
    refused: str = ""
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a reference out of the repository led to when it was first looked up: the same from now on.

    Attributes:
        ref: its key, as `planner.compile.references` names it.
        digest: of the content, which is kept with it; "" lets go of the pin, so that the reference is looked up anew.
        path: how places in it are shown.
        at: when.
    """

    ref: str
    digest: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PullNoted:
    """What was said on a pull request.

    Attributes:
        number: of the pull request.
        record: what is known of it from now on; None where nothing needs to be.
        at: when.
        left: commits that it was said on under `context`, and that are not looked after any more.
        context: of its status.
    """

    number: str
    record: PullRecord | None
    at: datetime
    left: tuple[str, ...] = ()
    context: str = ""


Fact = (
    CommitPlanned
    | Detailed
    | TargetSet
    | Renamed
    | Advanced
    | Withdrawn
    | Opened
    | Bound
    | Intended
    | Observed
    | Measured
    | Vanished
    | StopIntended
    | Cleaned
    | Settled
    | StoreIntended
    | Stored
    | Carried
    | CacheHit
    | Drifted
    | Corrected
    | Healed
    | Retried
    | CursorMoved
    | Backfilled
    | Listened
    | Received
    | Happened
    | PassedOver
    | Noticed
    | Delivered
    | Asked
    | Answered
    | Suspended
    | Approved
    | Withheld
    | Believed
    | StatusChanged
    | Posted
    | Pinned
    | PullNoted
)
