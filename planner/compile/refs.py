"""Params with a `ref`: what they point at, checked before anything runs (reference, sections 7.2 and 7.3).

`inputs.X` of another operation, and whatever of the DAG is known, become values at once. Outputs, inputs that wait for
a start, and the `globals` that a run has when it ended stay references, with the place of their node from the root.
What nobody can read is checked all the same, and stays a reference that says why, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from planner.canon import Json
from planner.compile.bindings import Around, Bindings, Sibling
from planner.compile.origin import Origin
from planner.compile.types import compatible, listed_type
from planner.errors import Problem
from planner.keys import SHORT_ID
from planner.model.desired import Reference
from planner.spec import params
from planner.spec.io import IO
from planner.spec.run import Dag
from planner.spec.words import nearest, short

__all__ = ["Absent", "Given", "Target", "Unread", "inside", "is_readable", "resolve"]

OF_RUNS = (
    *("uuid", "name", "status", "owner_name", "project_name", "project_unique_name", "run_info", "created_at"),
    *("schedule_at", "started_at", "finished_at", "duration", "cloning_kind", "run_artifacts_path", "run_outputs_path"),
    "condition",
)
"""`globals` of another run that a reference may ask for."""
_INSIDE = ("context_path", "artifacts_path")
"""Those of the reference's language that are paths as that run saw them, while it ran."""


