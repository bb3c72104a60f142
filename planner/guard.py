"""Guards: what a plan would do and does not without a person (design: "Safety, both ways").

Budgets bound what one commit may stop and start. A hold is bound to the exact actions: its id is a digest of
them, so an approval never covers more than was shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from planner import canon
from planner.model.desired import Asked
from planner.model.people import Hold

__all__ = ["Budgets", "Starts", "cluster_lost", "first_sync", "is_first_sync", "removals", "starts"]

_FIRST = "h-first-"


@dataclass(frozen=True, slots=True)
class Budgets:
    """What one commit may newly cause. Files of the repository may only tighten the daemon's.

    Attributes:
        starts: roots that start; a DAG is one, and so is a sweep.
        gpus: GPUs that they ask for together; None for no limit.
        deletions: live roots that a plan may remove; None for the rule alone: from three up never more than half.
        trials: trials that their sweeps may have.
    """

    starts: int = 20
    gpus: int | None = None
    deletions: int | None = None
    trials: int = 1000

    def within(self, asked: Asked) -> Budgets:
        """These, where `asked` tightens them."""
        return Budgets(
            starts=_tighter(self.starts, asked.starts),
            gpus=_least(self.gpus, asked.gpus),
            deletions=_least(self.deletions, asked.deletions),
            trials=_tighter(self.trials, asked.trials),
        )


@dataclass(frozen=True, slots=True)
class Starts:
    """What a commit would newly start.

    Attributes:
        digests: of what starts, by root.
        gpus: of all together.
        trials: of all together, and of `later`.
        later: digests of roots that start nothing now and bring trials or GPUs all the same: sweeps that a tick or an
            event starts, and those that may have more at work at once from now on.
    """

    digests: Mapping[str, str]
    gpus: int
    trials: int = 0
    later: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> Mapping[str, str]:
        """Digests of all of them."""
        return {**self.digests, **self.later}


def removals(
    removed: Collection[str], live: Collection[str], *, left: int, budgets: Budgets, now: datetime
) -> Hold | None:
    """The hold on removing `removed`, or None.

    Args:
        removed: roots that the commit no longer has.
        live: all roots of the project with live effects.
        left: roots that the commit still has.
        budgets: the limits.
        now: since when it is held.
    """
    if not removed:
        return None
    count = len(set(removed) & set(live))
    if left == 0:
        reason = f"the commit has no operation left; it would remove all {len(removed)}"
    elif count >= 3 and count > len(live) / 2:
        reason = f"it would remove {count} of {len(live)} live operations in one commit"
    elif budgets.deletions is not None and count > budgets.deletions:
        reason = f"it would remove {count} live operations; the budget is {budgets.deletions} a commit"
    else:
        return None
    return _hold("remove", sorted(removed), reason, now)


def starts(wanted: Starts, budgets: Budgets, now: datetime) -> Hold | None:
    """The hold on starting all of `wanted`, or None. What is over a budget is held whole, not in part."""
    reasons = []
    if len(wanted.digests) > budgets.starts:
        reasons.append(f"it would start {len(wanted.digests)} operations; the budget is {budgets.starts} a commit")
    if wanted.trials > budgets.trials:
        reasons.append(f"its sweeps may have {wanted.trials} trials; the budget is {budgets.trials} a commit")
    if budgets.gpus is not None and wanted.gpus > budgets.gpus:
        reasons.append(f"it would ask for {wanted.gpus} GPUs; the budget is {budgets.gpus} a commit")
    return _hold("start", dict(wanted.all), ", and ".join(reasons), now) if reasons else None


def first_sync(wanted: Starts, now: datetime) -> Hold:
    """The hold of first contact: nothing starts until a person has seen the plan."""
    count = len(wanted.digests)
    reason = f"first contact with this repository; it would start {count} operation{'s' if count != 1 else ''}"
    hold = _hold("first-sync", dict(wanted.digests), reason, now)
    return replace(hold, ident=hold.ident.replace("h-", _FIRST))


def is_first_sync(hold: Hold) -> bool:
    """Whether `hold` is that of first contact, which no later commit and no restart releases."""
    return hold.ident.startswith(_FIRST)


def cluster_lost(alive: int, gone: int) -> bool:
    """Whether so many live objects vanished between two looks that none of it is believed: over max(3, 10 %)."""
    return gone > max(3, alive * 0.1)


def _tighter(ceiling: int, asked: int | None) -> int:
    return ceiling if asked is None else min(ceiling, asked)


def _least(ceiling: int | None, asked: int | None) -> int | None:
    return min((value for value in (ceiling, asked) if value is not None), default=None)


def _hold(verb: str, actions: object, reason: str, now: datetime) -> Hold:
    ident = "h-" + canon.digest([verb, actions])[3:11]
    return Hold(ident, reason, now, "whoever may approve in this project")
