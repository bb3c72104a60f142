"""Sweeps and early stopping: what each kind needs, takes and refuses (reference, sections 13.1 and 14)."""

from __future__ import annotations

import pytest
import yaml
from pydantic import TypeAdapter

from planner.spec.distributions import KINDS
from planner.spec.early_stopping import EarlyStopping
from planner.spec.load import load
from planner.spec.matrix import MATRIX_KINDS

pytestmark = pytest.mark.unit

SPACE = {"lr": {"kind": "uniform", "value": [0, 1]}}
CHOICE = {"lr": {"kind": "choice", "value": [1, 2]}}
METRIC = {"name": "loss", "optimization": "minimize"}
SWEEPS = {
    "mapping": {"values": [{"lr": 1}, {"lr": 2, "n": 3}]},
    "grid": {"params": CHOICE},
    "random": {"params": SPACE, "numRuns": 5},
    "hyperband": {
        "params": SPACE,
        "maxIterations": 81,
        "eta": 3,
        "resource": {"name": "epochs", "type": "int"},
        "metric": METRIC,
    },
    "bayes": {"params": SPACE, "numInitialRuns": 3, "maxIterations": 5, "metric": METRIC},
    "hyperopt": {"params": SPACE, "numRuns": 3, "maxIterations": 5, "metric": METRIC},
    "iterative": {"maxIterations": 5},
}
MORE = {
    "mapping": {"concurrency": "{{ n }}", "earlyStopping": []},
    "grid": {"numRuns": "{{ n }}", "concurrency": 2},
    "random": {"seed": 0, "concurrency": None},
    "hyperband": {"resume": True, "asynchronous": True, "seed": -1, "tuner": {"hubRef": "tuner"}},
    "bayes": {"seed": "{{ n }}", "utilityFunction": {"acquisitionFunction": "ei", "eps": 0}, "tuner": "{{ t }}"},
    "hyperopt": {"algorithm": "anneal", "seed": 1, "tuner": {"hubRef": "o/t:1", "presets": "a, b", "queue": "a.q"}},
    "iterative": {"params": SPACE, "seed": 1, "tuner": {"hubRef": "tuner", "params": {"a": {"value": 1}}}},
}


def said(matrix) -> list[str]:
    """Problems of a sweep, by code and pointer below it."""
    document = {"version": 1.1, "kind": "operation", "pathRef": "a.yaml", "matrix": matrix}
    found = load("f.yaml", yaml.safe_dump(document).encode()).problems
    return [f"{problem.code} {problem.pointer.removeprefix('/matrix')}" for problem in found]


def test_every_kind_is_here():
    assert tuple(SWEEPS) == tuple(MORE) == MATRIX_KINDS


@pytest.mark.parametrize("kind", SWEEPS)
def test_the_least_and_the_most_of_every_kind(kind):
    assert said({"kind": kind, **SWEEPS[kind]}) == []
    assert said({"kind": kind, **SWEEPS[kind], **MORE[kind]}) == []


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in SWEEPS.items() for field in fields])
def test_what_a_kind_needs(kind, field):
    rest = {name: value for name, value in SWEEPS[kind].items() if name != field}

    assert said({"kind": kind, **rest}) == [f"PL-202 /{field}"]


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("grid", {"pchoice", *(name for name in KINDS if "uniform" in name or "normal" in name)}),
        ("bayes", {"pchoice", "daterange", "datetimerange", *(n for n in KINDS if n[0] in "ql" and "space" not in n)}),
        ("hyperopt", {"pchoice", "daterange", "datetimerange"}),
        ("random", set()),
        ("hyperband", set()),
    ],
)
def test_distributions_that_a_kind_cannot_choose_from(kind, refused):
    wrong = {"bayes": refused | {"normal"}}.get(kind, refused)
    for name in KINDS:
        found = said({"kind": kind, **SWEEPS[kind], "params": {"lr": {"kind": name, "value": "{{ space }}"}}})
        assert found == (["PL-209 /params/lr/kind"] if name in wrong else []), name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"kind": "grid", "params": {}}, ["PL-204 /params"], id="no-params"),
        pytest.param({"kind": "grid", "params": [1]}, ["PL-203 /params"], id="params-of-a-list"),
        pytest.param({"kind": "grid", "params": CHOICE, "numRuns": 0}, ["PL-204 /numRuns"], id="no-runs"),
        pytest.param({"kind": "grid", "params": CHOICE, "concurrency": 0}, ["PL-204 /concurrency"], id="no-room"),
        pytest.param({"kind": "grid", "params": CHOICE, "tuner": {"hubRef": "a"}}, ["PL-201 /tuner"], id="of-others"),
        pytest.param({"kind": "mapping", "values": []}, ["PL-204 /values"], id="no-values"),
        pytest.param({"kind": "mapping", "values": [1, {}]}, ["PL-203 /values/0"], id="values-of-numbers"),
        pytest.param({"kind": "mapping", "values": {"a": 1}}, ["PL-203 /values"], id="one-value"),
        pytest.param({"kind": "random", **SWEEPS["random"], "seed": "1"}, ["PL-203 /seed"], id="seed-of-text"),
        pytest.param({"kind": "random", **SWEEPS["random"], "seed": -(2**63)}, ["PL-204 /seed"], id="seed-too-large"),
        pytest.param({"kind": "hyperband", **SWEEPS["hyperband"], "eta": 1}, ["PL-204 /eta"], id="eta-of-one"),
        pytest.param({"kind": "hyperband", **SWEEPS["hyperband"], "eta": "3"}, ["PL-203 /eta"], id="eta-of-text"),
        pytest.param(
            {"kind": "hyperband", **SWEEPS["hyperband"], "metric": {"name": "a", "optimization": "MINIMIZE"}},
            ["PL-204 /metric/optimization"],
            id="capitals",
        ),
        pytest.param(
            {"kind": "hyperband", **SWEEPS["hyperband"], "resource": {"name": "a", "type": "str"}},
            ["PL-204 /resource/type"],
            id="resource-of-text",
        ),
        pytest.param(
            {"kind": "bayes", **SWEEPS["bayes"], "utilityFunction": {}},
            ["PL-202 /utilityFunction/kappa"],
            id="ucb-without-kappa",
        ),
        pytest.param(
            {"kind": "bayes", **SWEEPS["bayes"], "utilityFunction": {"acquisitionFunction": "poi", "kappa": 1}},
            ["PL-202 /utilityFunction/eps"],
            id="poi-without-eps",
        ),
        pytest.param(
            {"kind": "bayes", **SWEEPS["bayes"], "utilityFunction": {"acquisitionFunction": "lcb"}},
            ["PL-204 /utilityFunction/acquisitionFunction"],
            id="function-unknown",
        ),
        pytest.param(
            {"kind": "hyperopt", **SWEEPS["hyperopt"], "algorithm": "random"}, ["PL-204 /algorithm"], id="algorithm"
        ),
        pytest.param({"kind": "hyperopt", **SWEEPS["hyperopt"], "tuner": {}}, ["PL-202 /tuner/hubRef"], id="tuner"),
        pytest.param({"kind": "gird", "params": CHOICE}, ["PL-206 /kind"], id="misspelt"),
        pytest.param({"params": CHOICE}, ["PL-202 "], id="no-kind"),
        pytest.param("grid", ["PL-203 "], id="text"),
        pytest.param("{{ m }}", ["PL-203 "], id="template"),
    ],
)
def test_what_is_refused(change, expected):
    assert said(change) == expected


