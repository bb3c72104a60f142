"""Where the project and Polyaxon differ on purpose; every other disagreement is a defect.

Each entry stands for a rule that the design, the table in docs/compile.md or a mark in the reference justifies, and
names a test of ours that shows what we do. An entry that no generated case needs is removed.
"""

from __future__ import annotations

import json
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


def _presets(problem: Problem, _: Mapping[str, Any]) -> bool:
    return "preset" in problem.message and problem.code in {"PL-202", "PL-302", "PL-406"}


def _mapping(problem: Problem, value: Mapping[str, Any]) -> bool:
    return problem.code == "PL-403" and problem.pointer.startswith("/matrix/values/") and "matrix" in value


def _is_empty(problem: Problem, _: Mapping[str, Any]) -> bool:
    return problem.code == "PL-203" and problem.message.endswith("not empty")


def _searches(problem: Problem, value: Mapping[str, Any]) -> bool:
    matrix = value.get("matrix")
    search = isinstance(matrix, Mapping) and matrix.get("kind") in {"hyperband", "hyperopt"}
    return search and problem.pointer.startswith("/matrix/")


def _checks(problem: Problem, _: Mapping[str, Any]) -> bool:
    return problem.code == "PL-203" and "/validation/" in problem.pointer


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


SECTIONS = "tests/planner/spec/test_sections.py"
PROBLEMS = "tests/planner/compile/test_problems.py"
REFUSED: tuple[Refused, ...] = (
    Refused("presets have names, and are found by them", "5.4", PROBLEMS, _presets),
    Refused(
        "numbers without a meaning are problems: negative durations, ports above 65535, a share of 0 percent",
        "10.2",
        SECTIONS,
        _any(
            _says("PL-204", "must be from", "is not a port", "must be above", "must be at ", "too large for a number"),
            _says("PL-204", "is too small", "is too large", "never reaches or crosses", "values to choose from"),
            _says("PL-504", "must be whole seconds", "must be from"),
            _says("PL-403", "must be from"),
        ),
    ),
    Refused(
        "true and false are no numbers, and of numbers only 0 and 1 are truth values",
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
            _says("PL-208", "is not a name", "is not a queue", "names no component of a hub", "is not the name of"),
            _says("PL-204", "must not be empty", "is not a URL", "is not an http or https URL", "is not a reference"),
            _says("PL-204", "is not the source of an event", "a mount without a path to upload"),
            _says("PL-203", "should have at least"),
        ),
    ),
    Refused(
        "names, references and what the reference does not mark are never templates",
        "1",
        SECTIONS,
        _any(
            _says("PL-208", "cannot be a template"),
            _says("PL-406", "cannot be a template"),
            _says("PL-204", "never a template"),
            _says("PL-203", "never a template"),
        ),
    ),
    Refused(
        "what admission and planning need is known before a run starts",
        "9.2",
        PROBLEMS,
        _says("PL-406", "must be known before the run starts"),
    ),
    Refused("an undefined variable is a problem", "9.1", PROBLEMS, _says("PL-405", "is undefined")),
    Refused(
        "what a join asks for and takes is read at once",
        "17",
        SECTIONS,
        _any(
            _says("PL-204", "is not a condition", "runs have no field", "the query is empty"),
            _says("PL-204", "names no artifacts", "artifacts of another run", "is not the path of a value"),
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
    Refused(
        "what runs has a container, and the groups of replicas that its kind cannot do without",
        "3",
        SECTIONS,
        _any(_says("PL-202", "a run of kind"), _says("PL-202", "needs a container")),
    ),
    Refused("hyperband and hyperopt have all that they need", "13.1", SECTIONS, _searches),
    Refused("a grid has an end that one can wait for", "13.1", PROBLEMS, _says("PL-204", "combinations")),
    Refused("conditions are expressions", "16.3", PROBLEMS, _says("PL-404", "condition", "expression")),
    Refused("a component of a DAG has a name", "12.1", PROBLEMS, _says("PL-307", "needs a name")),
    Refused("checks are numbers where they count", "6.1", SECTIONS, _checks),
    Refused(
        "events of operations are those of the same DAG", "16.1", PROBLEMS, _says("PL-304", "work inside a DAG only")
    ),
    Refused(
        "code of this repository is that of the run's commit",
        "10.9",
        SECTIONS,
        _says("PL-209", "is for another repository"),
    ),
    Refused("an operation has one reference", "4", SECTIONS, _says("PL-209", "an operation has one of")),
    Refused("a name is declared once", "6", SECTIONS, _says("PL-211", "declared twice")),
    Refused(
        "the version of a component in an operation is one too",
        "1",
        SECTIONS,
        _says("PL-207", "is not known", "is empty"),
    ),
    Refused(
        "what goes on to Kubernetes, Ray or a file system is something that they take",
        "10.8",
        SECTIONS,
        _any(
            _says("PL-204", "is not allowed for field", "is not a file mode"),
            _says("PL-203", "must be a string, not a list", "must be a string, not a mapping"),
            _says("PL-201", "unknown field"),
        ),
    ),
    Refused(
        "a path or a variable is one text or a pair of two",
        "8.1",
        SECTIONS,
        _any(
            _says("PL-203", "must be a path or", "must be a name and a value"),
            _says("PL-403", "must be a path or"),
        ),
    ),
    Refused(
        "a metric is maximized or minimized, never a number",
        "14",
        SECTIONS,
        lambda problem, _: problem.code == "PL-203" and problem.pointer.endswith("/optimization"),
    ),
    Refused(
        "a policy of early stopping says how often it looks",
        "14",
        "tests/planner/spec/test_matrix.py",
        _says("PL-202", "field `evaluationInterval`"),
    ),
    Refused("the trials of a sweep fit its inputs", "6.2", PROBLEMS, _mapping),
    Refused(
        "the scheme of a location is written in small letters",
        "8.1",
        PROBLEMS,
        _says("PL-403", "://bucket/path is wanted"),
    ),
    Refused("what a value is put in place from is known", "7.4", SECTIONS, _says("PL-209", "needs a connection")),
)
ACCEPTED: tuple[Accepted, ...] = (
    Accepted("presets are comma text everywhere", "2", SECTIONS, lambda why, _: "presets" in why or "hooks" in why),
    Accepted("numbers of a matrix take templates", "13", SECTIONS, _refused("not supported between")),
    Accepted(
        "templates in place of sections meet sections", "5.1", PROBLEMS, _refused("'str' object has no attribute")
    ),
    Accepted("a join without params is one", "17.1", SECTIONS, _refused("'NoneType' object has no attribute 'items'")),
    Accepted("params of builds are literals too", "7.1", SECTIONS, _refused("params")),
    Accepted("delayed values are checked when the run starts", "6", PROBLEMS, _delayed),
    Accepted("a default may be a template", "6", PROBLEMS, _templated_default),
    Accepted("an input without a type takes any trial", "13.2", PROBLEMS, _refused("input type `None`")),
    Accepted("a git entry without a URL is this repository", "10.9", SECTIONS, _refused(".init.", "git")),
    Accepted("an environment, a volume and a flag may be templates", "10.8", SECTIONS, _templates),
    Accepted("scalars are taken as they print, and null as nothing", "10.8", SECTIONS, _printed),
    Accepted(
        "a probe without a port asks the first one of the service", "10.2", SECTIONS, _refused("termination", "http")
    ),
    Accepted("blanks around a type or an instant do not count", "8.1", SECTIONS, _blanks),
)
PATCHES = "tests/planner/compile/test_patch.py"
MERGED: tuple[Merged, ...] = (
    Merged("volumes and sidecars of a patch are merged like every list", "5.1", PATCHES, _volumes_or_sidecars),
    Merged(
        "an empty list of a patch replaces like any other", "5.1", PATCHES, lambda pair, place, ours, theirs: ours == []
    ),
    Merged("every group of replicas is patched by itself", "5.3", PATCHES, _between_replicas),
)
