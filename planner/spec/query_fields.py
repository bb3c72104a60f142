"""The fields of runs that a query may ask for, and the operations that each takes (reference, section 17.2).

Decides what one condition means; how conditions are joined is decided in `planner.spec.query`. Nothing here looks at
runs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import Literal

from planner.canon import Json
from planner.spec.queues import amount
from planner.spec.times import moment
from planner.spec.words import nearest, short

__all__ = ["HOLE", "SORTS", "Condition", "Operator", "QueryError", "condition", "sort_fields"]

HOLE = "\ufffc"
"""Stands for a template in what is read: nobody knows yet what will be there."""

Operator = Literal["eq", "nil", "lt", "le", "gt", "ge", "in", "between", "like", "any", "template"]
"""How a field is compared; `any` is true of all runs, `template` is not known yet."""


class QueryError(ValueError):
    """A query that cannot be read: what is wrong, and what to do.

    Attributes:
        message: what is wrong, without the place.
        column: where in the text that was read, from 1; 0 where it is about all of it.
    """

    def __init__(self, message: str, hint: str | Callable[[], str] = "", column: int = 0) -> None:
        self.message = message.replace(HOLE, "{{ … }}")
        super().__init__(self.message)
        self._hint = hint
        self.column = column

    @property
    def placed(self) -> str:
        """What is wrong, and where."""
        return f"{self.message} (at column {self.column})" if self.column > 1 else self.message

    @property
    def hint(self) -> str:
        """What to do, or ""."""
        return self._hint() if callable(self._hint) else self._hint


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a run.

    Attributes:
        field: its name, the long one where there are several.
        sub: what is behind the dot: the name of an input or metric, or "".
        operator: how it is compared.
        values: what with: two for `between`, any number for `in`, one for the others, none for `nil` and `any`. With
            `like` a text in which `%` at an end stands for anything.
        negated: whether it must not hold.
        column: where it is written, from 1; what it means does not depend on it.
    """

    field: str
    sub: str
    operator: Operator
    values: tuple[Json, ...]
    negated: bool = False
    column: int = dataclass_field(default=0, compare=False)


# Fields

_Kind = Literal["search", "datetime", "value", "comparison", "scalar", "flag"]

_NAMES: Mapping[_Kind, str] = {
    "search": "uuid name description",
    "datetime": "created_at updated_at started_at finished_at schedule_at",
    "value": (
        "status kind runtime project user namespace tags pipeline controller original upstream downstream cloning_kind "
        "backend framework agent queue artifacts_store state component_state managed_by pending connections artifacts "
        "teams contributors live_state meta_info in_artifact_kind out_artifact_kind commit"
    ),
    "comparison": "inputs outputs meta_values",
    "scalar": "metrics duration wait_time cost cpu memory gpu custom",
    "flag": "meta_flags is_managed mine",
}
_KINDS: Mapping[str, _Kind] = MappingProxyType({name: kind for kind, names in _NAMES.items() for name in names.split()})
_SHORT = MappingProxyType({"id": "uuid", "uid": "uuid", "in": "inputs", "params": "inputs", "out": "outputs"})
_NEEDS_SUB = frozenset({"inputs", "outputs", "metrics", "meta_values", "meta_flags"})
"""Fields that hold many values by name."""
_BY_NAME_OR_ID = frozenset(
    ["project", "pipeline", "controller", "original", "upstream", "downstream", "agent", "queue", "connections"]
)
"""Fields that lead to something with a name and a uuid."""

SORTS: frozenset[str] = frozenset(
    """
    created_at updated_at started_at finished_at schedule_at name kind namespace runtime uuid duration wait_time status
    cost cpu memory gpu custom state component_state user inputs outputs metrics meta_values
    """.split()  # noqa: SIM905 - a list of quoted words would be three times as long
)
"""Fields that runs can be ordered by."""


def _field(written: str) -> tuple[str, str]:
    """Name and rest of a field.

    Raises:
        QueryError: there is none like that.
    """
    name, dot, sub = written.partition(".")
    name = _SHORT.get(name, name)
    if name not in _KINDS:
        raise QueryError(f"runs have no field `{short(name)}`", lambda: _meant(name))
    if name in _NEEDS_SUB and not sub:
        raise QueryError(f"`{name}` holds many values", f"write the name of one: `{name}.NAME`")
    if dot and (not sub or "." in sub):
        raise QueryError(f"`{short(written)}` is not a field: one dot at most, and a name behind it")
    if sub and name not in _NEEDS_SUB and not (name in _BY_NAME_OR_ID and sub in {"name", "uuid"}):
        raise QueryError(f"`{short(written)}` is not a field", f"write `{name}`")
    return name, sub


def _meant(written: str) -> str:
    near = nearest(written, (*_KINDS, *_SHORT))
    return f"did you mean `{near}`?" if near else "use a field of runs, such as `status`, `metrics.loss` or `name`"


def sort_fields(text: str) -> tuple[tuple[str, str, bool], ...]:
    """Fields to order by: name, rest, and whether it descends. A template is left out.

    Raises:
        QueryError: one of them is none.
    """
    found, column = [], 1
    for part in text.split(","):
        try:
            if text.strip() and HOLE not in part:
                found.append(_sort_field(part.strip()))
        except QueryError as error:
            error.column = column + len(part) - len(part.lstrip())
            raise
        column += len(part) + 1
    return tuple(found)


