"""SARIF: the structure that readers of it need, and fingerprints that stay."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from planner.codes import CODES
from planner.errors import Place, Problem, Severity
from planner.render.sarif import sarif

pytestmark = pytest.mark.unit

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_REGION = {
    "type": "object",
    "required": ["startLine"],
    "properties": {name: {"type": "integer", "minimum": 1} for name in ("startLine", "startColumn")},
    "additionalProperties": False,
}
_ARTIFACT = {
    "type": "object",
    "required": ["uri"],
    "properties": {"uri": {"type": "string", "pattern": "^[^/\\\\ :][^\\\\ ]*$"}, "uriBaseId": {"type": "string"}},
}
_PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {"artifactLocation": _ARTIFACT, "region": _REGION},
    "additionalProperties": False,
}
_RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": _TEXT,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {"required": ["physicalLocation"], "properties": {"physicalLocation": _PHYSICAL}},
        },
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
    },
}
_RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9]+$"},
        "shortDescription": _TEXT,
        "fullDescription": _TEXT,
        "help": _TEXT,
    },
}
LOG = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "properties": {
                            "driver": {
                                "required": ["name", "version", "rules"],
                                "properties": {"rules": {"type": "array", "uniqueItems": True, "items": _RULE}},
                            }
                        }
                    },
                    "results": {"type": "array", "items": _RESULT},
                },
            },
        },
    },
}
"""What of the standard's schema matters here."""

TYPO = Problem("PL-201", "unknown field `a`", Place("ops/t.yaml", 5, 3), "/a", "did you mean `b`?")
UNUSED = Problem("PL-309", "component `c` is never used", Place("c.yaml", 1, 1), severity=Severity.INFO)
LARGE = Problem("PL-103", "larger than a million bytes", Place("a b/ü#.yaml"))
INERT = Problem("PL-704", "has no effect", Place("c.yaml", 4, 1), "/x", severity=Severity.WARNING)


def results(*problems):
    log = json.loads(json.dumps(sarif(problems, "1.0")))
    jsonschema.validate(log, LOG)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert sorted(rules) == sorted({problem.code for problem in problems})
    return run["results"]


def test_each_problem_is_a_result_at_its_place():
    typo, unused, large, inert = results(TYPO, UNUSED, LARGE, INERT)

    assert typo["message"]["text"] == "unknown field `a`; did you mean `b`?"
    assert typo["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "ops/t.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 5, "startColumn": 3},
            },
            "logicalLocations": [{"fullyQualifiedName": "/a"}],
        }
    ]
    assert [one["level"] for one in (typo, unused, large, inert)] == ["error", "note", "error", "warning"]


def test_a_problem_of_a_whole_file_has_no_region():
    (large,) = results(LARGE)

    (location,) = large["locations"]
    assert location == {
        "physicalLocation": {"artifactLocation": {"uri": "a%20b/%C3%BC%23.yaml", "uriBaseId": "%SRCROOT%"}}
    }


def prints(*problems):
    return [result["partialFingerprints"]["plumbline/v1"] for result in results(*problems)]


def test_what_moves_is_no_new_finding_and_what_is_told_twice_is_two():
    moved = replace(TYPO, place=Place("ops/t.yaml", 9, 1))
    other = replace(TYPO, place=Place("ops/u.yaml", 5, 3))

    assert prints(TYPO) == prints(moved) != prints(other)
    assert len({*prints(TYPO, moved), *prints(other)}) == 3


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_a_rule(code):
    results(Problem(code, "x", Place("a.yaml", 1, 1)))


def test_nothing_wrong_is_a_log_without_results():
    assert results() == []
