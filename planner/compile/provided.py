"""Values that a sweep or a join gives: which names they have, and what can be said of them before there is a run.

A sweep gives each of its runs a value for each of its params (reference, section 13), a join a list with a value of
each run that it finds (section 17.1). What they are nobody knows yet; whether they can fit is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.compile.bindings import Source
from planner.compile.origin import Origin, Report
from planner.compile.types import element_of
from planner.spec.distributions import Choice, Distribution, PChoice
from planner.spec.io import IO
from planner.spec.joins import Join, JoinParam
from planner.spec.matrix import HyperbandSweep, IterativeSweep, MappingSweep, Matrix
from planner.spec.operation import Operation
from planner.spec.words import short

__all__ = ["Provided", "provided_by", "takes_whole"]

_NUMBERS = frozenset({"int", "float", "metric", "any", ""})
_DATES: Mapping[str, str] = {"daterange": "date", "datetimerange": "datetime"}


@dataclass(slots=True)
class Provided:
    """What an operation is given when its runs start.

    Attributes:
        names: by name, where the value comes from.
        contexts: names that are for templates only, as no input has them.
        everything: where a sweep or a join is a template as a whole: it may give any input.
        joined: what a join says of its params, by name.
    """

    names: dict[str, Source] = field(default_factory=dict)
    contexts: set[str] = field(default_factory=set)
    everything: Source | None = None
    joined: dict[str, JoinParam] = field(default_factory=dict)

    def of(self, name: str) -> Source | None:
        """Where an input without a param has its value from."""
        return self.names.get(name, self.everything)


Fits = Callable[[IO, Json, Origin], None]
"""Says at a place whether a value fits an input."""


def provided_by(operation: Operation | None, origin: Origin, ios: Iterable[IO], report: Report, fits: Fits) -> Provided:
    """What an operation is given by its matrix and its joins; what cannot fit goes to the report.

    Args:
        operation: None for a component that is looked at by itself.
        origin: where the operation is written.
        ios: inputs and outputs of its component.
        report: takes problems.
        fits: says what is wrong with a literal.
    """
    found = Provided()
    if operation is None:
        return found
    known: dict[str, IO] = {}
    for io in ios:
        known.setdefault(io.name, io)
    for index, join in _joins(operation, found):
        _join(join, origin.at("joins", index), (found, known, operation), report)
    if operation.matrix is not None:
        work = _Sweep(found, known, origin.at("matrix"), report, fits)
        _sweep(operation.matrix, work)
    return found


# Sweeps


@dataclass(frozen=True, slots=True)
class _Sweep:
    found: Provided
    known: Mapping[str, IO]
    origin: Origin
    report: Report
    fits: Fits

    def give(self, name: str) -> None:
        self.found.names[name] = "matrix"
        if name not in self.known:
            self.found.contexts.add(name)


def _sweep(sweep: Matrix, work: _Sweep) -> None:
    match sweep:
        case MappingSweep():
            _mapping(sweep, work)
        case IterativeSweep(params=None):
            work.found.everything = "matrix"  # its tuner alone knows
        case HyperbandSweep():
            _space(sweep.params, work)
            work.give(sweep.resource.name)
        case _:
            _space(sweep.params or {}, work)


def _mapping(sweep: MappingSweep, work: _Sweep) -> None:
    """The keys of the first entry are given; what later ones have beside them must not be needed."""
    if isinstance(sweep.values, str):
        work.found.everything = "matrix"
        return
    for index, entry in enumerate(sweep.values):
        for name, value in entry.items():
            if index == 0 or name not in work.known:
                work.give(name)
            if name in work.known:
                work.fits(work.known[name], value, work.origin.at("values", index, name))
        missing = [name for name in sweep.values[0] if name not in entry and _needed(work.known.get(name))]
        if missing:
            message = f"this entry has no `{short(missing[0])}`, which is in the first one"
            where = work.origin.at("values", index)
            work.report.add(where.problem("PL-402", message, "give every entry the same keys"))


def _needed(io: IO | None) -> bool:
    return io is not None and not io.optional and not io.delayed


def _space(space: Mapping[str, Distribution], work: _Sweep) -> None:
    for name, distribution in space.items():
        work.give(name)
        io = work.known.get(name)
        if io is None:
            continue
        origin = work.origin.at("params", name)
        if not isinstance(distribution, Choice | PChoice):
            _check_numbers(io, distribution.kind, origin, work.report)
        elif not isinstance(distribution.value, str):
            for index, option in enumerate(distribution.value):
                weighted = isinstance(distribution, PChoice)
                at = origin.at("value", index, 0) if weighted else origin.at("value", index)
                work.fits(io, option[0] if weighted else option, at)


def _check_numbers(io: IO, kind: str, origin: Origin, report: Report) -> None:
    """Numbers go to numbers, days to dates, instants to datetimes (reference, section 13.2)."""
    name = "" if io.is_list else _number_name(io.type or "")
    wanted = _DATES.get(kind, "int or float")
    if (name in {wanted, "", "any"} or (kind not in _DATES and name in _NUMBERS)) and not io.is_list:
        return
    said = f"List[{io.type or 'any'}]" if io.is_list else io.type
    message = f"`{kind}` gives values for an input of type {wanted}, and `{short(io.name)}` is of type {said}"
    report.add(origin.at("kind").problem("PL-306", message, "give the input that type, or use `choice`"))


def _number_name(kind: str) -> str:
    """`PositiveInt` is an `int` to a sweep."""
    name = element_of(kind) if "[" not in kind or kind.startswith("Optional[") else kind
    return "int" if name.endswith("Int") else "float" if name.endswith("Float") else name


def takes_whole(kind: str) -> bool:
    """Whether an input of type `kind` takes whole numbers and no others."""
    return _number_name(kind) == "int"


# Joins


def _joins(operation: Operation, found: Provided) -> Iterator[tuple[int, Join]]:
    """Joins that are written out; those that are a template may give anything."""
    if isinstance(operation.joins, str):
        found.everything = "joins"
        return
    for index, join in enumerate(operation.joins or ()):
        if isinstance(join.params, str):
            found.everything = "joins"
        else:
            yield index, join


_Known = tuple[Provided, Mapping[str, IO], Operation]


def _join(join: Join, origin: Origin, known: _Known, report: Report) -> None:
    found, ios, operation = known
    for name, param in join.params.items() if isinstance(join.params, dict) else ():
        at = origin.at("params", name)
        if operation.params and name in operation.params:
            continue  # a param of the operation holds (reference, section 7.5)
        found.names[name] = "joins"
        found.joined[name] = param
        if param.context_only:
            found.contexts.add(name)
        else:
            _check_join(name, param, ios.get(name), at, report)


def _check_join(name: str, param: JoinParam, io: IO | None, at: Origin, report: Report) -> None:
    if io is None:
        hint = "declare an input of that name; for templates alone, add `contextOnly: true`"
        report.add(at.key_problem("PL-401", f"unknown param `{short(name)}`", hint))
        return
    is_artifacts, kind = io.type == "artifacts", io.type or ""
    is_list = bool(io.is_list) or kind == "list" or kind.startswith("List[")
    picked = isinstance(param.value, Mapping)
    if picked and not is_artifacts and kind not in {"", "any"}:
        message = f"`files` and `dirs` are artifacts, and `{short(name)}` is of type {kind}"
        report.add(at.at("value").problem("PL-306", message, "give the input the type `artifacts`"))
    elif not picked and not is_list and not is_artifacts:
        message = f"a join gives a list, and `{short(name)}` is none"
        report.add(at.problem("PL-306", message, "add `isList: true` to the input"))
