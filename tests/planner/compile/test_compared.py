"""What the cache compares: everything, or the inputs, outputs and parts of a run that its operation names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from planner import keys
from planner.compile.bind import BindRequest, bind
from tests.planner.compile.trees import COMMIT, compiled

pytestmark = pytest.mark.unit

INPUTS = [
    {"name": "rate", "type": "float"},
    {"name": "verbose", "type": "bool", "isOptional": True, "value": False},
]
RUN = {
    "kind": "job",
    "init": [{"file": {"content": "x", "filename": "x"}}],
    "connections": ["store"],
    "container": {
        "image": "trainer",
        "command": ["fit", "--rate={{ rate }}", "--verbose={{ verbose }}"],
        "resources": {"limits": {"cpu": 1}},
        "env": [{"name": "SEED", "value": "1"}],
    },
}


def operation(cache, params=None, run=None, **rest):
    run = {**RUN, **(run or {})}
    component = {"inputs": INPUTS, "outputs": [{"name": "loss"}], "run": run, "cache": cache, **rest}
    found = {"version": 1.1, "kind": "operation", "name": "t", "component": component}
    state = compiled({"a.json": json.dumps(found | {"params": params or {"rate": {"value": 0.1}}})})
    assert "t" in state.roots, [str(problem) for problem in state.problems]
    return state.roots["t"]


def work(cache, params=None, run=None, values=None, **rest):
    """What the cache compares of a run, and its leaf digest."""
    request = BindRequest(
        operation=operation(cache, params, run, **rest),
        key=keys.generation("t", 1),
        values=values or {},
        upstream={},
        identity=("i", "p"),
        commit=COMMIT,
        opened_at=datetime(2026, 11, 23, tzinfo=UTC),
        because="new",
    )
    bound = bind(request)
    return bound.work or bound.digest, bound.digest


LOUD = {"rate": {"value": 0.1}, "verbose": {"value": True}}
FAST = {"rate": {"value": 0.9}}
OTHER_IMAGE = {"container": {**RUN["container"], "image": "other"}}
OTHER_ENV = {"container": {**RUN["container"], "env": [{"name": "SEED", "value": "2"}]}}
MORE_CPU = {"container": {**RUN["container"], "resources": {"limits": {"cpu": 2}}}}
OTHER_INIT = {"init": [{"file": {"content": "y", "filename": "x"}}]}
OTHER_STORE = {"connections": ["other"]}

IO = {"io": ["rate"]}
CONTAINERS = {"sections": ["containers"]}


@pytest.mark.parametrize(
    ("cache", "change", "equal"),
    [
        pytest.param({"disable": False}, {"params": LOUD}, False, id="every-input-counts"),
        pytest.param({"disable": False}, {"run": OTHER_IMAGE}, False, id="the-image-counts"),
        pytest.param({"disable": False}, {"run": MORE_CPU}, False, id="resources-count"),
        pytest.param(IO, {"params": LOUD}, True, id="an-input-left-out"),
        pytest.param(IO, {"params": FAST}, False, id="an-input-that-counts"),
        pytest.param(IO, {"run": OTHER_IMAGE}, False, id="io-leaves-the-rest-as-it-is"),
        pytest.param(
            IO, {"run": {"container": {**RUN["container"], "args": ["-v"]}}}, False, id="io-counts-other-words"
        ),
        pytest.param({"io": []}, {"params": FAST}, True, id="no-input-counts"),
        pytest.param({"io": ["{{ 'rate' }}"]}, {"params": LOUD}, True, id="names-from-a-template"),
        pytest.param(CONTAINERS, {"run": OTHER_INIT}, True, id="containers-leave-out-init"),
        pytest.param(CONTAINERS, {"run": OTHER_STORE}, True, id="containers-leave-out-connections"),
        pytest.param(CONTAINERS, {"run": MORE_CPU}, True, id="containers-leave-out-resources"),
        pytest.param(CONTAINERS, {"run": OTHER_IMAGE}, False, id="containers-have-the-image"),
        pytest.param(CONTAINERS, {"run": OTHER_ENV}, False, id="containers-have-variables"),
        pytest.param(CONTAINERS, {"params": FAST}, False, id="containers-have-inputs"),
        pytest.param({"sections": ["init"]}, {"run": OTHER_INIT}, False, id="init-alone"),
        pytest.param({"sections": ["init"]}, {"run": OTHER_IMAGE}, True, id="init-leaves-out-containers"),
        pytest.param({"sections": ["connections"]}, {"run": OTHER_STORE}, False, id="connections-alone"),
        pytest.param({"sections": []}, {"run": {**OTHER_IMAGE, **OTHER_INIT}}, True, id="inputs-alone"),
        pytest.param({"sections": []}, {"params": FAST}, False, id="inputs-alone-that-differ"),
        pytest.param({"sections": [], "io": ["rate"]}, {"params": LOUD, "run": OTHER_IMAGE}, True, id="both"),
    ],
)
def test_what_is_compared(cache, change, equal):
    one, other = work(cache), work(cache, **change)
    assert (one[0] == other[0]) is equal
    assert one[1] != other[1], "the leaf digest always tells them apart"


def test_without_a_word_the_leaf_digest_is_compared():
    compared, digest = work({"disable": False})
    assert compared == digest
    assert work({"ttl": 60}) == (compared, digest), "how the cache is used is no part of the work"


def test_a_commit_counts_where_each_one_runs():
    settings = "defaults: {runPolicy: on-commit}\n"
    found = {
        "version": 1.1,
        "kind": "operation",
        "name": "t",
        "component": {"run": {"kind": "job", "container": {"command": ["c"]}}, "cache": {"sections": []}},
    }
    files = {"a.json": json.dumps(found), ".plumbline.yaml": settings}
    operation = compiled(files).roots["t"]
    works = set()
    for commit in ("a" * 40, "b" * 40):
        at = datetime(2026, 11, 23, tzinfo=UTC)
        works.add(bind(BindRequest(operation, keys.generation("t", 1), {}, {}, ("i", "p"), commit, at, "new")).work)
    assert len(works) == 2
