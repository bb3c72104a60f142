"""Where the project and Polyaxon differ on purpose; every other disagreement is a defect.

Each entry stands for a rule that the design, the table in docs/compile.md or a mark in the reference justifies, and
names a test of ours that shows what we do. An entry that no generated case needs is removed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.generate import Pair
from tests.peers.compare import Place
from tests.peers.refused import REFUSED
from tests.peers.rules import Accepted, Merged

__all__ = ["ACCEPTED", "MERGED", "REFUSED"]

FANNED = ("tfjob", "pytorchjob", "raycluster", "daskcluster")
"""Kinds whose groups take one common patch."""


def _refused(*words: str) -> Callable[[str, Mapping[str, Any]], bool]:
    """Whether the reason of the peer has all of those words."""
    return lambda why, _: all(word in why for word in words)


def _templated_default(why: str, _: Mapping[str, Any]) -> bool:
    return "Cannot convert value `{{" in why


def _blanks(why: str, value: Mapping[str, Any]) -> bool:
    return any(f'"{name}": " ' in json.dumps(value) for name in ("type", "startAt", "endAt"))


def _delayed(why: str, value: Mapping[str, Any]) -> bool:
    said = "value_error" in why or "No value was provided" in why
    return said and "delayValidation" in json.dumps(value)


def _templates(why: str, value: Mapping[str, Any]) -> bool:
    said = any(word in why for word in (".environment.", "instance of V1", "valid boolean", "valid integer"))
    return "{{" in json.dumps(value) and said


def _printed(why: str, _: Mapping[str, Any]) -> bool:
    """Scalars in place of text, and null for nothing."""
    return "valid string" in why and any(name in why for name in ("metadata", "environment", "head", "workers"))


def _volumes_or_sidecars(pair: Pair, place: Place, ours: Any, theirs: Any) -> bool:
    return not {"volumes", "sidecars"}.isdisjoint(place)


def _between_replicas(pair: Pair, place: Place, ours: Any, theirs: Any) -> bool:
    """Polyaxon lays one and the same patch over all groups, and what one of them adds to it reaches the next."""
    run = pair.operation["component"]["run"]
    return pair.operation["patchStrategy"] == "pre_merge" and run["kind"] in FANNED and "resources" in place


ACCEPTED: tuple[Accepted, ...] = (
    Accepted(
        "presets are comma text everywhere",
        "2",
        "tests/planner/spec/test_operation.py::test_what_a_field_takes",
        lambda why, _: "presets" in why or "hooks" in why,
    ),
    Accepted(
        "numbers of a matrix take templates",
        "13",
        "tests/planner/spec/test_matrix.py::test_the_least_and_the_most_of_every_kind",
        _refused("not supported between"),
    ),
    Accepted(
        "templates in place of sections meet sections",
        "5.1",
        "tests/planner/compile/test_patch.py::test_a_field",
        _refused("'str' object has no attribute"),
    ),
    Accepted(
        "a join without params is one",
        "17.1",
        "tests/peers/test_on_purpose.py::test_what_is_taken_on_purpose",
        _refused("'NoneType' object has no attribute 'items'"),
    ),
    Accepted(
        "params of builds are literals too",
        "7.1",
        "tests/peers/test_on_purpose.py::test_what_is_taken_on_purpose",
        _refused("params"),
    ),
    Accepted(
        "delayed values are checked when the run starts",
        "6",
        "tests/planner/compile/test_bind.py::test_a_delayed_check_comes_at_the_start",
        _delayed,
    ),
    Accepted(
        "a default may be a template",
        "6",
        "tests/peers/test_on_purpose.py::test_what_is_taken_on_purpose",
        _templated_default,
    ),
    Accepted(
        "an input without a type takes any trial",
        "13.2",
        "tests/peers/test_on_purpose.py::test_what_is_taken_on_purpose",
        _refused("input type `None`"),
    ),
    Accepted(
        "a git entry without a URL is this repository",
        "10.9",
        "tests/planner/spec/test_runs.py::test_entries_of_init",
        _refused(".init.", "git"),
    ),
    Accepted(
        "an environment, a volume and a flag may be templates",
        "10.8",
        "tests/planner/spec/test_kubernetes.py::test_what_kubernetes_takes",
        _templates,
    ),
    Accepted(
        "scalars are taken as they print, and null as nothing",
        "10.8",
        "tests/planner/spec/test_runs.py::test_what_a_run_can_be",
        _printed,
    ),
    Accepted(
        "a probe without a port asks the first one of the service",
        "10.2",
        "tests/planner/spec/test_operation.py::test_what_a_field_takes",
        _refused("termination", "http"),
    ),
    Accepted(
        "blanks around a type or an instant do not count",
        "8.1",
        "tests/planner/spec/test_typing_expressions.py::test_an_expression_has_one_spelling",
        _blanks,
    ),
)
MERGED: tuple[Merged, ...] = (
    Merged(
        "volumes and sidecars of a patch are merged like every list",
        "5.1",
        "tests/peers/test_on_purpose.py::test_volumes_and_sidecars_are_lists_like_all_others",
        _volumes_or_sidecars,
    ),
    Merged(
        "an empty list of a patch replaces like any other",
        "5.1",
        "tests/peers/test_on_purpose.py::test_an_empty_list_of_a_preset_replaces",
        lambda pair, place, ours, theirs: ours == [],
    ),
    Merged(
        "every group of replicas is patched by itself",
        "5.3",
        "tests/peers/test_on_purpose.py::test_no_group_of_replicas_gets_what_another_one_has",
        _between_replicas,
    ),
)
