"""Folding facts into the records of commits and of their statuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from planner.model.commits import CommitRecord, StatusRecord
from planner.model.facts import (
    Answered,
    Asked,
    Believed,
    CommitPlanned,
    Detailed,
    Fact,
    Posted,
    StatusChanged,
    Suspended,
)
from planner.model.people import Command, ProjectRecord, Suspension

__all__ = ["close_commit", "detail_commit", "fold_commit", "fold_project", "fold_status", "with_command"]

_TICK = timedelta(microseconds=1)


def fold_project(before: ProjectRecord, fact: Fact) -> ProjectRecord:
    """The project's record after `fact`; facts about a single root leave it as it is."""
    match fact:
        case CommitPlanned():
            # A head that is planned again (a restart) does not come after itself.
            former = before.asked_before(fact.commit)
            return replace(before, head=fact.commit, asked=fact.budgets, asked_former=former)
        case Suspended(root=""):
            return replace(before, suspended=Suspension(fact.at, fact.by, fact.until) if fact.active else None)
        case Believed():
            return replace(before, believed=frozenset(fact.keys))
        case Asked(root=""):
            return replace(before, commands=with_command(before.commands, fact.command))
        case Answered(root=""):
            rest = tuple(command for command in before.commands if command.ident != fact.ident)
            return replace(before, commands=rest)
        case _:
            return before


def with_command(commands: tuple[Command, ...], command: Command) -> tuple[Command, ...]:
    """`commands` and `command`, once however often it was delivered."""
    return commands if any(known.ident == command.ident for known in commands) else (*commands, command)


def fold_commit(before: CommitRecord | None, fact: CommitPlanned) -> CommitRecord:
    """The commit's record. One that is planned again keeps what it was found to change, and adds to it.

    Where it changes something again, as after a push back to it, what it said is not its last word any more.
    """
    if before is not None:
        changes = {change.root: change for change in (*before.changes, *fact.changes)}
        again = bool(fact.changes)
        return replace(
            before,
            changes=tuple(changes.values()),
            problems=fact.problems,
            first_problem=fact.first_problem,
            details=fact.details,
            closed=before.closed and not again,
            again=before.again or again,
        )
    return CommitRecord(
        ident=fact.commit,
        tree=fact.tree,
        branch=fact.branch,
        at=fact.at,
        changes=fact.changes,
        problems=fact.problems,
        first_problem=fact.first_problem,
        details=fact.details,
    )


def detail_commit(commit: CommitRecord, fact: Detailed) -> CommitRecord:
    """`commit` after the forge was told in detail, be it of what was wrong before it was planned again."""
    return replace(commit, checked=fact.details) if commit.checked != fact.details else commit


def close_commit(commit: CommitRecord, status: StatusRecord) -> CommitRecord:
    """`commit` after its `status`: closed when its aggregate is final, until it says anew."""
    if not status.is_aggregate or commit.closed is status.state.final:
        return commit
    return replace(commit, closed=status.state.final, again=commit.again and not status.state.final)


def fold_status(before: StatusRecord | None, fact: StatusChanged | Posted) -> StatusRecord | None:
    """The status of one context of one commit; a post settles only what was said when it was made."""
    match fact:
        case StatusChanged():
            # A post names what it says by its instant, so no two of one context have the same.
            at = fact.at if before is None else max(fact.at, before.at + _TICK)
            return StatusRecord(
                commit=fact.commit,
                context=fact.context,
                root=fact.root,
                state=fact.state,
                description=fact.description,
                at=at,
                writes=before.writes if before is not None else 0,
                told_at=before.told_at if before is not None else None,
            )
        case Posted():
            return _posted(before, fact)


def _posted(before: StatusRecord | None, fact: Posted) -> StatusRecord | None:
    """What was told counts as a write also where the context says something else meanwhile."""
    if before is None:
        return None
    if not fact.refused and not fact.left_out:
        before = replace(before, writes=before.writes + 1, told_at=fact.at)
    return replace(before, posted=True, refused=fact.refused) if before.at == fact.said_at else before
