"""The graph of an operation or a run, with how its nodes go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json, plain
from planner.graph import Told, graph_of
from planner.model.desired import CompiledOperation, Dag
from planner.model.records import RunRecord
from reconciler.api import find, problems
from reconciler.api.stories import Story, at_places, one, operation_of, with_begun
from reconciler.core import Core

__all__ = ["graph"]


async def graph(core: Core, name: str, most: int | None = None) -> dict[str, Json]:
    """The graph of what `name` means: of a run as it goes, of an operation as it is in the repository.

    Of a run inside a whole, that of the whole; of a DAG inside it, such as a trial may be, its own.

    Raises:
        ApiError: nothing fits `name`, or more than one thing does; or it means a run with more than `most` nodes.
    """
    found = await find.target(core, name)
    if found.run is None:
        planned = (await core.ledger.roots())[found.root].planned
        operation = await core.form(planned.form) if planned and planned.form else None
        if operation is None:
            raise problems.missing(f"{found.root} is not in the repository any more")
        return _shown(operation, {})
    whole = await _whole(core, found.run)
    operation = await operation_of(core, whole.node.key)
    if operation is None:
        raise problems.missing(f"what {found.run.key} was made of is not known any more")
    above = whole.node.key.place
    places = [(*above, *place) for place in _places(operation, ())]
    if most is not None and len(places) > most:
        raise problems.conflict(f"{whole.node.key} has {len(places)} nodes")
    stories = await at_places(core, whole.node, places)
    told = {place[len(above) :]: _of(await with_begun(core, story)) for place, story in stories.items()}
    return _shown(operation, {**told, (): _of(whole)})


async def _whole(core: Core, run: RunRecord) -> Story:
    own = run.kind == "dag" and bool(run.key.place)
    story = await one(core, run.key if own else run.key.top, newest=not own)
    return await with_begun(core, story or Story(run, run, run))


def _shown(operation: CompiledOperation, told: Mapping[tuple[str, ...], Told]) -> dict[str, Json]:
    found = plain(graph_of(operation, told))
    assert isinstance(found, dict)
    return found


def _places(operation: CompiledOperation, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places of all nodes that a graph shows: what is inside a sweep is not among them."""
    if operation.build is not None:
        yield (*place, operation.build.name)
    if isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            here = (*place, node.operation.name)
            yield here
            yield from _places(node.operation, here)


def _of(story: Story) -> Told:
    return Told(str(story.status), story.run.reason or story.source.reason, str(story.run.key))