POLICY = {"kind": "median", "evaluationInterval": 1}
RULE = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.1, "optimization": "minimize"}


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "failure_early_stopping", "percent": 50},
        {"kind": "failure_early_stopping", "percent": "{{ p }}"},
        RULE,
        {**RULE, "value": "{{ v }}"},
        {**RULE, "policy": POLICY},
        {**RULE, "policy": {**POLICY, "minInterval": 0, "minSamples": 3}},
        {**RULE, "policy": {**POLICY, "kind": "truncation", "percent": 20, "includeSucceeded": True}},
        {**RULE, "policy": {**POLICY, "kind": "diff", "percent": 150}},
    ],
)
def test_rules_of_early_stopping(rule):
    assert TypeAdapter(EarlyStopping).validate_python(rule).model_dump(exclude_unset=True, by_alias=True) == rule
    assert said({"kind": "grid", "params": CHOICE, "earlyStopping": [rule]}) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([{"percent": 50}], ["PL-202 /earlyStopping/0"], id="no-kind"),
        pytest.param([{"kind": "early", "percent": 50}], ["PL-206 /earlyStopping/0/kind"], id="kind"),
        pytest.param([{"kind": "failure_early_stopping"}], ["PL-202 /earlyStopping/0/percent"], id="no-percent"),
        pytest.param(
            [{"kind": "failure_early_stopping", "percent": 101}], ["PL-204 /earlyStopping/0/percent"], id="above-all"
        ),
        pytest.param(
            [{"kind": "failure_early_stopping", "percent": 0}], ["PL-204 /earlyStopping/0/percent"], id="none"
        ),
        pytest.param([{**RULE, "optimization": 5}], ["PL-203 /earlyStopping/0/optimization"], id="number"),
        pytest.param([{**RULE, "value": "0.1"}], ["PL-203 /earlyStopping/0/value"], id="value-of-text"),
        pytest.param(
            [{**RULE, "policy": {**POLICY, "kind": "mean"}}], ["PL-206 /earlyStopping/0/policy/kind"], id="policy"
        ),
        pytest.param(
            [{**RULE, "policy": {"kind": "median"}}], ["PL-202 /earlyStopping/0/policy/evaluationInterval"], id="when"
        ),
        pytest.param({"kind": "failure_early_stopping", "percent": 5}, ["PL-203 /earlyStopping"], id="mapping"),
    ],
)
def test_rules_of_early_stopping_that_are_refused(rules, expected):
    assert said({"kind": "grid", "params": CHOICE, "earlyStopping": rules}) == expected


def test_early_stopping_may_be_a_template():
    assert said({"kind": "grid", "params": CHOICE, "earlyStopping": "{{ rules }}"}) == []
