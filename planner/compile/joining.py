"""Joins: taken when an operation is compiled, asked when it is about to start (reference, section 17.1).

Which runs a query means is decided in `planner.query`. Here is decided what a join may ask for, and what its templates
come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile import variables
from planner.compile.bind import BindRequest, globals_of
from planner.compile.bindings import EACH
from planner.compile.ground import left_to_trials
from planner.compile.origin import Origin
from planner.compile.patch import Placed
from planner.compile.refs import inside, is_readable
from planner.compile.started import BindError, at_start
from planner.compile.task import Bound
from planner.compile.template import Scope
from planner.compile.template import bind as render
from planner.compile.types import convert
from planner.model.desired import Join, Leaf
from planner.model.questions import Joined
from planner.query import check_query, check_sort, read_search
from planner.spec import joins as spec
from planner.spec.operation import Operation
from planner.spec.query import QueryError, parse_query, parse_sort
from planner.spec.words import short

__all__ = ["joins_of", "questions"]

_LATE = frozenset(f"globals.{name}" for name in (*variables.AT_ENSURE, *variables.OF_SERVICES))
_WHOLE = "joins that are a template as a whole do not run yet: write them out"
_ASKED_LATER = frozenset({"joins", "conditions", "hooks", "build", "matrix"})
_TEXTS = ("query", "sort", "limit", "offset")


# When it is compiled


def joins_of(operation: Placed[Operation], sections: Mapping[str, Json], bound: Bound) -> tuple[tuple[Join, ...], str]:
    """The joins of an operation, and why they cannot run here, or ""; what is wrong goes to the report.

    Args:
        operation: merged.
        sections: as they are carried: what is known in them is evaluated.
        bound: the operation, its inputs bound.
    """
    written, said = operation.section.joins, sections.get("joins")
    if not written:
        return (), ""
    if isinstance(written, str) or not isinstance(said, list | tuple):
        return (), _WHOLE
    if any(isinstance(join.params, str) for join in written):
        return (), _WHOLE
    names = frozenset(name for name, source in bound.bindings.provided.items() if source == "joins")
    found = []
    for index, (join, entry) in enumerate(zip(written, said, strict=True)):
        assert isinstance(entry, Mapping)
        origin = operation.origin.at("joins", index)
        _check_texts(entry, names, origin, bound)
        found.append(_join(join, entry, names))
        _check_globals(found[-1], origin, bound)
    return tuple(found), _unread(found) or _early(sections, bound)


def _join(join: spec.Join, said: Mapping[str, Json], names: frozenset[str]) -> Join:
    params = join.params if isinstance(join.params, dict) else {}
    limit, offset = said.get("limit"), said.get("offset")
    return Join(
        query=str(said["query"]),
        sort=str(said.get("sort") or ""),
        limit=spec.MAX_JOINED if limit is None else limit,
        offset=0 if offset is None else offset,
        params={name: param.path for name, param in params.items() if name in names},
    )


def _check_texts(said: Mapping[str, Json], names: frozenset[str], origin: Origin, bound: Bound) -> None:
    report = bound.ground.report
    for name, check in (("query", _check_query), ("sort", _check_sort)):
        try:
            check(str(said.get(name) or ""))
        except QueryError as error:
            report.add(origin.at(name).problem("PL-204", error.placed, error.hint))
    for name in _TEXTS:
        waiting = render(said.get(name), bound.scope, report.templates()).waiting_on
        if own := sorted(waiting & {f"{EACH}{joined}" for joined in names}):
            message = f"a join cannot need what joins find: `{own[0].removeprefix(EACH)}`"
            report.add(origin.at(name).problem("PL-303", message, "use other params, or `globals`"))
        if late := sorted(waiting & _LATE):
            message = f"joins are asked before the run has a place, so they cannot know {', '.join(late)}"
            report.add(origin.at(name).problem("PL-406", message, "use inputs, or what other operations gave"))


def _check_query(text: str) -> None:
    found = parse_query(text)
    if found is not None:
        check_query(found)


def _check_sort(text: str) -> None:
    check_sort(parse_sort(text))


def _check_globals(join: Join, origin: Origin, bound: Bound) -> None:
    for name, path in join.params.items():
        if path[0] == "globals" and is_readable(path[1]) is None:
            message = f"another run has no `globals.{short(path[1])}`"
            place = origin.at("params", name).first(("value",))
            bound.ground.report.add(
                place.problem("PL-305", message, "use `globals.uuid`, `globals.status` or the like")
            )


def _unread(joins: list[Join]) -> str:
    for path in (path for join in joins for path in join.params.values()):
        if path[0] == "globals" and is_readable(path[1]) is False:
            return inside(path[1])
    return ""


def _early(sections: Mapping[str, Json], bound: Bound) -> str:
    """Why not, where something that is looked at before a run is bound needs what its joins find."""
    for name, value in sections.items():
        needs = name not in _ASKED_LATER and left_to_trials(value, bound.scope, bound.ground.report) is not None
        if needs or name == "component":
            where = "what its component says around the container" if name == "component" else f"`{name}`"
            return f"{where} cannot wait for what joins find: use it in params, the container and `conditions`"
    return ""


# When it is about to start


def questions(request: BindRequest) -> Iterator[tuple[Join, Joined]]:
    """What the joins of a leaf ask, one question each.

    Raises:
        BindError: a template cannot be evaluated, or gives no query.
    """
    leaf = request.operation.body
    assert isinstance(leaf, Leaf)
    scope = _scope(request, leaf)
    for join in leaf.joins:
        yield join, _question(request, join, scope)


def _scope(request: BindRequest, leaf: Leaf) -> Scope:
    names = {name for join in leaf.joins for name in join.params}
    others = replace(leaf, inputs=tuple(item for item in leaf.inputs if item.name not in names))
    known = variables.symbols(globals_of(request, leaf.known), request.operation.kind)
    return at_start(others, request.values).scope_before(known)


def _question(request: BindRequest, join: Join, scope: Scope) -> Joined:
    texts: Mapping[str, Json] = {"query": join.query, "sort": join.sort, "limit": join.limit, "offset": join.offset}
    found = render(texts, scope)
    if found.flaws:
        flaw = found.flaws[0]
        raise BindError(f"the {flaw.pointer.removeprefix('/')} of its join: {flaw.error.message}")
    if found.waiting_on:
        raise BindError(f"its join needs {', '.join(sorted(found.waiting_on))}, which a start does not know")
    said = found.value
    assert isinstance(said, Mapping)
    query, sort = str(said["query"]), str(said["sort"] or "")
    try:
        read_search(query, sort, request.opened_at)
    except QueryError as error:
        raise BindError(f"its join `{short(query)}`: {error.placed}") from None
    return Joined(
        query=query,
        sort=sort,
        limit=_number("limit", said["limit"], lambda number: 0 < number <= spec.MAX_JOINED),
        offset=_number("offset", said["offset"], lambda number: number >= 0),
        at=request.opened_at,
        run=request.key.run,
        inputs=any(path[0] in {"inputs", "io"} for path in join.params.values()),
    )


def _number(name: str, value: Json, fits: Callable[[int], bool]) -> int:
    try:
        number = convert(value, "int")
    except ValueError as error:
        raise BindError(f"the {name} of its join: {error}") from None
    if not isinstance(number, int) or not fits(number):
        raise BindError(f"the {name} of its join cannot be {short(str(value))}")
    return number
