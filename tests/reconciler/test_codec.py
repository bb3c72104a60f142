from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import MappingProxyType, NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner import canon, keys
from planner.errors import Place
from planner.keys import Key
from planner.model import facts as f
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.desired import CompiledOperation, Dag, Hook, Leaf, Node, Reference
from planner.model.facts import Fact
from planner.model.gang import Container, Gang, Replica
from planner.model.people import ProjectRecord
from planner.model.records import AttemptRecord, Claim, RootRecord, RunRecord
from planner.model.run import BoundRun, Leases, Observation, Phase, Snapshot
from planner.model.schedule import CronSchedule, DatetimeSchedule, IntervalSchedule
from planner.model.status import RunStatus, StopReason
from reconciler import codec

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
G1 = keys.generation("train", 1)

# -- strategies: any dataclass of the model from its type hints

_names = st.from_regex(keys.SEGMENT, fullmatch=True).map(lambda text: text[:20])
_naive = AT.replace(tzinfo=None)
_instants = st.datetimes(_naive.replace(year=2000), _naive.replace(year=2100), timezones=st.just(UTC))
_causes = st.one_of(
    st.integers(1, 10**6).map(lambda number: f"g{number}"),
    _names.map(lambda name: f"req-{name}"),
    _instants.map(lambda at: keys.tick("x", at).cause),
)
_keys = st.builds(Key, _names, _causes, st.lists(_names, max_size=3).map(tuple), st.integers(0, 9), st.integers(0, 99))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_whole_seconds = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))
_schedules = st.one_of(
    st.builds(CronSchedule, cron=st.text(), start_at=st.none() | _instants, jitter=_whole_seconds),
    st.builds(IntervalSchedule, frequency=_whole_seconds, end_at=st.none() | _instants),
    st.builds(DatetimeSchedule, start_at=_instants, start_deadline=st.none() | _whole_seconds),
)
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: _instants,
    timedelta: st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
    NoneType: st.none(),
    Key: _keys,
    CronSchedule: _schedules,
    IntervalSchedule: _schedules,
    DatetimeSchedule: _schedules,
    # Recursive: one level is enough to meet every field.
    Leaf: st.deferred(lambda: _built(Leaf)),
    Dag: st.builds(Dag, st.just(())),
    Hook: st.builds(
        Hook, st.text(), st.text(), st.builds(CompiledOperation, st.text(), st.text(), st.builds(Dag, st.just(())))
    ),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: _built(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    arguments = get_args(kind)
    if {bool, int, float, str} <= set(arguments):
        return _json
    origin = get_origin(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(any_of(arguments[0]), max_size=3)
    if origin is Mapping:
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3)
    return st.one_of(*map(any_of, arguments))


def _built(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: any_of(hints[field.name]) for field in dataclasses.fields(kind)})