def _sort_field(written: str) -> tuple[str, str, bool]:
    descends = written.startswith("-")
    bare = written.removeprefix("-").strip()
    if not bare:
        raise QueryError("a sort field is missing beside a comma", "remove the comma")
    name, sub = _field(bare)
    if name not in SORTS or (sub and name not in _NEEDS_SUB):
        near = nearest(name, SORTS - {name})
        hint = f"did you mean `{near}`?" if near else "sort by `created_at`, `metrics.NAME` or the like"
        raise QueryError(f"runs cannot be ordered by `{short(bare)}`", hint)
    return name, sub, descends


# Operations

_COMPARISON = re.compile(r"(<=|=<|>=|=>|<|>)")
_OPERATORS: Mapping[str, Operator] = {"<": "lt", "<=": "le", "=<": "le", ">": "gt", ">=": "ge", "=>": "ge"}


def condition(field: str, operation: str) -> Condition:
    """The condition of a field and what is written behind its colon.

    Raises:
        QueryError: the field is not known, or does not take the operation.
    """
    if HOLE in field:
        return Condition(field, "", "template", ())
    name, sub = _field(field)
    text = operation.strip()
    negated = text.startswith("~")
    text = text.removeprefix("~").strip()
    if not text:
        raise QueryError(f"`{short(field)}:` has nothing behind it", "write a value, or `nil` for none")
    if HOLE in text:
        return Condition(name, sub, "template", (), negated)
    operator, values = _operation(field, _KINDS[name], text)
    return Condition(name, sub, operator, values, negated)


def _operation(field: str, kind: _Kind, text: str) -> tuple[Operator, tuple[Json, ...]]:
    if text.lower() == "nil":
        return "nil", ()
    if text == "_any_":
        return "any", ()
    if found := _COMPARISON.match(text):
        if kind in {"search", "flag"}:
            raise QueryError(f"`{short(field)}` cannot be compared with `{found[1]}`", "write the value alone")
        return _OPERATORS[found[1]], (_value(field, kind, text[found.end() :]),)
    if ".." in text and kind in {"datetime", "scalar"}:
        return "between", _bounds(field, kind, text)
    if "|" in text and kind != "search":
        return "in", _several(field, kind, text)
    if kind == "search" and (text.startswith("%") or text.endswith("%")):
        if not text.strip("%"):
            raise QueryError(f"`{short(text)}` matches everything", "write some text between the `%`")
        return "like", (text,)
    return "eq", (_value(field, kind, text),)


def _several(field: str, kind: _Kind, text: str) -> tuple[Json, ...]:
    if kind not in {"value", "comparison"}:
        raise QueryError(f"`{short(field)}` takes one value, not several with `|`")
    return tuple(_value(field, kind, part) for part in text.split("|"))


def _bounds(field: str, kind: _Kind, text: str) -> tuple[Json, Json]:
    if kind != "datetime":
        raise QueryError(f"`{short(field)}` takes no range", f"write `{field}: >= 1, {field}: < 2`")
    parts = text.split("..")
    if len(parts) != 2:
        raise QueryError(f"`{short(text)}` is not a range", "write two bounds, such as `2026-01-01..2026-02-01`")
    return _value(field, "datetime", parts[0]), _value(field, "datetime", parts[1])


def _value(field: str, kind: _Kind, written: str) -> Json:
    text = written.strip()
    if not text:
        raise QueryError(f"`{short(field)}` is compared with nothing", "write a value, or remove the sign")
    match kind:
        case "search":
            return text
        case "datetime":
            return _moment(field, text)
        case "scalar":
            return _scalar(field, text)
        case "flag":
            return _flag(field, text)
        case "value" if field != "live_state":
            return _word(text)
        case _:
            return _plain(text)


def _word(text: str) -> Json:
    """The text itself, or what is quoted: a tag `1.10` and a commit `1e10` are no numbers."""
    found = _plain(text)
    return found if isinstance(found, str) else text


def _plain(text: str) -> Json:
    """JSON where it is a number, a truth value or quoted text, else the text itself."""
    if len(text) > 200 or text[0] in "[{":
        return text
    try:
        found: Json = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(found, float) and not math.isfinite(found) else found


def _moment(field: str, text: str) -> Json:
    if text.lower() == "last_month":
        return "last_month"
    if moment(text) is None:
        hint = "write 2026-11-23, 2026-11-23 06:00, or `last_month`"
        raise QueryError(f"`{short(text)}` is not a date for `{short(field)}`", hint)
    return text


def _scalar(field: str, text: str) -> Json:
    found = _plain(text)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    if field in {"cpu", "memory", "gpu", "custom"} and isinstance(found, str) and amount(found) is not None:
        return found
    raise QueryError(f"`{short(text)}` is not a number for `{short(field)}`", "write a number, without quotes")


def _flag(field: str, text: str) -> Json:
    found = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if found is None:
        raise QueryError(f"`{short(field)}` is true or false, not `{short(text)}`")
    return found
