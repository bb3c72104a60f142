"""Joins: values of many earlier runs, found by a query (reference, section 17.1).

The sections say what was written, with the syntax of queries checked. Looking for runs is done when the operation
starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said
from planner.spec.delivery import ConnectionName, EnvName
from planner.spec.forms import Short
from planner.spec.params import path_of
from planner.spec.query import QueryError, parse_query, parse_sort
from planner.spec.shape import Bool, CountOrTemplate, OrTemplate, Section, WholeOrTemplate, fault
from planner.spec.words import kind_of

__all__ = ["MAX_JOINED", "Join", "JoinParam", "Joins"]

MAX_JOINED = 5_000
"""Runs that one join finds at most."""


class JoinParam(Section, identity="value context_only connection to_init to_env", inert="ref"):
    """One value of each run that is found; a path alone, `losses: outputs.loss`, is its `value`."""

    model_config = ConfigDict(json_schema_extra={"required": ["value"]})

    value: Annotated[Any, WithJsonSchema({"type": ["string", "object"]})] = None
    """Path of the value in each run, such as `outputs.loss`; or `files` and `dirs` of its artifacts."""
    ref: str | None = None
    """Taken and not used: the query says which runs."""
    context_only: Bool | None = None
    """Not an input: only templates see it; false by default."""
    connection: ConnectionName | None = None
    """In place of that of the input: the connection that the values are put in place with."""
    to_init: Bool | None = None
    """In place of that of the input: whether the values are put in place before the run starts."""
    to_env: EnvName | None = None
    """In place of that of the input: a variable of the program that has the values."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A value that is no path."""
        value = said["value"]
        if value is None:
            yield (), fault("PL-202", "a joined param needs a `value`", "name it, such as `outputs.loss`", ("value",))
        elif not isinstance(value, str | dict):
            message = f"`value` must be the path of a value, not {kind_of(value)}"
            yield (), fault("PL-203", message, "name it, such as `outputs.loss`", ("value",))
        else:
            try:
                path_of(value)
            except PydanticCustomError as error:
                yield (), error

    @property
    def path(self) -> tuple[str, ...]:
        """The parts of the value's path."""
        return path_of(self.value)


def _short_form(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


_Params = dict[str, Annotated[JoinParam, Short(_short_form, {"type": "string"})]]


def _query(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    try:
        parse_query(value)
    except QueryError as error:
        raise _refused(error) from None
    return value


def _refused(error: QueryError) -> PydanticCustomError:
    return fault("PL-204", error.placed, lambda: error.hint)


def _sort(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    try:
        parse_sort(value)
    except QueryError as error:
        raise _refused(error) from None
    return value


def _limit(value: int | str) -> int | str:
    if isinstance(value, int) and value > MAX_JOINED:
        raise fault("PL-204", f"{{field}} must be at most {MAX_JOINED}, not {value}")
    return value


_TEXT = WithJsonSchema({"type": "string"})


class Join(Section, identity="query sort limit offset params", inert="ref"):
    """Runs of the same project, and what is taken of each."""

    ref: str | None = None
    """Taken and not used."""
    query: Annotated[str, PlainValidator(_query), _TEXT]
    """Which runs, such as `metrics.loss: <0.3, status: succeeded`."""
    sort: Annotated[str, PlainValidator(_sort), _TEXT] | None = None
    """Fields that they are ordered by, `-` for descending; the ones that changed last come first by default."""
    limit: Annotated[CountOrTemplate, AfterValidator(_limit)] | None = None
    """How many at most; 5000 by default, and at most."""
    offset: WholeOrTemplate | None = None
    """How many are left out first; 0 by default."""
    params: Annotated[_Params | str, OrTemplate(_Params)] | None = None
    """What is taken of each run: a list of values by the name of an input."""


Joins = Annotated[tuple[Join, ...] | str, OrTemplate(tuple[Join, ...])]
"""All joins of an operation, or text with a template."""
