"""Statements that SQLite and PostgreSQL write differently. Nothing else of the shared code asks which one it is.

Each is an expression that both compile, or a pair of which `on` picks one. This module must never run a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from reconciler.ledger.columns import Texts

__all__ = ["Inserting", "among", "exact", "field", "inserting", "is_no_number", "listed", "number"]


_CONDITION: sa.types.TypeEngine[Any] = sa.types.NullType()
"""What a condition is: called a boolean, SQLite would get it with `= 1`, and not go by an index."""


# Names, however many


class _Among(FunctionElement[Any]):
    name = "among"
    inherit_cache = True
    type = _CONDITION


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether `column` is one of the values that `listed` gives, however many: they are one parameter."""
    return _Among(column, sa.bindparam("listed", type_=Texts))


def listed(values: Iterable[object]) -> dict[str, list[str]]:
    """The parameter of a statement with `among`: the text of each of `values`."""
    return {"listed": [str(value) for value in values]}


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 -- of compiled parts


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(clause, **more) for clause in element.clauses)
    kind = "BIGINT" if isinstance(next(iter(element.clauses)).type, sa.Integer) else "TEXT"
    return f"{column} = ANY(CAST({values} AS {kind}[]))"


# Values of stored JSON


class _Field(FunctionElement[str]):
    name = "field"
    inherit_cache = True
    type = sa.Text()


class _IsNoNumber(FunctionElement[Any]):
    name = "is_no_number"
    inherit_cache = True
    type = _CONDITION


class _Number(FunctionElement[float]):
    name = "number"
    inherit_cache = True
    type = sa.Float()


class _Exact(FunctionElement[float]):
    name = "exact"
    inherit_cache = True
    type = sa.Float()


def field(body: sa.ColumnElement[str], *names: str) -> sa.ColumnElement[str]:
    """The text at `names` of stored JSON: a name of ours, or a digest or an instant. NULL where there is none."""
    return _Field(*_path(body, names))


def is_no_number(body: sa.ColumnElement[str], *names: str) -> sa.ColumnElement[bool]:
    """Whether there is something at `names` that is not written as a number."""
    return _IsNoNumber(*_path(body, names))


def number(body: sa.ColumnElement[str], *names: str) -> sa.ColumnElement[float]:
    """The number at `names` of stored JSON; what it is compared with is `exact`."""
    return _Number(*_path(body, names))


def exact(value: float) -> sa.ColumnElement[float]:
    """A number as it is stored: no digit of it gets lost on its way."""
    return _Exact(sa.literal(value, sa.Float), sa.literal(repr(value), sa.Text))


def _path(body: sa.ColumnElement[str], names: Iterable[str]) -> tuple[sa.ColumnElement[Any], ...]:
    names = tuple(names)
    quoted = "".join(f'."{name}"' for name in names)
    return body, sa.literal(f"${quoted}", sa.Text), sa.literal(list(names), Texts)


@compiles(_Field, "sqlite")
@compiles(_Number, "sqlite")
def _extract_sqlite(element: FunctionElement[Any], compiler: Any, **more: Any) -> str:
    body, path, _ = element.clauses
    return f"json_extract({compiler.process(body, **more)}, {compiler.process(path, **more)})"


@compiles(_IsNoNumber, "sqlite")
def _is_no_number_sqlite(element: _IsNoNumber, compiler: Any, **more: Any) -> str:
    return f"typeof({_extract_sqlite(element, compiler, **more)}) = 'text'"


@compiles(_Exact, "sqlite")
def _exact_sqlite(element: _Exact, compiler: Any, **more: Any) -> str:
    value, _ = element.clauses
    return str(compiler.process(value, **more))


@compiles(_Field, "postgresql")
def _field_postgresql(element: _Field, compiler: Any, **more: Any) -> str:
    return f"{_json(element, compiler, more)} #>> {_names(element, compiler, more)}"


@compiles(_IsNoNumber, "postgresql")
def _is_no_number_postgresql(element: _IsNoNumber, compiler: Any, **more: Any) -> str:
    found = f"{_json(element, compiler, more)} #> {_names(element, compiler, more)}"
    return f"json_typeof({found}) NOT IN ('number', 'null')"


@compiles(_Number, "postgresql")
def _number_postgresql(element: _Number, compiler: Any, **more: Any) -> str:
    path = f"{_json(element, compiler, more)} #> {_names(element, compiler, more)}"
    text = f"{_json(element, compiler, more)} #>> {_names(element, compiler, more)}"
    return f"CASE WHEN json_typeof({path}) = 'number' THEN CAST({text} AS NUMERIC) END"


@compiles(_Exact, "postgresql")
def _exact_postgresql(element: _Exact, compiler: Any, **more: Any) -> str:
    _, text = element.clauses
    return f"CAST({compiler.process(text, **more)} AS NUMERIC)"


def _json(element: FunctionElement[Any], compiler: Any, more: dict[str, Any]) -> str:
    """The stored text as PostgreSQL reads JSON.

    It refuses a whole text for one escape of NUL or of half a surrogate pair, which runs may write: for these, wherever
    they are, others are read. What is asked for has none.
    """
    body, *_ = element.clauses
    text = compiler.process(body, **more)
    return rf"CAST(regexp_replace(replace({text}, '\u0000', '\u0001'), '\\ud[89a-f]', '\\u20', 'g') AS JSON)"


def _names(element: FunctionElement[Any], compiler: Any, more: dict[str, Any]) -> str:
    *_, names = element.clauses
    return f"CAST({compiler.process(names, **more)} AS TEXT[])"


# Rows that are there already


@dataclass(frozen=True, slots=True)
class Inserting:
    """An insert with `ON CONFLICT`, as each database has it."""

    sqlite: sa.Insert
    postgresql: sa.Insert

    def on(self, connection: sa.Connection) -> sa.Insert:
        """That of the database of `connection`."""
        return self.postgresql if connection.dialect.name == "postgresql" else self.sqlite


def inserting(table: sa.Table, conflict: Callable[[Any], Any]) -> Inserting:
    """An insert into `table` that `conflict` completes."""
    return Inserting(conflict(sqlite.insert(table)), conflict(postgresql.insert(table)))
