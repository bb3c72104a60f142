"""Letting go of what no run owns, in the ledger in memory: each stage of a sweep is one step.

The rules are those of `reconciler.ledger.sweeping`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from planner.fold import run_of
from planner.model.events import RUNS
from reconciler import codec
from reconciler.ledger.memory_forgetting import under
from reconciler.ledger.state import MemoryState
from reconciler.ledger.sweeping import names_in
from reconciler.ports_sweep import Bounds, Ended, Stage, Sweep

__all__ = ["ended", "old_commits", "remove_commits", "step"]


def step(state: MemoryState, bounds: Bounds, sweep: Sweep) -> None:
    """See `reconciler.ports.Ledger.sweep`."""
    gone = list(_gone(state, bounds, sweep.stage))
    if sweep.remove:
        for one in gone:
            _remove(state, sweep.stage, one)
    sweep.went(len(gone), "")


def _gone(state: MemoryState, bounds: Bounds, stage: Stage) -> Iterable[str | int]:
    runs = {str(key) for key in state.runs}
    match stage:
        case Stage.CONTENT:
            return _unused(state, state.blobs, "")
        case Stage.EVENTS:
            old = {ident: event for ident, event in state.events.items() if event.at < bounds.events}
            ours = [ident for ident, one in old.items() if not (one.ref.startswith(RUNS) and one.about in runs)]
            return _unused(state, _unused(state, ours, ""), "ev-")
        case Stage.NOTICES:
            known = state.notices.items()
            return [ident for ident, one in known if ident not in state.unsent and str(one.key) not in runs]
        case Stage.ANSWERS:
            return [ident for ident, answered in state.answers.items() if answered.at < bounds.history]
        case Stage.FACTS:
            return [
                number
                for number, fact in enumerate(state.facts, 1)
                if number not in state.swept
                and fact.at < bounds.history
                and ((run := run_of(fact)) is None or run not in state.runs)
                and run not in state.forgotten
            ]
        case _:
            return ()


def _remove(state: MemoryState, stage: Stage, one: str | int) -> None:
    if isinstance(one, int):
        state.swept[one] = None
        return
    tables = {
        Stage.CONTENT: state.blobs,
        Stage.EVENTS: state.events,
        Stage.NOTICES: state.notices,
        Stage.ANSWERS: state.answers,
    }
    tables[stage].pop(one, None)  # type: ignore[attr-defined]  # tables of different values


def _unused(state: MemoryState, found: Iterable[str], before: str) -> Sequence[str]:
    used = names_in(_bodies(state))
    for run in state.runs.values():
        used |= {hash(name) for name in (run.form, run.bound, run.key.top.cause)}
    used |= {hash(commit.details) for commit in state.commits.values()}
    return [one for one in found if hash(before + one) not in used]


def _bodies(state: MemoryState) -> Iterable[str]:
    yield codec.encode(state.project)
    yield from map(codec.encode, state.roots.values())
    yield from map(codec.encode, state.pins.values())
    yield from map(codec.encode, state.pulls.values())


def ended(state: MemoryState, before: datetime, after: int, limit: int) -> Ended:
    """See `reconciler.ports.Ledger.ended`."""
    own = [run for key, run in state.runs.items() if key == key.top and state.opened[key] > after]
    over = [run for run in own if run.status.final and run.finished_at is not None and run.finished_at < before]
    page = sorted(over, key=lambda run: state.opened[run.key])[:limit]
    more = len(over) > limit
    return Ended([under(state, run.key) for run in page], state.opened[page[-1].key] if more else None)


def old_commits(state: MemoryState, keep: int, limit: int) -> Sequence[str]:
    """See `reconciler.ports.Ledger.old_commits`."""
    named = names_in(_bodies(state))
    order = sorted(state.commits.values(), key=lambda commit: state.planned[commit.ident])
    waiting = {status.commit for status in state.statuses.values() if not status.posted}
    beyond = order[: max(len(order) - keep, 0)]
    return [
        commit.ident
        for commit in beyond
        if commit.closed and commit.ident not in waiting and hash(commit.ident) not in named
    ][:limit]


def remove_commits(state: MemoryState, keep: int, idents: Collection[str]) -> int:
    """See `reconciler.ports.Ledger.remove_commits`."""
    gone = set(idents) & set(old_commits(state, keep, len(state.commits)))
    for ident in gone:
        del state.commits[ident], state.planned[ident]
    for name in [name for name in state.statuses if name[0] in gone]:
        del state.statuses[name]
        state.said.pop(name, None)
    return len(gone)
