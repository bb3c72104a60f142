"""I18, I19, I5: what is wanted of a root is what the newest whole trees say, and only those ever take something away.

An own account of what each planned commit means, made from what was really pushed: a file that does not parse, a
tree without files and a remote that fails take nothing away.
"""

from __future__ import annotations

from planner.model.facts import Advanced, Approved, CommitPlanned, Renamed, StopIntended, TargetSet
from planner.model.status import StopReason
from tests.simulation.history import History
from tests.simulation.repository import Pushed

NAME = "I18"

Wanted = dict[str, tuple[str, bool] | None]
"""By name: the digest, and whether a commit that drops it takes it away."""


def check(history: History) -> list[str]:
    found = []
    wanted: Wanted = {}
    for fact in history.facts():
        match fact:
            case CommitPlanned():
                pushed = history.commits[fact.commit]
                if pushed.empty:
                    found.append(f"{fact.commit[:10]} has no file and was planned")
                wanted = _after(wanted, pushed)
            case Renamed():
                wanted[fact.old] = None
            case TargetSet() if fact.planned.digest != _digest(wanted, fact.root):
                found.append(f"{fact.root} became {fact.planned.digest}, {_digest(wanted, fact.root)} was pushed")
            case _:
                pass
    return found + _pruned(history) + _newest(history, wanted)


def _digest(wanted: Wanted, name: str) -> str | None:
    found = wanted.get(name)
    return found[0] if found else None


def _pruned(history: History) -> list[str]:
    """Only the effects of what was removed are pruned, and where the removal is held, not before it is approved."""
    gone: set[str] = set()
    held: set[str] = set()
    found = []
    for fact in history.facts():
        match fact:
            case TargetSet():
                removed, waits = fact.planned.digest is None, fact.planned.hold is not None
                (gone.add if removed and not waits else gone.discard)(fact.root)
                (held.add if removed and waits else held.discard)(fact.root)
            case Approved(key=None) if fact.root in held:
                gone.add(fact.root)
            case Advanced(digest=None):
                gone.add(fact.root)  # planned before the newest target was recorded
            case StopIntended() if fact.reason is StopReason.PRUNED and fact.root not in gone:
                found.append(f"{fact.key} was pruned, and {fact.root} is not removed")
            case _:
                pass
    return found


def _after(wanted: Wanted, pushed: Pushed) -> Wanted:
    """What is wanted once `pushed` was planned, by name; None for what was taken away."""
    says = {name: (operation.digest, operation.policy.prune) for name, operation in pushed.operations().items()}
    if pushed.bad_files:
        return {**wanted, **says}
    kept = {name: before if before and not before[1] else None for name, before in wanted.items()}
    return {**kept, **says}


def _newest(history: History, wanted: Wanted) -> list[str]:
    """The newest commit that can be planned was planned, and every root knows it."""
    found = []
    planned = [fact.commit for fact in history.facts() if isinstance(fact, CommitPlanned)]
    head = next((made for made in _line(history) if not made.empty), None)
    if head is not None and (not planned or planned[-1] != head.ident) and head.ident == _tip(history):
        found.append(f"the newest commit {head.ident[:10]} was never planned")
    for name in wanted:
        digest, record = _digest(wanted, name), history.state.roots.get(name)
        target = record.planned.digest if record and record.planned else None
        if target != digest:
            found.append(f"{name} should be at {digest} and is at {target}")
    return found


def _tip(history: History) -> str:
    return history.head


def _line(history: History) -> list[Pushed]:
    ident, found = history.head, []
    while ident:
        found.append(history.commits[ident])
        ident = found[-1].parent
    return found
