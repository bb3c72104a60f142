"""Looking for runs with a query, the same for every ledger: page by page, the newest opened first.

An adapter gives a page at a time, narrowed by its index; whether a run matches is decided here, by `planner.query`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

from planner.model.questions import Joined, Matched
from planner.query import Ranking, Subject, matches, read_search
from reconciler.ports import Find

__all__ = ["PAGE", "Page", "find", "found_of", "wanted_of"]

PAGE = 500
"""Runs that are read at a time."""

Page = Sequence[tuple[int, Subject]]
"""Runs with the numbers that they were opened with, falling."""


async def find(wanted: Find, read: Callable[[int | None], Awaitable[Page]]) -> Sequence[Subject]:
    """The runs that are wanted.

    Args:
        wanted: which.
        read: the next `PAGE` runs that were opened before this number, or the first ones; fewer at the end.
    """
    most = wanted.limit + wanted.offset
    if wanted.limit <= 0:
        return []
    ranking = Ranking(wanted.search.order, most)
    count, before = 0, None
    while True:
        page = await read(before)
        for opened, subject in _matching(wanted, page):
            ranking.add(subject, opened)
            count += 1
            if count == most and not wanted.search.order:
                break
        # Without an order those that come later are no better.
        if len(page) < PAGE or (count >= most and not wanted.search.order):
            return ranking.best()[wanted.offset :]
        before = page[-1][0]


def _matching(wanted: Find, page: Page) -> Iterator[tuple[int, Subject]]:
    where, at = wanted.search.where, wanted.search.at
    for opened, subject in page:
        if subject.run.key != wanted.without and (where is None or matches(where, subject, at)):
            yield opened, subject


# Questions of planning


def wanted_of(question: Joined) -> Find:
    """What a join looks for."""
    search = read_search(question.query, question.sort, question.at)
    if question.inputs:
        search = replace(search, inputs=True)
    return Find(search, limit=question.limit, offset=question.offset, without=question.run)


def found_of(subjects: Sequence[Subject]) -> tuple[Matched, ...]:
    """The answer to a join."""
    return tuple(Matched(subject.run, subject.source, subject.inputs) for subject in subjects)
