"""The graph of an operation or a run, with how its nodes go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json, plain
from planner.graph import Told, graph_of
from planner.model.desired import CompiledOperation, Dag
from reconciler.api import find, problems
from reconciler.api.stories import Story, at_places, operation_of, story_of, top_of, with_begun
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
    own = found.run.kind == "dag" and bool(found.run.key.place)
    whole = await story_of(core, found.run if own else await top_of(core, found.run), newest=not own)
    operation = await operation_of(core, whole.node.key)
    if operation is None:
        raise problems.missing(f"what {found.run.key} was made of is not known any more")
    places = list(_places(operation, ()))
    if most is not None and len(places) > most:
        raise problems.conflict(f"{whole.node.key} has {len(places)} nodes")
    stories = await at_places(core, whole.node, places)
    told = {place: _of(await with_begun(core, story)) for place, story in stories.items()}
    return _shown(operation, {**told, (): _of(whole)})


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
