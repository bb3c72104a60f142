"""States with one holder: folding many facts at once leads to what folding one after the other does."""

from __future__ import annotations

from functools import reduce

import pytest

from planner import keys
from planner.fold import RootState, fold_all, fold_root
from planner.fold.own import OwnRuns, below
from planner.model.facts import Fact, Observed, Settled
from planner.model.records import RootRecord
from tests.planner.builders import dag, job, node
from tests.planner.history import after, done, end, push

pytestmark = pytest.mark.unit

FLOW = dag("flow", node(job("one", "a")), node(dag("inner", node(job("two", "b")), node(job("three", "c"))), "one"))


def _history() -> list[Fact]:
    history = after(push(FLOW), end("flow@g1/one#1"), end("flow@g1/inner/two#1"))
    return [fact for _, fact in done(history.ledger.facts("flow"))]


def test_many_facts_lead_to_what_each_of_them_does() -> None:
    facts, start = _history(), RootState(RootRecord("flow"))
    assert any(isinstance(fact, Observed) for fact in facts)
    assert any(isinstance(fact, Settled) for fact in facts)
    whole = fold_all(start, facts)
    assert whole == reduce(fold_root, facts, start)
    assert list(whole.runs) == list(reduce(fold_root, facts, start).runs)


@pytest.mark.parametrize("cut", [0, 3, 7])
def test_a_state_that_was_handed_out_stays_as_it_is(cut: int) -> None:
    facts, start = _history(), RootState(RootRecord("flow"))
    early = fold_all(start, facts[:cut])
    kept = dict(early.runs)
    late = fold_all(early, facts[cut:])
    assert early.runs == kept
    assert start.runs == {}
    assert late == fold_all(start, facts)


def test_runs_are_found_by_what_they_lie_below() -> None:
    runs = fold_all(RootState(RootRecord("flow")), _history()).runs
    top = keys.generation("flow", 1)
    names = {
        place: [str(key) for key in below(runs, keys.parse(place))]
        for place in ("flow@g1", "flow@g1/inner", "flow@g1/one", "flow@g2")
    }
    assert names["flow@g1/inner"] == ["flow@g1/inner/two", "flow@g1/inner/three"]
    assert names["flow@g1"] == [str(key) for key in runs if key.place]
    assert names["flow@g1/one"] == names["flow@g2"] == []
    assert str(top) in map(str, runs)


def test_what_is_put_in_later_is_found_as_well() -> None:
    runs = fold_all(RootState(RootRecord("flow")), _history()).runs
    inner = keys.parse("flow@g1/inner")
    own = OwnRuns({key: run for key, run in runs.items() if key.place[:1] != ("inner",)})
    assert not own.below(inner)
    for key, run in runs.items():
        own.put(run)
        own.put(run)
        assert (key in own.below(inner)) is (key.place[:1] == ("inner",))
    assert len(own.below(inner)) == 2
    assert own == runs
