"""Where the project and Polyaxon differ on purpose; every other disagreement is a defect.

Each entry stands for a rule that the design, the table in docs/compile.md or a mark in the reference justifies, and
names a test of ours that shows what we do. An entry that no generated case needs is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from planner.errors import Problem
from tests.generate import Pair
from tests.peers.compare import Place

FANNED = ("tfjob", "pytorchjob", "raycluster", "daskcluster")
"""Kinds whose groups take one common patch."""

__all__ = ["ACCEPTED", "MERGED", "REFUSED", "Accepted", "Merged", "Refused"]


@dataclass(frozen=True)
class Refused:
    """A problem of ours with something that Polyaxon takes.

    Attributes:
        rule: what we do, in one sentence.
        section: of the reference.
        test: of ours that shows it.
        covers: whether a problem is of this rule; it is given the document too.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[Problem, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Accepted:
    """A document that we take and Polyaxon does not.

    Attributes:
        covers: whether Polyaxon's reason is of this rule; it is given the document too.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[str, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Merged:
    """A part of a merged component that differs.

    Attributes:
        covers: whether a place in the merged component is of this rule: the pair, the place, our value, theirs.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[Pair, Place, Any, Any], bool]


def _says(code: str, *words: str) -> Callable[[Problem, Mapping[str, Any]], bool]:
    """Whether a problem has that code, and one of those words in its message."""
    return lambda problem, _: problem.code == code and any(word in problem.message for word in words)


def _any(*covers: Callable[[Problem, Mapping[str, Any]], bool]) -> Callable[[Problem, Mapping[str, Any]], bool]:
    return lambda problem, value: any(one(problem, value) for one in covers)


def _refused(*words: str) -> Callable[[str, Mapping[str, Any]], bool]:
    """Whether the reason of the peer has all of those words."""
    return lambda why, _: all(word in why for word in words)


def _is_empty(problem: Problem, _: Mapping[str, Any]) -> bool:
    return problem.code == "PL-203" and problem.message.endswith("not empty") and "/params/" in problem.pointer


def _hyperband(problem: Problem, value: Mapping[str, Any]) -> bool:
    matrix = value.get("matrix")
    return isinstance(matrix, Mapping) and matrix.get("kind") == "hyperband" and problem.pointer.startswith("/matrix/")


def _volumes_or_sidecars(pair: Pair, place: Place, ours: Any, theirs: Any) -> bool:
    return not {"volumes", "sidecars"}.isdisjoint(place)


def _between_replicas(pair: Pair, place: Place, ours: Any, theirs: Any) -> bool:
    """Polyaxon lays one and the same patch over all groups, and what one of them adds to it reaches the next."""
    run = pair.operation["component"]["run"]
    return pair.operation["patchStrategy"] == "pre_merge" and run["kind"] in FANNED and "resources" in place


SECTIONS = "tests/planner/spec/test_sections.py"
REFUSED: tuple[Refused, ...] = (
    Refused("presets have names", "5.4", SECTIONS, _says("PL-202", "a preset needs a name")),
    Refused(
        "numbers without a meaning are problems: negative durations, ports above 65535, a share of 0 percent",
        "10.2",
        SECTIONS,
        _any(
            _says("PL-204", "must be from", "is not a port", "must be above", "must be at ", "too large for a number"),
            _says("PL-504", "must be whole seconds", "must be from"),
            _says("PL-403", "must be from"),
        ),
    ),
    Refused(
        "true and false are neither numbers nor words",
        "8.1",
        SECTIONS,
        _any(
            _says("PL-203", "must be true or false, not a number", "must be true or false, not a string"),
            _says("PL-203", "not a boolean"),
            _says("PL-403", "must be true or false, not a number"),
        ),
    ),
    Refused(
        "cron expressions, instants, durations and dates are read at once",
        "15",
        SECTIONS,
        _any(
            _says("PL-501", "is not a cron expression"),
            _says("PL-504", "is not an instant", "is not a duration", "is not a date"),
        ),
    ),
    Refused("types of inputs and outputs are known", "8.1", SECTIONS, _says("PL-204", "is not a type", "unknown type")),
    Refused(
        "what names something is not empty and has the form of its kind",
        "6",
        SECTIONS,
        _any(
            _says("PL-208", "is not a name", "is not a queue", "names no component of a hub"),
            _says("PL-204", "must not be empty", "is not a URL", "is not an http or https URL"),
            _says("PL-204", "is not the source of an event", "a mount without a path to upload"),
            _says("PL-203", "should have at least"),
        ),
    ),
    Refused(
        "names and references are never templates",
        "1",
        SECTIONS,
        _any(
            _says("PL-208", "cannot be a template"),
            _says("PL-406", "cannot be a template"),
            _says("PL-204", "never a template"),
        ),
    ),
    Refused(
        "what admission and planning need is known before a run starts",
        "9.2",
        "tests/planner/compile/test_problems.py",
        _says("PL-406", "must be known before the run starts"),
    ),
    Refused(
        "an undefined variable is a problem",
        "9.1",
        "tests/planner/compile/test_problems.py",
        _says("PL-405", "is undefined"),
    ),
    Refused(
        "what a join asks for and takes is read at once",
        "17",
        SECTIONS,
        _any(
            _says(
                "PL-204", "is not a condition", "runs have no field", "the query is empty", "is not the path of a value"
            ),
            _says("PL-204", "names no artifacts", "artifacts of another run"),
            _says("PL-203", "must be the path of a value"),
            _says("PL-202", "a joined param needs a"),
        ),
    ),
    Refused(
        "a section that says nothing is a problem: an init entry, a probe, a mount, a distribution without values",
        "10.9",
        SECTIONS,
        _any(
            _says("PL-202", "without anything to put in place", "field `command`", "field `from`", "field `value`"),
            _is_empty,
        ),
    ),
    Refused("hyperband has all that it needs", "13.1", SECTIONS, _hyperband),
    Refused("an operation has one reference", "4", SECTIONS, _says("PL-209", "an operation has one of")),
    Refused("a name is declared once", "6", SECTIONS, _says("PL-211", "declared twice")),
)
ACCEPTED: tuple[Accepted, ...] = (
    Accepted("presets are comma text everywhere", "2", SECTIONS, lambda why, _: "presets" in why or "hooks" in why),
    Accepted("numbers of a matrix take templates", "13", SECTIONS, _refused("not supported between")),
)
PATCHES = "tests/planner/compile/test_patch.py"
MERGED: tuple[Merged, ...] = (
    Merged("volumes and sidecars of a patch are merged like every list", "5.1", PATCHES, _volumes_or_sidecars),
    Merged(
        "an empty list of a patch replaces like any other", "5.1", PATCHES, lambda pair, place, ours, theirs: ours == []
    ),
    Merged("every group of replicas is patched by itself", "5.3", PATCHES, _between_replicas),
)
