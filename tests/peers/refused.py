"""What we refuse on purpose and Polyaxon takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.errors import Problem
from tests.peers.rules import Refused

__all__ = ["REFUSED"]


def _says(code: str, *words: str) -> Callable[[Problem, Mapping[str, Any]], bool]:
    """Whether a problem has that code, and one of those words in its message."""
    return lambda problem, _: problem.code == code and any(word in problem.message for word in words)


def _any(*covers: Callable[[Problem, Mapping[str, Any]], bool]) -> Callable[[Problem, Mapping[str, Any]], bool]:
    return lambda problem, value: any(one(problem, value) for one in covers)


def _texts(problem: Problem, _: Mapping[str, Any]) -> bool:
    said = ("must be a string, not a list", "must be a string, not a mapping")
    return problem.code == "PL-203" and problem.message.endswith(said) and "/args/" not in problem.pointer


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


REFUSED: tuple[Refused, ...] = (
    Refused(
        "presets have names, and are found by them",
        "5.4",
        "tests/peers/test_on_purpose.py::test_what_is_refused_on_purpose",
        _presets,
    ),
    Refused(
        "numbers without a meaning are problems: negative durations, ports above 65535, a share of 0 percent",
        "10.2",
        "tests/peers/test_on_purpose.py::test_what_is_refused_on_purpose",
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
        "tests/planner/spec/test_operation.py::test_what_a_field_refuses",
        _any(
            _says("PL-203", "must be true or false, not a number", "must be true or false, not a string"),
            _says("PL-203", "not a boolean"),
            _says("PL-403", "must be true or false, not a number"),
        ),
    ),
    Refused(
        "cron expressions, instants, durations and dates are read at once",
        "15",
        "tests/planner/spec/test_sections.py::test_bad_instants",
        _any(
            _says("PL-501", "is not a cron expression"),
            _says("PL-504", "is not an instant", "is not a duration", "is not a date"),
        ),
    ),
    Refused(
        "types of inputs and outputs are known",
        "8.1",
        "tests/planner/spec/test_typing_expressions.py::test_what_is_no_type_is_said",
        _says("PL-204", "is not a type", "unknown type"),
    ),
    Refused(
        "what names something is not empty and has the form of its kind",
        "6",
        "tests/planner/spec/test_operation.py::test_what_a_field_refuses",
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
        "tests/planner/spec/test_operation.py::test_a_reference_is_never_a_template",
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
        "tests/peers/test_on_purpose.py::test_what_is_refused_on_purpose",
        _says("PL-406", "must be known before the run starts"),
    ),
    Refused(
        "an undefined variable is a problem",
        "9.1",
        "tests/planner/compile/test_problems.py::test_a_broken_rule_is_said_where_it_is_broken",
        _says("PL-405", "is undefined"),
    ),
    Refused(
        "what a join asks for and takes is read at once",
        "17",
        "tests/planner/spec/test_query.py::test_what_is_said_of_a_query_that_is_none",
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
        "tests/planner/spec/test_runs.py::test_what_is_no_entry_of_init",
        _any(
            _says("PL-202", "without anything to put in place", "field `command`", "field `from`", "field `value`"),
            _is_empty,
        ),
    ),
    Refused(
        "what runs has a container, and the groups of replicas that its kind cannot do without",
        "3",
        "tests/planner/compile/test_kinds.py::test_what_a_kind_needs",
        _any(_says("PL-202", "a run of kind"), _says("PL-202", "needs a container")),
    ),
    Refused(
        "hyperband and hyperopt have all that they need",
        "13.1",
        "tests/planner/spec/test_matrix.py::test_what_a_kind_needs",
        _searches,
    ),
    Refused(
        "a grid has an end that one can wait for",
        "13.1",
        "tests/planner/compile/test_sweeps.py::test_what_is_said_of_a_sweep",
        _says("PL-204", "combinations"),
    ),
    Refused(
        "conditions are expressions",
        "16.3",
        "tests/planner/compile/test_conditions.py::test_what_is_no_condition",
        _says("PL-404", "condition", "expression"),
    ),
    Refused(
        "a component of a DAG has a name",
        "12.1",
        "tests/planner/compile/test_problems.py::test_a_broken_rule_is_said_where_it_is_broken",
        _says("PL-307", "needs a name"),
    ),
    Refused(
        "checks are numbers where they count",
        "6.1",
        "tests/planner/spec/test_params.py::test_what_is_no_input",
        _checks,
    ),
    Refused(
        "events of operations are those of the same DAG",
        "16.1",
        "tests/peers/test_on_purpose.py::test_what_is_refused_on_purpose",
        _says("PL-304", "work inside a DAG only"),
    ),
    Refused(
        "code of this repository is that of the run's commit",
        "10.9",
        "tests/planner/spec/test_runs.py::test_what_is_no_entry_of_init",
        _says("PL-209", "is for another repository"),
    ),
    Refused(
        "an operation has one reference",
        "4",
        "tests/planner/spec/test_operation.py::test_references",
        _says("PL-209", "an operation has one of"),
    ),
    Refused(
        "a name is declared once",
        "6",
        "tests/planner/compile/test_problems.py::test_a_broken_rule_is_said_where_it_is_broken",
        _says("PL-211", "declared twice"),
    ),
    Refused(
        "the version of a component in an operation is one too",
        "1",
        "tests/planner/spec/test_operation.py::test_what_a_field_refuses",
        _says("PL-207", "is not known", "is empty"),
    ),
    Refused(
        "what goes on to Kubernetes, Ray or a file system is something that they take",
        "10.8",
        "tests/planner/spec/test_kubernetes.py::test_what_kubernetes_does_not_take",
        _any(
            _says("PL-204", "is not allowed for field", "is not a file mode"),
            _texts,
            _says("PL-201", "unknown field"),
        ),
    ),
    Refused(
        "a path or a variable is one text or a pair of two",
        "8.1",
        "tests/planner/spec/test_runs.py::test_composite_values",
        _any(
            _says("PL-203", "must be a path or", "must be a name and a value"),
            _says("PL-403", "must be a path or"),
        ),
    ),
    Refused(
        "a metric is maximized or minimized, never a number",
        "14",
        "tests/planner/spec/test_matrix.py::test_rules_of_early_stopping_that_are_refused",
        lambda problem, _: problem.code == "PL-203" and problem.pointer.endswith("/optimization"),
    ),
    Refused(
        "a policy of early stopping says how often it looks",
        "14",
        "tests/planner/spec/test_matrix.py::test_rules_of_early_stopping_that_are_refused",
        _says("PL-202", "field `evaluationInterval`"),
    ),
    Refused(
        "the trials of a sweep fit its inputs",
        "6.2",
        "tests/planner/compile/test_inputs.py::test_values_of_a_sweep_are_checked_within_bounds",
        _mapping,
    ),
    Refused(
        "the scheme of a location is written in small letters",
        "8.1",
        "tests/planner/compile/test_types.py::test_a_type_refuses",
        _says("PL-403", "://bucket/path is wanted"),
    ),
    Refused(
        "what a value is put in place from is known",
        "7.4",
        "tests/planner/compile/test_inputs.py::test_what_cannot_be_put_in_place_is_said",
        _says("PL-209", "needs a connection"),
    ),
)
