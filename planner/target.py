"""From a commit's desired state to the target of every root: what the commit changes, and what is held.

The one place that decides what a commit is the first planned one to change, and that a root is removed. It never
decides runs: `planner.plan.plan_root` moves each root to its target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from planner.errors import Severity
from planner.holding import Contact, holds_of
from planner.model.commits import Change, StatusState, What
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.facts import CommitPlanned, Fact, Renamed, StatusChanged, TargetSet
from planner.model.people import Hold
from planner.model.records import Planned, RootRecord
from planner.publish import context_of, shorten
from planner.renames import after_renames, renames_of

__all__ = ["CommitPlan", "Contact", "plan_commit", "target_of"]

_TOLD = 500
"""Changes of a commit whose forms are kept in its record: one that changes more, as the first does, is read often."""


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """What planning a commit decided.

    Attributes:
        facts: to be recorded together, before any intent.
        changes: what the commit changes of which root.
        holds: what is held, by root.
        kept: roots that stay as they are though the commit would have changed them, with the reason.
    """

    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]
    holds: Mapping[str, Hold] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)


def plan_commit(desired: DesiredState, records: Mapping[str, RootRecord], contact: Contact) -> CommitPlan:
    """Decide what `desired` makes of every root.

    A commit that is planned again (a restart) gives no new changes, only current targets; where others were planned
    in between (a force-push back to it) it changes things anew, and says so anew.
    """
    renames = renames_of(desired, records)
    known = after_renames(records, renames)
    present = dict(_present(desired, known, renames))
    absent, kept = _absent(desired, known)
    holds = holds_of(desired, known, present, absent, contact)
    facts = [fact for old, new in sorted(renames.items()) for fact in _renamed(records[old], new, contact)]
    changes: list[Change] = []
    held = {
        name: (replace(target, hold=holds.get(name)), what) for name, (target, what) in {**present, **absent}.items()
    }
    for name, (planned, what) in sorted({**held, **dict(_staying(kept, known))}.items(), key=lambda item: item[0]):
        if planned == known.get(name, RootRecord(name)).planned:
            continue
        facts.append(TargetSet(name, planned, what, contact.now))
        if what is not None:
            changes.append(_change(name, what, planned, known))
            facts.extend(_said_anew(name, desired.commit, contact))
    was = {new: old for old, new in renames.items()}
    told = len(changes) <= _TOLD
    changes = [replace(one, was=was.get(one.root, "")) if told else Change(one.root, one.what) for one in changes]
    invalid = _invalid(desired, known, kept, contact)
    changes.extend(Change(fact.root, What.INVALID) for fact in invalid)
    errors = [problem for problem in desired.problems if problem.severity is Severity.ERROR]
    facts.insert(
        0,
        CommitPlanned(
            commit=desired.commit,
            tree=desired.tree,
            branch=contact.branch,
            at=contact.now,
            changes=tuple(changes),
            problems=len(errors),
            first_problem=shorten(str(errors[0])) if errors else "",
            budgets=desired.budgets,
            details=contact.details,
        ),
    )
    return CommitPlan((*facts, *invalid), tuple(changes), holds, kept)


def _change(name: str, what: What, planned: Planned, known: Mapping[str, RootRecord]) -> Change:
    before = known[name].planned if name in known else None
    return Change(name, what, before.form if before else "", planned.form)


def _renamed(record: RootRecord, new: str, contact: Contact) -> Iterator[Fact]:
    """The rename, after the last word of commits that wait under the old name: nothing is said under it any more."""
    for report in record.reports:
        yield StatusChanged(
            root=record.name,
            commit=report.commit,
            context=context_of(contact.instance, record.name),
            state=StatusState.SUPERSEDED,
            description=shorten(f"renamed to {new}"),
            at=contact.now,
        )
    yield Renamed(new, record.name, contact.now)


def _said_anew(root: str, commit: str, contact: Contact) -> Iterator[Fact]:
    """That a change is under way, where the old word on it would count until the root is planned."""
    if contact.again:
        context = context_of(contact.instance, root)
        yield StatusChanged(root, commit, context, StatusState.PENDING, "planned", contact.now)


def _present(
    desired: DesiredState, known: Mapping[str, RootRecord], renames: Mapping[str, str]
) -> Iterator[tuple[str, tuple[Planned, What | None]]]:
    for name, operation in desired.roots.items():
        before = known[name].planned if name in known else None
        what = _what(before, operation)
        if name in renames.values() and what in {What.CHANGED, None}:
            what = What.RENAMED if what is None else what
        # Inert changes (a comment, a description) go on under the commit that first planned the rest.
        commit = desired.commit if what is not None or before is None else before.commit
        yield name, (target_of(operation, commit), what)


def target_of(operation: CompiledOperation, commit: str) -> Planned:
    """What `commit`, the first planned one to ask for it, wants of a root."""
    return Planned(
        commit=commit,
        digest=operation.digest,
        live=operation.live,
        form=operation.form,
        path=operation.place.path,
        prune=operation.policy.prune,
        refused=operation.refused,
    )


def _what(before: Planned | None, operation: CompiledOperation) -> What | None:
    if before is None or before.digest is None:
        return What.ADDED
    if before.digest != operation.digest:
        return What.CHANGED
    return What.LIVE if (before.live, before.refused) != (operation.live, operation.refused) else None


def _absent(
    desired: DesiredState, known: Mapping[str, RootRecord]
) -> tuple[dict[str, tuple[Planned, What | None]], dict[str, str]]:
    """Roots that the commit no longer has. One bad file holds its own roots and every removal, nothing else."""
    found: dict[str, tuple[Planned, What | None]] = {}
    kept: dict[str, str] = {}
    for name, record in known.items():
        planned = record.planned
        if name in desired.roots or planned is None or planned.digest is None:
            continue
        if planned.path in desired.bad_files:
            kept[name] = f"{planned.path} has problems; the last good form stays in force"
        elif not planned.prune:
            kept[name] = "prune is off for it; plumbline stop ends what runs"
        elif desired.bad_files:
            kept[name] = f"nothing is removed while {min(desired.bad_files)} has problems"
        else:
            found[name] = (Planned(desired.commit, None, "", "", planned.path), What.REMOVED)
    return found, kept


def _staying(
    kept: Mapping[str, str], known: Mapping[str, RootRecord]
) -> Iterator[tuple[str, tuple[Planned, What | None]]]:
    """The targets of roots that stay as they are, with the reason."""
    for name, reason in kept.items():
        planned = known[name].planned
        if planned is not None:
            yield name, (replace(planned, kept=reason), None)


def _invalid(
    desired: DesiredState, known: Mapping[str, RootRecord], kept: Mapping[str, str], contact: Contact
) -> tuple[StatusChanged, ...]:
    """A failure on the commit for each root that stays as it is because its file is bad."""
    bad = (name for name in sorted(kept) if (planned := known[name].planned) and planned.path in desired.bad_files)
    return tuple(
        StatusChanged(
            root=name,
            commit=desired.commit,
            context=context_of(contact.instance, name),
            state=StatusState.FAILURE,
            description=shorten(kept[name]),
            at=contact.now,
        )
        for name in bad
    )
