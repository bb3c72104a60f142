"""A search: a query, an order and an instant, as text that people write and as a value that a ledger is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from planner.query.check import check_query, check_sort
from planner.query.order import DEFAULT, Order
from planner.query.subject import Needs, needs
from planner.spec.query import Query, QueryError, parse_query, parse_sort

__all__ = ["Search", "read_search"]


@dataclass(frozen=True, slots=True)
class Search:
    """Which runs, and in which order.

    Attributes:
        where: what must hold; None for all.
        at: the instant of the question, for `last_month`.
        order: what they are ordered by; empty for the newest opened first.
        inputs: whether what they were started with is wanted in any case.
    """

    where: Query | None
    at: datetime
    order: Order = ()
    inputs: bool = False

    @property
    def needs(self) -> Needs:
        """What of runs must be read for it, beside their records."""
        found = needs(self.where, tuple(name for name, _, _ in self.order))
        return replace(found, bound=True) if self.inputs else found


def read_search(query: str, sort: str, at: datetime, default: Order = DEFAULT) -> Search:
    """The search that is written.

    Args:
        query: "" for all runs.
        sort: "" for `default`.
        at: the instant of the question.
        default: the order without a sort.

    Raises:
        QueryError: one of them cannot be read, has a template, or asks for what no run here has.
    """
    for text in (query, sort):
        if "{{" in text or "{%" in text:
            column = min(at for at in (text.find("{{"), text.find("{%")) if at >= 0) + 1
            raise QueryError("a template has no value here", "write the value", column)
    where = parse_query(query) if query.strip() else None
    if where is not None:
        check_query(where)
    order = parse_sort(sort) if sort.strip() else default
    check_sort(order)
    return Search(where, at, order)