RECORDS = [
    RunRecord,
    RootRecord,
    CommitRecord,
    StatusRecord,
    ProjectRecord,
    Claim,
    BoundRun,
    CompiledOperation,
    Node,
    Observation,
    Snapshot,
]
KINDS = [*get_args(Fact), *RECORDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_everything_comes_back_as_it_was(kind, data):
    value = data.draw(_built(kind))
    text = codec.encode(value)
    assert codec.decode(kind, text) == value
    assert codec.encode(codec.decode(kind, text)) == text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    if kind in get_args(Fact):
        assert codec.decode_fact(text) == value


# -- the stored form, which must not change

GOLDEN = {
    "fact": (
        f.Intended("train", G1.at_attempt(2), Leases((8080,), {"gpu": (0, 1)}), AT, "gpus", {"gpu": 2}, (80,), 1),
        (
            '{"at":"2026-11-23T06:00:00Z","key":"train@g1#2","lane":1,"leases":{"ports":[8080],"slots":{"gpu":[0,1]}},'
            '"ports":[80],"queue":"gpus","requests":{"gpu":2},"root":"train","type":"Intended"}'
        ),
    ),
    "observation": (
        f.Observed(
            "train",
            Observation(G1.at_attempt(1), Phase.ENDED, reason=StopReason.EXITED, exit_code=0, outputs={"é": 1.0}),
            AT,
        ),
        (
            '{"at":"2026-11-23T06:00:00Z","observation":{"exit_code":0,"key":"train@g1#1","outputs":{"\\u00e9":1.0},'
            '"phase":"ended","reason":"exited"},"root":"train","type":"Observed"}'
        ),
    ),
    "run": (
        RunRecord(G1, "train", "job", "c1", 1, "d1:f", AT, attempts=(AttemptRecord(1, AT, ended_at=AT, exit_code=0),)),
        (
            '{"attempts":[{"ended_at":"2026-11-23T06:00:00Z","exit_code":0,"intended_at":"2026-11-23T06:00:00Z",'
            '"leases":{},"number":1}],"commit":"c1","form":"d1:f","generation":1,"key":"train@g1","kind":"job",'
            '"opened_at":"2026-11-23T06:00:00Z","root":"train","status":"created"}'
        ),
    ),
    "schedule": (
        CronSchedule(cron="0 6 * * *", start_deadline=timedelta(minutes=5), jitter=timedelta(seconds=1.5)),
        (
            '{"concurrency_policy":"allow","cron":"0 6 * * *","jitter":1.5,"max_catch_up":100,"missed":"latest",'
            '"start_deadline":300,"timezone":"UTC","type":"CronSchedule"}'
        ),
    ),
    "leaf": (
        Leaf(Gang((Replica("main", 1, Container("i", ("a",))),)), references={"x": Reference(("prep",), ("outputs",))}),
        (
            '{"gang":{"decider":"main","lifetime":"once","replicas":[{"container":{"command":["a"],"image":"i"},"count":1,'
            '"role":"main"}],"update":"recreate"},"references":{"x":{"path":["outputs"],"place":["prep"]}},'
            '"termination":{},"type":"Leaf"}'
        ),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_stored_form_is_a_contract(name):
    value, text = GOLDEN[name]
    assert codec.encode(value) == text
    assert codec.decode(type(value), text) == value


def test_the_tags_of_facts_are_a_contract():
    assert {kind.__name__ for kind in get_args(Fact)} >= {
        "Advanced",
        "Answered",
        "Approved",
        "Asked",
        "Backfilled",
        "Believed",
        "Bound",
        "CacheHit",
        "Carried",
        "Cleaned",
        "CommitPlanned",
        "Corrected",
        "CursorMoved",
        "Delivered",
        "Detailed",
        "Drifted",
        "Happened",
        "Healed",
        "Intended",
        "Listened",
        "Measured",
        "Noticed",
        "Observed",
        "Opened",
        "PassedOver",
        "Pinned",
        "Posted",
        "PullNoted",
        "Received",
        "Renamed",
        "Retried",
        "Settled",
        "StatusChanged",
        "StopIntended",
        "StoreIntended",
        "Stored",
        "Suspended",
        "TargetSet",
        "Vanished",
        "Withdrawn",
        "Withheld",
    }


# -- other versions


def test_older_text_gets_the_defaults_of_what_it_does_not_know():
    text = '{"commit":"c1","form":"","generation":1,"key":"train@g1","kind":"job","opened_at":"2026-11-23T06:00:00Z"'
    assert codec.decode(RunRecord, text + ',"root":"train"}') == RunRecord(G1, "train", "job", "c1", 1, "", AT)


def test_newer_text_loses_what_this_version_does_not_know():
    text = '{"at":"2026-11-23T06:00:00Z","mood":{"a":[1]},"root":"train","type":"Withdrawn"}'
    assert codec.decode_fact(text) == f.Withdrawn("train", AT)


def test_a_default_that_is_not_empty_is_written_out():
    # It may be another one in the version that reads it.
    assert json.loads(codec.encode(BoundRun(G1, "job", "d1:x", Gang(()))))["grace"] == 30.0


# -- values


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, "2026-11-23T06:00:00Z"),
        (AT + timedelta(microseconds=7), "2026-11-23T06:00:00.000007Z"),
        (AT.astimezone(timezone(timedelta(hours=-3))), "2026-11-23T06:00:00Z"),
    ],
    ids=["whole", "fraction", "other zone"],
)
def test_instants_are_utc(at, text):
    assert json.loads(codec.encode(f.Withdrawn("train", at)))["at"] == text
    assert codec.decode_fact(codec.encode(f.Withdrawn("train", at))).at == at


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        codec.encode(f.Withdrawn("train", AT.replace(tzinfo=None)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_has_not_are_refused(value):
    seen = Observation(G1.at_attempt(1), Phase.RUNNING, outputs={"loss": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        codec.encode(f.Observed("train", seen, AT))


def test_read_only_mappings_are_mappings():
    outputs = MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})
    seen = Observation(G1.at_attempt(1), Phase.RUNNING, outputs=outputs)
    assert codec.decode(Observation, codec.encode(seen)).outputs == {"a": {"b": [1, 2]}}


def test_a_value_that_has_no_stored_form_is_refused():
    with pytest.raises(TypeError):
        codec.encode(object())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type":"Bogus"}',
        '{"type":"Withdrawn","root":"train"}',
        '{"type":"Withdrawn","root":"train","at":"yesterday"}',
        '{"type":"Bound","root":"train","key":"no key","digest":"","bound":"","at":"2026-11-23T06:00:00Z"}',
        "[" * 50_000,
        '{"type":"CursorMoved","root":"train","cursor":{"digest":"","anchor":' + "[" * 200_000 + "}}",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_fact_is_refused(text):
    with pytest.raises(ValueError, match="not a stored"):
        codec.decode_fact(text)


def test_keys_of_mappings_are_keys():
    snapshot = Snapshot(AT, {G1.at_attempt(1): Observation(G1.at_attempt(1), Phase.RUNNING)}, frozenset({G1}))
    assert codec.decode(Snapshot, codec.encode(snapshot)) == snapshot


def test_a_graph_of_operations_comes_back():
    leaf = CompiledOperation("a", "job", Leaf(Gang(())), place=Place("ops.yaml", 3, 1))
    inner = CompiledOperation("b", "dag", Dag((Node(leaf),)), schedule=DatetimeSchedule(start_at=AT))
    outer = CompiledOperation("c", "dag", Dag((Node(inner, ("a",)), Node(leaf)), 2), fields={"/a": [1, {"b": None}]})
    assert codec.decode(CompiledOperation, codec.encode(outer)) == outer


def test_a_blob_is_named_by_its_content():
    digest, text = codec.blob_of(Leaf(Gang(())))
    assert digest == canon.digest(json.loads(text))
    assert codec.decode(Leaf, text) == Leaf(Gang(()))
    assert codec.blob_of(Leaf(Gang(()), queue="q"))[0] != digest


def test_a_status_keeps_its_enum():
    record = RunRecord(G1, "train", "job", "c1", 1, "", AT, status=RunStatus.FAILED)
    assert codec.decode(RunRecord, codec.encode(record)).status is RunStatus.FAILED
