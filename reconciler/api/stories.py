"""Stories: what a person means by "the run" of an operation or node.

A run has rounds that people asked for, and may stand for an earlier one that it was carried over from. A story
brings the three records together. Reads by key only, so that the cost never grows with the history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from planner import keys
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf, Sweep
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.query.graph import node_of
from planner.search import most
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = [
    "ALL",
    "MOST_TRIALS",
    "Story",
    "at_places",
    "breadth",
    "leaves",
    "node_keys",
    "nodes_of",
    "one",
    "operation_of",
    "places",
    "recorded",
    "story_of",
    "tell",
    "top_of",
    "with_begun",
]

ALL = slice(None)
"""Of nodes: all of them."""
_FIRST = 100
"""Nodes of a whole that are looked at for whether it has begun."""
MOST_TRIALS = 5_000
"""Trials of a sweep that are looked for, from the first on."""


@dataclass(frozen=True, slots=True)
class Story:
    """One run with what tells its progress.

    Attributes:
        node: the record that was asked for.
        run: its newest round, or itself.
        source: where that was carried over from, or the same record.
        begun: of a DAG or sweep, whether something below it has begun: its record knows only how it ended.
    """

    node: RunRecord
    run: RunRecord
    source: RunRecord
    begun: bool = False

    @property
    def status(self) -> RunStatus:
        """How it goes or went."""
        status = self.run.status if self.run.status.final else self.source.status
        return RunStatus.PROCESSING if self.begun and status is RunStatus.CREATED else status

    @property
    def trouble(self) -> str:
        """What keeps its attempt from starting, or from being ready; "" where nothing does."""
        last = self.source.last
        return last.trouble if last is not None and not self.run.status.final else ""


async def tell(core: Core, keys: Collection[Key], *, newest: bool = True) -> Mapping[Key, Story]:
    """The stories of those of `keys` that have a record; with `newest` of the newest round of each."""
    nodes = await _read(core, keys)
    rounds = {key: key.at_round(run.rounds[""]) for key, run in nodes.items() if newest and run.rounds.get("")}
    again = await _read(core, rounds.values())
    runs = {key: again.get(rounds.get(key, key), run) for key, run in nodes.items()}
    sources = await _read(core, [run.carried_from for run in runs.values() if run.carried_from is not None])
    return {
        key: Story(nodes[key], run, sources.get(run.carried_from, run) if run.carried_from else run)
        for key, run in runs.items()
    }


async def with_begun(core: Core, story: Story) -> Story:
    """The story, and of a DAG or sweep that is not over, at any depth, whether it has begun: the first nodes tell."""
    if not story.run.is_parent or story.status is not RunStatus.CREATED:
        return story
    below = await recorded(core, await _leaf_keys(core, await top_of(core, story.run), story.run.key.place, _FIRST))
    return replace(story, begun=any(node.status is not RunStatus.CREATED for node in below.values()))


async def one(core: Core, key: Key, *, newest: bool = True) -> Story | None:
    """The story of one key."""
    return (await tell(core, [key], newest=newest)).get(key)


async def story_of(core: Core, run: RunRecord, *, newest: bool = False) -> Story:
    """The story of a run that was found, and whether it has begun; with `newest` of its newest round."""
    return await with_begun(core, await one(core, run.key, newest=newest) or Story(run, run, run))


async def leaves(core: Core, top: RunRecord) -> Mapping[Key, Story]:
    """The stories of all nodes of a DAG's run that have a record, in the order of its graph; newest rounds."""
    return await recorded(core, await _leaf_keys(core, top))


async def at_places(core: Core, run: RunRecord, places: Collection[tuple[str, ...]]) -> Mapping[tuple[str, ...], Story]:
    """The stories of those of `places` below a run that have a record; newest rounds."""
    top, above = await top_of(core, run), run.key.place
    keys = {_at(top, (*above, *place)): place for place in places}
    return {keys[key]: story for key, story in (await tell(core, keys)).items()}


async def nodes_of(core: Core, run: RunRecord, window: slice = ALL) -> Mapping[Key, Story]:
    """The same without the run itself, of those in `window`: of a run that is no DAG, what built its image."""
    return await recorded(core, (await node_keys(core, run))[window])


async def node_keys(core: Core, run: RunRecord) -> Sequence[Key]:
    """The keys of the nodes below a run, in whichever round that is, whether they have a record or not."""
    return [key for key in await _leaf_keys(core, await top_of(core, run), run.key.place) if key.place != run.key.place]


async def breadth(core: Core, run: RunRecord) -> int:
    """How many nodes the whole has that a run is of."""
    return len(await _leaf_keys(core, await top_of(core, run)))


async def operation_of(core: Core, key: Key) -> CompiledOperation | None:
    """The compiled operation that a run is of; None where nobody knows it any more."""
    top = await one(core, key.top, newest=False)
    return node_of(await core.form(top.node.form), key.place) if top is not None else None


async def top_of(core: Core, run: RunRecord) -> RunRecord:
    """The first round of the whole that a run is of: it has the form, and knows the rounds of all that is below it."""
    top = await one(core, run.key.top, newest=False) if run.key.place or run.key.round else None
    return top.node if top is not None else run


async def _leaf_keys(core: Core, top: RunRecord, above: tuple[str, ...] = (), most: int | None = None) -> Sequence[Key]:
    operation = node_of(await core.form(top.form), above)
    if operation is None:
        return []
    return [_at(top, place) for place in islice(places(operation, above), most)]


def _at(top: RunRecord, place: tuple[str, ...]) -> Key:
    """The key of the newest round of what is at a place of the whole `top`."""
    return Key(top.key.root, top.key.cause, place, top.round_of(place))


async def recorded(core: Core, keys: Sequence[Key]) -> Mapping[Key, Story]:
    """The stories of those that have a record, in the order of `keys`."""
    found = await tell(core, keys)
    return {key: found[key] for key in keys if key in found}


def places(operation: CompiledOperation, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places of all leaves below an operation; the empty one where it is a leaf itself, after its build.

    Of a sweep those of its tuner and of all trials that there may be, the first `MOST_TRIALS` of them.
    """
    if isinstance(operation.body, Leaf | Sweep) and operation.build is not None:
        yield (*above, operation.build.name)
    if isinstance(operation.body, Leaf):
        yield above
        return
    if isinstance(operation.body, Sweep):
        for iteration in range(min(operation.body.iterations, MOST_TRIALS)):
            yield (*above, keys.tuner(iteration))
        count = most(operation.body.search)
        for number in range(MOST_TRIALS if count is None else min(count, MOST_TRIALS)):
            yield from places(operation.body.trial, (*above, keys.trial(number)))
        return
    for node in operation.body.nodes:
        yield from places(node.operation, (*above, node.operation.name))


async def _read(core: Core, keys: Iterable[Key]) -> Mapping[Key, RunRecord]:
    wanted = tuple(dict.fromkeys(keys))
    if not wanted:
        return {}
    return {run.key: run for run in await core.ledger.runs(RunQuery(keys=wanted, limit=len(wanted)))}
