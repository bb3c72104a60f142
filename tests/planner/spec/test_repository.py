"""`.plumbline.yaml`: settings, policies by glob, and its problems."""

from __future__ import annotations

import pytest

from planner.spec import globs
from planner.spec.repository import Budgets, Policy, Repository, load_repository

pytestmark = pytest.mark.unit

FULL = """\
project: digits
paths: {include: [ops, "components/**/*.yaml"], exclude: "**/old/*"}
defaults: {queue: cpu, runPolicy: on-change, prune: true, progressDeadline: PT10M}
budgets: {starts: 5, gpus: 1}
policies:
  - {match: "ops/**", onChange: stop}
  - match: [ops/gpu/*.yaml]
    queue: gpu
    update: recreate
    selfHeal: false
moved: {old: new}
"""


def test_a_full_file():
    loaded = load_repository(".plumbline.yaml", FULL.encode())
    assert loaded.problems == ()
    settings = loaded.settings
    assert settings.project == "digits"
    assert settings.moved == {"old": "new"}
    policy = settings.policy("ops/gpu/train.yaml")
    assert (policy.queue, policy.on_change, policy.run_policy) == ("gpu", "stop", "on-change")
    assert (policy.update, policy.self_heal, policy.prune) == ("recreate", False, True)
    assert settings.budgets == Budgets(starts=5, gpus=1)
    assert settings.policy("components/a.yaml") == settings.defaults
    assert loaded.places.value("/policies/1/queue").line == 8


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "---\n"])
def test_an_empty_file_says_nothing(text):
    assert load_repository(".plumbline.yaml", text.encode()).settings == Repository()


def test_which_files_are_included():
    paths = load_repository(".plumbline.yaml", FULL.encode()).settings.paths
    table = {"ops/a.yaml": True, "ops/old/a.yaml": False, "components/x/a.yaml": True, "components/a.txt": False}
    assert {path: paths.includes(path) for path in table} == table
    assert {path: Repository().paths.includes(path) for path in ("a.yaml", "a/b.yml", "x.json", "x.py")} == {
        "a.yaml": True,
        "a/b.yml": True,
        "x.json": True,
        "x.py": False,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("projct: x\n", [("PL-601", 1, 1)], id="unknown-field"),
        pytest.param("project: a/b\n", [("PL-601", 1, 10)], id="bad-name"),
        pytest.param("defaults: {runPolicy: always}\n", [("PL-601", 1, 23)], id="unknown-policy"),
        pytest.param("budgets: {starts: -1}\n", [("PL-601", 1, 19)], id="negative-budget"),
        pytest.param("budgets: {trials: many}\n", [("PL-601", 1, 19)], id="budget-that-is-no-number"),
        pytest.param("defaults: {retention: P30D}\n", [("PL-601", 1, 23)], id="text-for-a-section"),
        pytest.param("defaults: {prune: 'maybe'}\n", [("PL-601", 1, 19)], id="text-for-a-boolean"),
        pytest.param("policies: [{queue: x}]\n", [("PL-601", 1, 12)], id="rule-without-match"),
        pytest.param(
            "paths: {include: [/etc, '[ab]', ../x]}\n",
            [("PL-601", 1, 19), ("PL-601", 1, 25), ("PL-601", 1, 33)],
            id="globs",
        ),
        pytest.param("moved: {a: a}\n", [("PL-601", 1, 12)], id="moved-to-itself"),
        pytest.param("moved: {a: c, b: c}\n", [("PL-601", 1, 18)], id="moved-to-one"),
        pytest.param("moved: {a.b: c}\n", [("PL-601", 1, 14)], id="moved-from-no-name"),
        pytest.param("- a\n", [("PL-601", 1, 1)], id="list"),
        pytest.param("project: a\n---\nproject: b\n", [("PL-601", 3, 1)], id="two-documents"),
        pytest.param("project: [\n", [("PL-101", 2, 1)], id="syntax"),
        pytest.param("project: a\nproject: b\n", [("PL-102", 2, 1)], id="duplicate"),
    ],
)
def test_problems(text, expected):
    loaded = load_repository(".plumbline.yaml", text.encode())
    assert [(problem.code, problem.place.line, problem.place.column) for problem in loaded.problems] == expected
    assert loaded.settings is None


def test_a_policy_fills_only_what_it_leaves_open():
    strict, loose = Policy(queue="a"), Policy(queue="b", namespace="n")
    assert strict.over(loose) == Policy(queue="a", namespace="n")
    assert Policy().over(loose) == loose


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**/*.yaml", "a.yaml", True),
        ("**/*.yaml", "a/b/c.yaml", True),
        ("*.yaml", "a/b.yaml", False),
        ("a/**", "a/b/c", True),
        ("a/**", "b/a/c", False),
        ("a/**/d", "a/d", True),
        ("a/**/d", "a/b/c/d", True),
        ("**/a/**/b", "x/a/b", True),
        ("a", "a/b/c.yaml", True),
        ("a", "ab", False),
        ("./a/", "a/b", True),
        ("?.yaml", "a.yaml", True),
        ("?.yaml", "ab.yaml", False),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("**", "any/thing", True),
    ],
)
def test_globs(pattern, path, fits):
    assert globs.matches(pattern, path) == fits


def test_a_hostile_glob_is_cheap():
    assert not globs.matches("**/" * 60 + "*a" * 50 + "b", "a/" * 500 + "a" * 500)
