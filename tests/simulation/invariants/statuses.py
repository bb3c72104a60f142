"""I33: commits say what their roots say, a final word never changes, and the forge shows what the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping

from planner.model.commits import StatusRecord, StatusState
from planner.model.facts import CommitPlanned, StatusChanged
from tests.simulation.history import History

NAME = "I33"


def check(history: History) -> list[str]:
    return _finals(history) + _aggregates(history) + _forge(history)


def _finals(history: History) -> list[str]:
    """A final word changes only when its commit is planned anew and changes something again, as by a force-push."""
    last: dict[tuple[str, str], StatusState] = {}
    found = []
    for fact in history.facts():
        match fact:
            case CommitPlanned():
                roots = {change.root for change in fact.changes}
                anew = {*roots, ""} if roots else set()
                last = {name: state for name, state in last.items() if name[0] != fact.commit or name[1] not in anew}
            case StatusChanged() if not fact.context.startswith("plumbline-live/"):
                name = (fact.commit, fact.root)
                before = last.get(name)
                if before is not None and before.final and before is not fact.state:
                    found.append(f"{fact.context} of {fact.commit[:10]} went from {before} to {fact.state}")
                last[name] = fact.state
            case _:
                pass
    return found


def _aggregates(history: History) -> list[str]:
    found = []
    changes: dict[str, set[str]] = {}
    for fact in history.facts():
        if isinstance(fact, CommitPlanned):
            changes.setdefault(fact.commit, {change.root for change in fact.changes})
    for ident, roots in changes.items():
        of_it = [status for (commit, _), status in history.state.statuses.items() if commit == ident]
        said = {status.root: status for status in of_it if status.root or status.is_aggregate}
        missing = sorted(root for root in roots if root not in said)
        if missing:
            found.append(f"{ident[:10]} changed {missing} and never says what became of it")
        total = said.get("")
        if total is None:
            found.append(f"{ident[:10]} has no aggregate")
        elif total.state is StatusState.SUCCESS:
            bad = _bad(said)
            if bad:
                found.append(f"{ident[:10]} is success, and {bad} failed")
        elif total.state.final and not history.state.commits[ident].problems and not any(_bad(said)):
            found.append(f"{ident[:10]} is {total.state}, and nothing failed")
    return found


def _bad(said: Mapping[str, StatusRecord]) -> list[str]:
    return [root for root, one in said.items() if root and one.state in {StatusState.FAILURE, StatusState.ERROR}]


def _spared(history: History, status: StatusRecord) -> bool:
    """Whether the forge had heard as much as it wants: never of an end that was shown as pending."""
    budget = history.budget
    if budget is None or not status.posted:
        return False
    if not status.state.final:
        return status.writes >= budget.writes
    commit = history.state.commits.get(status.commit)
    return bool(status.root) and not status.writes and commit is not None and len(commit.changes) > budget.roots


def _forge(history: History) -> list[str]:
    found = []
    for name, status in history.state.statuses.items():
        shown = history.said.get(name)
        if _spared(history, status):
            continue
        if shown is None or (shown.state, shown.description) != (status.state, status.description):
            found.append(
                f"{name[1]} of {name[0][:10]} is {status.state} in the ledger and {shown and shown.state} outside"
            )
    return found
