"""A page of runs for a query, out of the tables, inside a transaction that the caller holds.

What the index can tell is in the statement; the rest is decided by `reconciler.ledger.finding`. This module must never
write.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from planner import keys
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.query import Narrowed, Subject, narrowed, original_of
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.dialects import among, exact, is_no_number, listed, number
from reconciler.ledger.finding import PAGE, Page
from reconciler.ledger.rows import RUNS_BY_KEY, run_of_row, runs_of, select_runs
from reconciler.lookup import Find

__all__ = ["Reader"]

_FORMS_KEPT = 32
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_BLOBS = sa.select(schema.blobs).where(among(schema.blobs.c.digest))


class Reader:
    """Reads the pages of one call; it keeps the compiled operations that they have in common."""

    def __init__(self, wanted: Find, identity: tuple[str, str]) -> None:
        self._wanted = wanted
        self._identity = identity
        self._narrowed = narrowed(wanted.search.where, wanted.search.at)
        self._forms: dict[str, CompiledOperation | None] = {}

    def page(self, connection: sa.Connection, before: int | None) -> Page:
        """The next runs that were opened before this number."""
        table = schema.runs.c
        conditions = list(self._conditions())
        below = self._below(connection)
        if below is not None:
            conditions.append(below)
        if before is not None:
            conditions.append(table.opened < before)
        # With a sum SQLite orders the few runs below one top, and does not look for them in the order of all.
        order = table.opened if below is None else table.opened + 0
        statement = select_runs().where(*conditions).order_by(order.desc()).limit(PAGE)
        found = [(row.opened, run_of_row(row)) for row in connection.execute(statement)]
        return list(self._subjects(connection, found))

    def _conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        table, wanted, known = schema.runs.c, self._wanted, self._narrowed
        if wanted.root:
            yield table.root == wanted.root
        if wanted.live is not None:
            yield sa.not_(table.final) if wanted.live else table.final
        if known.statuses is not None:
            # What was carried over and goes on has the status of another row.
            elsewhere = sa.and_(sa.not_(table.own), sa.not_(table.final))
            yield sa.or_(table.status.in_(sorted(known.statuses)), elsewhere)
        if known.runtimes is not None:
            yield table.kind.in_(sorted(known.runtimes))
        yield from _named(known)
        yield from _numbers(known)
        yield from _opened(known)

    def _below(self, connection: sa.Connection) -> sa.ColumnElement[bool] | None:
        """That a run is below the top of the pipeline that is asked for; None where nobody can tell."""
        table, name = schema.runs.c, self._narrowed.below
        if not name:
            return None
        names = {name, _top_of(name)}
        named = sa.or_(table.short == name, table.key.in_(sorted(names)))
        tops = connection.execute(sa.select(table.root, table.top).where(named).distinct()).all()
        if not tops:
            # A DAG inside a DAG has an id and no row.
            return sa.false() if "@" in name else None
        return sa.or_(*(sa.and_(table.root == top.root, table.top == top.top) for top in tops))

    def _subjects(
        self, connection: sa.Connection, found: Sequence[tuple[int, RunRecord]]
    ) -> Iterator[tuple[int, Subject]]:
        needs = self._wanted.search.needs
        originals = _originals(connection, [run for _, run in found])
        bound, forms = {}, {}
        if needs.bound:
            bound = _bound(connection, [_worker(run, originals).bound for _, run in found])
        if needs.form:
            forms = self._known_forms(connection, [run.form for _, run in found])
        for opened, run in found:
            worker = _worker(run, originals)
            source = worker if run.carried_from is not None else run
            yield opened, Subject(run, source, self._identity, bound.get(worker.bound), forms.get(run.form))

    def _known_forms(self, connection: sa.Connection, digests: Sequence[str]) -> dict[str, CompiledOperation | None]:
        wanted = dict.fromkeys(digests)
        missing = [digest for digest in wanted if digest and digest not in self._forms]
        for row in connection.execute(_BLOBS, listed(missing)) if missing else ():
            self._forms[row.digest] = codec.decode(CompiledOperation, row.text)
        found = {digest: self._forms.get(digest) for digest in wanted}
        while len(self._forms) > _FORMS_KEPT:
            del self._forms[next(iter(self._forms))]
        return found


def _top_of(name: str) -> str:
    """The top of a run that is named by its key; the name itself where it is an id."""
    key = keys.key_of(name)
    return name if key is None else str(key.top)


def _named(known: Narrowed) -> Iterator[sa.ColumnElement[bool]]:
    table = schema.runs.c
    for part in sorted(known.named):
        yield sa.or_(*(sa.func.lower(column).contains(part, autoescape=True) for column in (table.key, table.root)))


def _numbers(known: Narrowed) -> Iterator[sa.ColumnElement[bool]]:
    table = schema.runs.c
    for name, how, wanted in known.numbers:
        # Where a metric was not written as one, an output of its name stands for it: the query itself knows which. An
        # output may be text that says a number, which no database would read.
        compare = _COMPARED[how]
        places = (("outputs", name), ("metrics", name), ("progress", name, "last"))
        found = (compare(number(table.body, *place), exact(wanted)) for place in places)
        yield sa.or_(sa.not_(table.own), is_no_number(table.body, "outputs", name), *found)


def _opened(known: Narrowed) -> Iterator[sa.ColumnElement[bool]]:
    # To the second: texts with a part of one are in no order with those without.
    at = sa.func.substr(schema.runs.c.opened_at, 1, 19)
    if known.opened_from is not None:
        yield at >= _second(known.opened_from)
    if known.opened_before is not None:
        yield at <= _second(known.opened_before)


def _second(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")[:19]


def _originals(connection: sa.Connection, runs: Sequence[RunRecord]) -> dict[Key, RunRecord]:
    wanted = {original for run in runs if (original := original_of(run)) is not None}
    return runs_of(connection.execute(RUNS_BY_KEY, listed(wanted))) if wanted else {}


def _worker(run: RunRecord, originals: Mapping[Key, RunRecord]) -> RunRecord:
    """The run that did the work of `run`."""
    return originals.get(original_of(run) or run.key, run)


def _bound(connection: sa.Connection, digests: Sequence[str]) -> dict[str, BoundRun]:
    wanted = [digest for digest in dict.fromkeys(digests) if digest]
    if not wanted:
        return {}
    return {row.digest: codec.decode(BoundRun, row.text) for row in connection.execute(_BLOBS, listed(wanted))}
