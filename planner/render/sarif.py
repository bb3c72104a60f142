"""Problems as SARIF 2.1.0, for the code scanning of forges and for editors.

A result's fingerprint does not depend on its line, so that what moves is no new finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from planner import canon
from planner.canon import Json
from planner.codes import CODES
from planner.errors import Problem, Severity

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS: Mapping[Severity, str] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(problems: Iterable[Problem], version: str) -> Json:
    """A log with one run.

    Args:
        problems: with paths from the root of the repository.
        version: of Plumbline.
    """
    found = list(problems)
    codes = sorted({problem.code for problem in found})
    seen: Counter[str] = Counter()
    driver = {"name": "plumbline", "version": version, "rules": [_rule(code) for code in codes]}
    run: Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code), seen) for problem in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> Json:
    meaning, help_ = CODES[code]
    page = f"docs/codes.md#{code.lower()}"
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in _words(meaning)),
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": f"{meaning[0].upper()}{meaning[1:]}."},
        "help": {"text": f"{help_} See {page}.", "markdown": f"{help_} See `{page}`."},
        "defaultConfiguration": {"level": "error"},
    }


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.partition(" (")[0]).split()


def _result(problem: Problem, rule: int, seen: Counter[str]) -> Json:
    text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
        "locations": [_location(problem)],
        "partialFingerprints": {"plumbline/v1": _fingerprint(problem, seen)},
    }


def _location(problem: Problem) -> Json:
    physical: dict[str, Json] = {"artifactLocation": {"uri": quote(problem.place.path), "uriBaseId": _ROOT}}
    if problem.place.line:
        physical["region"] = {"startLine": problem.place.line, "startColumn": max(problem.place.column, 1)}
    location: dict[str, Json] = {"physicalLocation": physical}
    if problem.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.pointer}]
    return location


def _fingerprint(problem: Problem, seen: Counter[str]) -> str:
    """Of what is wrong and where in the document; of equal ones the second counts as the second."""
    made = canon.digest([problem.code, problem.place.path, problem.pointer, problem.address, problem.message])
    seen[made] += 1
    return f"{made.removeprefix('d1:')}:{seen[made]}"
