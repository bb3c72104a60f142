"""What a round overtakes: nodes that come after what is run again, and that have not started.

What they wait for is decided anew, and so is what they would have begun with. What has started goes on, and what has
succeeded stays: a person who wants it again says so. Reads the draft alone and records nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from planner.desire.view import Draft
from planner.model.desired import CompiledOperation, Dag
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.query.graph import node_of

__all__ = ["overtaken"]

_Place = tuple[str, ...]


def overtaken(draft: Draft, top: RunRecord, form: CompiledOperation, places: Iterable[str]) -> list[RunRecord]:
    """The newest rounds of nodes that are to be decided anew, in order of their keys.

    Args:
        draft: the state.
        top: the run of the DAG.
        form: what it goes by from now on.
        places: of the nodes that are run again.
    """
    again = {tuple(place.split("/")) for place in places if place}
    waiting: dict[_Place, RunRecord] = {}
    standing: set[_Place] = set()
    for run in _newest(draft, top):
        if run.key.place in again:
            continue
        if _has_not_started(run):
            waiting[run.key.place] = run
        else:
            standing.update(_above([run.key.place]))
    found: list[RunRecord] = []
    again = set(_above(again))
    while following := [place for place in waiting if _follows(form, place, again, standing)]:
        found += [waiting.pop(place) for place in following]
        again.update(_above(following))
    return sorted(found, key=lambda run: run.key)


def _newest(draft: Draft, top: RunRecord) -> Iterator[RunRecord]:
    for run in draft.state.runs.values():
        place = run.key.place
        if place and run.key.top == top.key and run.key.round == top.round_of(place):
            yield run


def _has_not_started(run: RunRecord) -> bool:
    """Whether nothing of a node ran, and no person wanted that."""
    if run.attempt_count or run.carried_from is not None or run.status is RunStatus.SUCCEEDED:
        return False
    return run.stop is None or not run.stop.by


def _above(places: Iterable[_Place]) -> Iterator[_Place]:
    """The places, and the DAGs that they are in."""
    for place in places:
        yield from (place[:depth] for depth in range(1, len(place) + 1))


def _follows(form: CompiledOperation, place: _Place, again: Collection[_Place], standing: Collection[_Place]) -> bool:
    """Whether a node waits for one of `again`, or is in a DAG that does and of which nothing has started."""
    for depth, name in enumerate(place):
        above = node_of(form, place[:depth])
        node = above.body.node(name) if above is not None and isinstance(above.body, Dag) else None
        if node is None:
            return False
        begun = depth < len(place) - 1 and place[: depth + 1] in standing
        if not begun and any((*place[:depth], other) in again for other in node.upstream):
            return True
    return False
