"""Queries over runs: which of them are meant, and in which order (docs/queries.md; reference, section 17.2).

`planner.spec.query` reads what is written. Here it is asked of runs: `matches` of one, `Ranking` of many, `narrowed` of
an index before any run is read. This package never reads anything by itself: who asks gives it `Subject`s.
"""

from planner.query.check import check_query, check_sort
from planner.query.evaluate import matches
from planner.query.narrow import Narrowed, narrowed
from planner.query.order import Ranking
from planner.query.search import Search, read_search
from planner.query.subject import Needs, Subject, needs, original_of

__all__ = [
    "Narrowed",
    "Needs",
    "Ranking",
    "Search",
    "Subject",
    "check_query",
    "check_sort",
    "matches",
    "narrowed",
    "needs",
    "original_of",
    "read_search",
]
