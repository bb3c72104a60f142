"""What the newest commit says of what goes on without it: ticks, events and drift (design: "Which commit says what").

One context, whose words change only when what they say does: no instant, no count of ticks. It is never pending: a
commit that stands for weeks is read as it is now. What runs for a commit itself has a status of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.keys import Key
from planner.model.commits import StatusState
from planner.model.records import RootRecord, RunRecord
from planner.model.status import RunStatus
from planner.publish import Said, shorten

__all__ = ["Lately", "by_itself", "context_of_live", "lately", "live"]

_FAILED = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED})


@dataclass(frozen=True, slots=True)
class Lately:
    """How an operation fared since the last commit that was about it.

    Attributes:
        root: its name.
        wrong: what is wrong, in a few words; "" while nothing is.
    """

    root: str
    wrong: str = ""


def context_of_live(instance: str) -> str:
    """The context. Beside those of commits, as an operation may be called anything."""
    return f"plumbline-live/{instance}"


def by_itself(key: Key) -> bool:
    """Whether a tick or an event caused a top run; a hook belongs to the run that it follows."""
    return not key.place and (key.tick is not None or key.cause.startswith("ev-"))


def lately(record: RootRecord, runs: Sequence[RunRecord], *, recurs: bool) -> Lately | None:
    """How a root fares; None for one of which nothing happens by itself.

    Args:
        record: of the root.
        runs: its last top run that is final and happened by itself, and those top runs that are not final.
        recurs: whether it has a schedule or waits for events.
    """
    if record.gone:
        return None
    drift = next(filter(None, map(_drift, runs)), "")
    if drift:
        return Lately(record.name, drift)
    if not recurs:
        return None
    # What a person has run over again tells nothing of now.
    mine = (run for run in runs if run.status.final and by_itself(run.key) and not run.backfill)
    ended = next(mine, None)
    failed = ended is not None and ended.status in _FAILED
    return Lately(record.name, (ended.reason or str(ended.status)) if ended is not None and failed else "")


def live(found: Iterable[Lately]) -> Said | None:
    """What is said of all roots; None where nothing happens by itself."""
    told = sorted(found, key=lambda one: one.root)
    wrong = [one for one in told if one.wrong]
    if not told:
        return None
    if not wrong:
        count = f"{len(told)} operation{'s' if len(told) > 1 else ''}"
        return Said(StatusState.SUCCESS, f"{count} with a schedule or events: nothing is wrong")
    names = ", ".join(one.root for one in wrong[1:])
    first = f"{wrong[0].root}: {wrong[0].wrong}"
    # Names come before reasons where both have no room.
    rest = f"; also {names}" if names else ""
    room = max(len(shorten(first + rest)) - len(rest), len(wrong[0].root) + 2)
    return Said(StatusState.FAILURE, shorten(first[:room] + rest))


def _drift(run: RunRecord) -> str:
    """What somebody else changed of a service and nobody puts right; "" while it is as it was made, or is put right."""
    last = run.last
    if run.status.final or last is None or last.drift is None or not last.drift.words or last.drift.corrects:
        return ""
    failure = f", and cannot be put right: {last.drift.failure}" if last.drift.failure else ""
    return f"{last.drift.words}{failure}"
