"""The graph of an operation or a run, with how its nodes go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json, plain
from planner.desire.rollup import rollup
from planner.graph import Told, graph_of
from planner.model.desired import CompiledOperation, Dag
from planner.model.status import RunStatus
from reconciler.api import find, problems
from reconciler.api.stories import Story, leaves, one, places
from reconciler.core import Core

__all__ = ["graph"]

_CREATED = RunStatus.CREATED


async def graph(core: Core, name: str) -> dict[str, Json]:
    """The graph of what `name` means: of a run as it goes, of an operation as it is in the repository.

    Raises:
        ApiError: nothing fits `name`, or more than one thing does.
    """
    found = await find.target(core, name)
    if found.run is None:
        planned = (await core.ledger.roots())[found.root].planned
        operation = await core.form(planned.form) if planned and planned.form else None
        if operation is None:
            raise problems.missing(f"{found.root} is not in the repository any more")
        return _shown(operation, {})
    top = await one(core, found.run.key.top)
    operation = await core.form(top.run.form) if top is not None else None
    if top is None or operation is None:
        raise problems.missing(f"what {found.run.key} was made of is not known any more")
    nodes = await leaves(core, top.node)
    stories = {key.place: story for key, story in nodes.items()}
    told = dict(_told(operation, (), stories))
    told[()] = _of(top)
    return _shown(operation, told)


def _shown(operation: CompiledOperation, told: Mapping[tuple[str, ...], Told]) -> dict[str, Json]:
    found = plain(graph_of(operation, told))
    assert isinstance(found, dict)
    return found


def _told(
    operation: CompiledOperation, place: tuple[str, ...], stories: Mapping[tuple[str, ...], Story]
) -> Iterator[tuple[tuple[str, ...], Told]]:
    """How every node below goes; a DAG inside a DAG as its nodes do, unless it was decided as a whole."""
    if not isinstance(operation.body, Dag):
        build = (operation.build.name,) if operation.build is not None else ()
        if build and build in stories:
            yield build, _of(stories[build])
        return
    for node in operation.body.nodes:
        here = (*place, node.operation.name)
        if here in stories:
            yield here, _of(stories[here])
        elif isinstance(node.operation.body, Dag):
            below = [stories[key].status if key in stories else _CREATED for key in places(node.operation, here)]
            if any(status is not _CREATED for status in below):
                yield here, Told(str(rollup(below)))
        yield from _told(node.operation, here, stories)


def _of(story: Story) -> Told:
    return Told(str(story.status), story.run.reason or story.source.reason, str(story.run.key))