_INSIDE_OF_DAG = "put what needs it into that DAG, beside the operation that has it"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that is known already."""

    value: Json


@dataclass(frozen=True, slots=True)
class Unread:
    """A value that is there and cannot be read here.

    Attributes:
        reference: what it is.
        why: why not, for people.
    """

    reference: Reference
    why: str


@dataclass(frozen=True, slots=True)
class Absent:
    """An input of the DAG that has no value: as if the param were not there."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a referenced value goes.

    Attributes:
        origin: the param.
        io: the input; None for a param of the context, which is not checked.
    """

    origin: Origin
    io: IO | None

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """A problem with the param."""
        return self.origin.first(("value",), ("ref",)).problem(code, message, hint)


Resolved = Reference | Given | Unread | Absent | Problem | None
"""None where the other side has a problem of its own, so that nothing can be said."""


def resolve(reference: params.Reference, target: Target, around: Around | None) -> Resolved:
    """What a reference stands for, or the problem with it."""
    if reference.source == "runs":
        return _of_run(reference, target)
    if around is None:
        ref = "dag" if reference.source == "dag" else f"ops.{reference.name}"
        return target.problem("PL-304", f"`ref: {ref}` works inside a DAG only", "give a value")
    if reference.path[0] in {"artifacts", "io"}:
        place = around.place if reference.source == "dag" else (*around.place, reference.name)
        if reference.source == "ops" and reference.path[0] == "artifacts":
            return _artifacts(reference.path, target) or _left_by(reference, target, around)
        found = Reference(place, reference.path)
        if reference.source == "ops" and reference.path[0] == "io":
            return _all_of(found, reference.name, target, around)
        why = f"a DAG has no `{reference.path[0]}` of its own: refer to its `inputs`, or to one of its operations"
        return _artifacts(reference.path, target) or Unread(found, why)
    if reference.source == "dag":
        return _of_dag(reference.path, target, around)
    return _of_sibling(reference, target, around)


def _of_run(reference: params.Reference, target: Target) -> Resolved:
    """What is asked of a run of the project, which is looked for when the operation starts."""
    path, place = reference.path, (f"runs.{reference.name}",)
    found: Resolved = _artifacts(path, target) or Reference(place, path)
    if path[0] == "globals":
        found = _global(path[1], place, target, is_dag=False)
    if isinstance(found, Reference) and SHORT_ID.fullmatch(reference.name) is None:
        return Unread(found, f"no run here has the id {reference.name}: ids are such as r-7f3k2m7q")
    return found


def _artifacts(path: tuple[str, ...], target: Target) -> Problem | None:
    """The problem with files and folders that go to an input of another type."""
    io = target.io
    if io is None or path[0] != "artifacts" or not path[-1].startswith("{") or io.type in {None, "any", "artifacts"}:
        return None
    wanted = listed_type(io.type or "any", is_list=bool(io.is_list))
    return target.problem("PL-306", f"`files` and `dirs` are artifacts, and `{io.name}` wants {wanted}")


def _left_by(reference: params.Reference, target: Target, around: Around) -> Resolved:
    """What another operation left, which nobody declares: the start looks whether it is there."""
    sibling = around.siblings.get(reference.name)
    if sibling is None or sibling.found is None:
        return None
    if isinstance(sibling.found.component.run, Dag):
        message = f"`{reference.name}` is a DAG, which has no artifacts of its own"
        return target.problem("PL-305", message, _INSIDE_OF_DAG)
    found = Reference((*around.place, reference.name), reference.path)
    return Unread(found, _NO_BEST.format(f"`{reference.name}`")) if sibling.sweep == "plain" else found


def _all_of(found: Reference, name: str, target: Target, around: Around) -> Resolved:
    """All that another operation was given and has left (`io`)."""
    sibling = around.siblings.get(name)
    if sibling is None or sibling.found is None:
        return None
    if isinstance(sibling.found.component.run, Dag):
        return target.problem("PL-305", f"`{name}` is a DAG, which has no `io` of its own", _INSIDE_OF_DAG)
    return Unread(found, _provided(sibling.bindings, f"`{name}`")) if sibling.bindings.provided else found


def _provided(bindings: Bindings, whose: str) -> str:
    """Why inputs that a sweep or a join gives cannot be read."""
    name, source = next(iter(bindings.provided.items()))
    if source == "joins":
        return f"`{name}` of {whose} is what its join finds when it starts: give this operation the same join"
    return f"`{name}` of {whose} comes from a sweep, and each of its runs has another: read `inputs` of one of them"


def _of_sibling(reference: params.Reference, target: Target, around: Around) -> Resolved:
    sibling = around.siblings.get(reference.name)
    if sibling is None or sibling.found is None:
        return None  # unknown or broken: said where the graph is made, or at its own place
    name, component = reference.name, sibling.found.component
    place = (*around.place, name)
    if sibling.sweep and reference.path[0] in {"inputs", "outputs"}:
        return _of_sweep(sibling, reference, place, target)
    match reference.path:
        case ("outputs", *rest):
            if isinstance(component.run, Dag):
                hint = "refer to an operation of this DAG, or wait for it with `dependencies`"
                return target.problem("PL-305", f"`{name}` is a DAG, which has no outputs of its own", hint)
            fault = _declared(component.outputs or (), "output", rest, (name, target))
            return fault or Reference(place, reference.path)
        case ("inputs", *rest):
            fault = _declared(component.inputs or (), "input", rest, (name, target))
            return fault or _input(sibling.bindings, rest, (f"`{name}`", place), is_dag=isinstance(component.run, Dag))
        case _:
            return _global(reference.path[1], place, target, is_dag=isinstance(component.run, Dag))


def _of_sweep(sibling: Sibling, reference: params.Reference, place: tuple[str, ...], target: Target) -> Resolved:
    """What a sweep was given or gave: what its best trial was, or did."""
    assert sibling.found is not None
    component, (section, *rest) = sibling.found.component, reference.path
    if isinstance(component.run, Dag):
        hint = "join its trials (`joins`)"
        return target.problem(
            "PL-305", f"`{reference.name}` is a sweep over a DAG, which has no {section} of its own", hint
        )
    kind: Literal["input", "output"] = "input" if section == "inputs" else "output"
    declared = (component.inputs if kind == "input" else component.outputs) or ()
    if (
        rest
        and rest[0] not in sibling.bindings.provided
        and (fault := _declared(declared, kind, rest, (reference.name, target)))
    ):
        return fault
    found = Reference(place, reference.path)
    return found if sibling.sweep == "searching" else Unread(found, _NO_BEST.format(f"`{reference.name}`"))


_NO_BEST = "{} is a sweep without a `metric`, so none of its trials is the best: join what they gave (`joins`)"


def _of_dag(path: tuple[str, ...], target: Target, around: Around) -> Resolved:
    match path:
        case ("inputs", *rest):
            context = {item.name for item in around.bindings.inputs if item.role == "context"}
            declared = around.found.component.inputs or ()
            is_context = bool(rest) and rest[0] in context
            fault = None if is_context else _declared(declared, "input", rest, ("the DAG", target))
            return fault or _input(around.bindings, rest, ("the DAG", around.place), is_dag=True)
        case _:
            return _global(path[1], around.place, target, is_dag=bool(around.place))


def _declared(
    entries: Iterable[IO], what: Literal["input", "output"], rest: list[str], ends: tuple[str, Target]
) -> Problem | None:
    """The problem when a name is not declared, or its type does not fit the target's."""
    name, target = ends
    if not rest:
        return None
    known = {io.name: io for io in entries}
    source = known.get(rest[0])
    if source is None and target.io is None and what == "output":
        return None  # the context takes an output that nobody declared (reference, section 7.3)
    if source is None:
        near = nearest(rest[0], known)
        hint = f"did you mean `{what}s.{near}`?" if near else f"declare it in the {what}s of its component"
        subject = name if name == "the DAG" else f"`{name}`"
        return target.problem("PL-305", f"{subject} has no {what} `{short(rest[0])}`", hint)
    return None if target.io is None else _fits(source, target.io, target)


