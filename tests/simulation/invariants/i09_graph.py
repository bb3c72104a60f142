"""I9: a node starts when what it waits for lets it, and nothing of a DAG starts once the DAG has ended.

The rules are told once more here, from docs/starts.md and not from the code that they check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Node, Sweep
from planner.model.facts import Carried, Fact, Intended, Opened, Retried, Settled
from planner.model.status import RunStatus
from tests.simulation.history import History

NAME = "I9"

Place = tuple[str, ...]


@dataclass(slots=True)
class _Top:
    """What was recorded of one run of a DAG so far."""

    form: str
    ended: bool = False
    rounds: dict[str, int] = field(default_factory=dict)
    ends: dict[Key, RunStatus] = field(default_factory=dict)
    started: set[Key] = field(default_factory=set)

    def end(self, top: Key, place: Place) -> RunStatus | None:
        """How the newest round of the node at a place ended; None while it has not."""
        return self.ends.get(Key(top.root, top.cause, place, self.rounds.get("/".join(place), 0)))


def check(history: History) -> list[str]:
    tops: dict[Key, _Top] = {}
    found: list[str] = []
    for fact in history.facts():
        match fact:
            case Opened() if not fact.key.place and not fact.key.round:
                tops[fact.key] = _Top(fact.form)
            case Intended():
                found += _start(history, tops, fact)
            case _:
                _note(tops, fact)
    return found


def _note(tops: Mapping[Key, _Top], fact: Fact) -> None:
    match fact:
        case Retried(key=key) if key.top in tops:
            tops[key.top].ended = False
            tops[key.top].rounds.update(dict.fromkeys(fact.places, fact.round))
        case Settled(key=key) if key.top in tops:
            tops[key.top].ends[key] = fact.status
            tops[key.top].ended = tops[key.top].ended or key == key.top
        case Carried(key=key) if key.top in tops:
            tops[key.top].started.add(key)
        case _:
            pass


def _start(history: History, tops: Mapping[Key, _Top], fact: Intended) -> Iterator[str]:
    run = fact.key.run
    top = tops.get(run.top)
    if top is None or not run.place or run in top.started:
        return
    top.started.add(run)
    if top.ended:
        yield f"{fact.key} was intended after {run.top} had ended"
    form = history.forms.get(top.form)
    for depth, node in _path(form, run.place) if form is not None else ():
        above = run.place[:depth]
        inner_begun = depth < len(run.place) - 1 and any(
            other.place[: depth + 1] == run.place[: depth + 1] for other in top.started - {run}
        )
        if node.events or inner_begun:
            continue
        ends = [_came_to(top, run.top, (*above, name), form) for name in node.upstream]
        if not _lets(node.trigger, ends) or (node.skip_on_upstream_skip and RunStatus.SKIPPED in ends):
            told = dict(zip(node.upstream, map(str, ends), strict=True))
            yield f"{fact.key} was intended with {node.trigger} of {told}"


def _path(operation: CompiledOperation | None, place: Place) -> Iterator[tuple[int, Node]]:
    """The nodes on the way to a place with their depths, outermost first; a trial is no node of any graph."""
    for depth, name in enumerate(place):
        assert operation is not None
        if isinstance(operation.body, Sweep):
            operation = operation.body.trial
            continue
        assert isinstance(operation.body, Dag)
        node = next(node for node in operation.body.nodes if node.operation.name == name)
        operation = node.operation
        yield depth, node


def _came_to(top: _Top, key: Key, place: Place, form: CompiledOperation | None) -> RunStatus | None:
    *_, (_, node) = _path(form, place)
    body = node.operation.body
    own = top.end(key, place)
    if own is not None or not isinstance(body, Dag):
        return own
    inner = [_came_to(top, key, (*place, child.operation.name), form) for child in body.nodes]
    if None in inner:
        return None
    for status in (RunStatus.FAILED, RunStatus.STOPPED):
        if status in inner:
            return status
    return RunStatus.SKIPPED if set(inner) == {RunStatus.SKIPPED} else RunStatus.SUCCEEDED


def _lets(trigger: str, ends: list[RunStatus | None]) -> bool:
    good = {
        "succeeded": {RunStatus.SUCCEEDED, RunStatus.SKIPPED},
        "failed": {RunStatus.FAILED},
        "done": {status for status in RunStatus if status.final},
    }
    how, _, what = trigger.partition("_")
    met = [end in good[what] for end in ends]
    return all(met) if how == "all" or not met else any(met)
