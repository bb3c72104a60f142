"""Joins: values of many earlier runs, found by a query (reference, section 17.1)."""

from __future__ import annotations

from typing import Annotated, Any

from planner.spec.shape import Bool, OrTemplate, Section, WholeOrTemplate

__all__ = ["Join", "JoinParam", "Joins"]


class JoinParam(Section, identity="value ref context_only connection to_init to_env"):
    """One value of each run that is found."""

    value: Any = None
    """Path of the value in each run, such as `outputs.loss`; or `files` and `dirs` of its artifacts."""
    ref: str | None = None
    """Taken and not used: the query says which runs."""
    context_only: Bool | None = None
    """Not an input: only templates see it."""
    connection: str | None = None
    """A connection that the value is put in place with."""
    to_init: Bool | None = None
    """Whether the value is put in place before the run starts."""
    to_env: str | None = None
    """A variable of the program that it is given as."""


class Join(Section, identity="ref query sort limit offset params"):
    """Runs of the same project, and what is taken of each."""

    ref: str | None = None
    """Taken and not used."""
    query: str
    """Which runs, such as `metrics.loss: <0.3, status: succeeded`."""
    sort: str | None = None
    """Fields that they are ordered by, `-` for descending; the ones that changed last come first by default."""
    limit: WholeOrTemplate | None = None
    """How many at most; 5000 by default, and at most."""
    offset: WholeOrTemplate | None = None
    """How many are left out first; 0 by default."""
    params: Annotated[dict[str, JoinParam] | str, OrTemplate(dict[str, JoinParam])] | None = None
    """What is taken of each run: a list of values by the name of an input."""


Joins = Annotated[tuple[Join, ...] | str, OrTemplate(tuple[Join, ...])]
"""All joins of an operation, or text with a template."""