def _fits(source: IO, io: IO, target: Target) -> Problem | None:
    lists = (bool(source.is_list), bool(io.is_list))
    if compatible(source.type or "", io.type or "", lists=lists):
        return None
    given = listed_type(source.type or "any", is_list=lists[0])
    wanted = listed_type(io.type or "any", is_list=lists[1])
    message = f"`{source.name}` is of type {given}, and `{io.name}` wants {wanted}"
    return target.problem("PL-306", message, "give both the same type")


def _input(bindings: Bindings, rest: list[str], whose: tuple[str, tuple[str, ...]], *, is_dag: bool) -> Resolved:
    name, place = whose
    if not rest:
        if bindings.provided:
            return Unread(Reference(place, ("inputs",)), _provided(bindings, name))
        if bindings.references or bindings.templates or bindings.unknown:
            return _late(Reference(place, ("inputs",)), name, is_dag=is_dag)
        wanted = {item.name for item in bindings.inputs if item.role == "input"}
        return Given({name: value for name, value in bindings.values.items() if name in wanted})
    (wanted_name,) = rest
    if wanted_name in bindings.values:
        return Given(bindings.values[wanted_name])
    if wanted_name in bindings.references:
        return bindings.references[wanted_name]
    if bindings.provided.get(wanted_name) == "matrix" and name == "the DAG":
        return Reference(place, ("inputs", wanted_name))  # each trial of the sweep knows its own
    if wanted_name in bindings.provided:
        only = replace(bindings, provided={wanted_name: bindings.provided[wanted_name]})
        return Unread(Reference(place, ("inputs", wanted_name)), _provided(only, name))
    if wanted_name in bindings.templates:
        return Reference(place, ("inputs", wanted_name))
    return None if wanted_name in bindings.unknown else Absent()


def _late(reference: Reference, name: str, *, is_dag: bool) -> Resolved:
    """All inputs of another operation, of which some wait for its start."""
    why = f"all inputs of {name} at once cannot be read while some of them wait for a run: name them one by one"
    return Unread(reference, why) if is_dag else reference


def _global(name: str, place: tuple[str, ...], target: Target, *, is_dag: bool) -> Resolved:
    reference = Reference(place, ("globals", name))
    if name == "name" and place and not reference.run:
        return Given(place[-1])
    if name not in OF_RUNS and name not in _INSIDE:
        near = nearest(name, (*OF_RUNS, *_INSIDE))
        hint = f"did you mean `globals.{near}`?" if near else f"there are {', '.join(OF_RUNS)}"
        return target.problem("PL-305", f"another run has no `globals.{short(name)}`", hint)
    if is_dag:
        why = f"a DAG inside another is no run, and has no `globals.{name}`: refer to one of its operations"
        return Unread(reference, why)
    return Unread(reference, inside(name)) if name in _INSIDE else reference


def inside(name: str) -> str:
    """Why a path that another run saw cannot be asked for."""
    return f"`globals.{name}` of another run is a path in what that run saw: use `globals.run_artifacts_path`"


def is_readable(name: str) -> bool | None:
    """Whether `globals` of another run can be asked for this name; None where no run has it."""
    if name in OF_RUNS:
        return True
    return False if name in _INSIDE else None
