"""What columns are, on every database that a ledger may be in. Tables and migrations are made of these alone.

Both databases must order and compare text alike, by code point: in PostgreSQL that is the collation C, whatever the
database was made with. PostgreSQL has no NUL character in text; names from outside may hold one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

__all__ = ["NAME", "NUMBER", "TEXT", "Texts", "only"]


class _Name(sa.TypeDecorator[str]):
    """Text in PostgreSQL in which NUL is written as two other characters, so that the order stays what it was."""

    impl = sa.Text
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(collation="C")

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """As it is written."""
        return None if value is None else _without_nul(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """As it was."""
        if value is None or "\x01" not in value:
            return value
        return value.replace("\x01\x01", "\x00").replace("\x01\x02", "\x01")


def _without_nul(value: str) -> str:
    if "\x00" not in value and "\x01" not in value:
        return value
    return value.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")


class Texts(sa.TypeDecorator[list[str]]):
    """A list of names as one parameter, however many they are: JSON in SQLite, an array in PostgreSQL."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """What the database takes."""
        return dialect.type_descriptor(sa.ARRAY(sa.Text) if dialect.name == "postgresql" else sa.JSON())

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> list[str] | None:
        """Names as the columns have them."""
        if value is None or dialect.name != "postgresql":
            return value
        return [_without_nul(one) for one in value]


TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that we made: digests, instants, JSON. It is ASCII."""
NAME = sa.Text().with_variant(_Name(), "postgresql")
"""Text that may be anything a person wrote."""
NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
"""A sequence, which may grow over four bytes."""


def only(sqlite: str, postgresql: str) -> dict[str, Any]:
    """Arguments of an index that has only some rows: the condition as each database writes it."""
    return {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql)}
