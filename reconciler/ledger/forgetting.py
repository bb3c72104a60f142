"""Letting go of runs that are over: what may go, and its removal, inside a transaction that the caller holds.

What is said to be removable is asked again in the transaction that removes it. This module decides what is still
needed by the ledger itself; how much is kept is for the rule that it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from planner import keys
from planner.keys import Key
from planner.model.records import RootRecord, RunRecord
from planner.model.retention import Removed
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.batch import tops_of
from reconciler.ledger.dialects import among, listed
from reconciler.ledger.rows import run_of_row, select_runs
from reconciler.ports import Expired

__all__ = ["expired", "forget", "named_by", "removable", "under"]

_RUNS = schema.runs.c
_SLACK = 200
"""Tops that are looked at beyond the limit, as some of them may be needed."""


def named_by(record: RootRecord) -> frozenset[Key]:
    """Tops that the record of a root names."""
    held = {held.key.top for held in record.held}
    reported = {report.key.top for report in record.reports if report.key is not None}
    return tops_of(record) | held | reported


def removable(tops: Sequence[Key], sources: Mapping[Key, Collection[Key]]) -> list[Key]:
    """Those of `tops` of which nothing that stays was carried or cached.

    Args:
        tops: that may go otherwise.
        sources: tops that a top has results from, by top, of all runs of the project with results of others.
    """
    going = set(tops)
    while needed := going & {source for top, of in sources.items() if top not in going for source in of}:
        going -= needed
    return [top for top in tops if top in going]


def expired(connection: sa.Connection, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
    """See `reconciler.ports.Ledger.expired`."""
    tops = _candidates(connection, root, wanted)
    if tops:
        tops = removable(tops, _sources(connection))[: wanted.limit]
    return [under(connection, root, top) for top in tops]


def _candidates(connection: sa.Connection, root: str, wanted: Expired) -> list[Key]:
    own = sa.and_(_RUNS.root == root, _RUNS.key == _RUNS.top)
    beyond = []
    if wanted.count is not None:
        last = sa.select(_RUNS.opened).where(own).order_by(_RUNS.opened.desc()).limit(1).offset(wanted.count)
        beyond.append(_RUNS.opened <= last.scalar_subquery())
    if wanted.before is not None:
        beyond.append(_RUNS.finished_at < codec.encode(wanted.before).strip('"'))
    if not beyond:
        return []
    found = sa.select(_RUNS.key).where(own, _RUNS.final, sa.or_(*beyond)).order_by(_RUNS.opened)
    tops = [keys.parse(key) for key in connection.execute(found.limit(wanted.limit + _SLACK)).scalars()]
    return [top for top in tops if top not in _kept(connection, root)] if tops else []


def _kept(connection: sa.Connection, root: str) -> set[Key]:
    body = connection.execute(sa.select(schema.roots.c.body).where(schema.roots.c.name == root)).scalar()
    kept = set(named_by(codec.decode(RootRecord, body))) if body else set()
    busy = sa.select(_RUNS.top).where(_RUNS.root == root, _RUNS.pending)
    open_ = sa.select(_RUNS.top).where(_RUNS.root == root, sa.not_(_RUNS.final))
    good = sa.select(_RUNS.top).where(_RUNS.root == root, _RUNS.key == _RUNS.top, _RUNS.status == "succeeded")
    for statement in (busy, open_, good.order_by(_RUNS.opened.desc()).limit(1)):
        kept |= {keys.parse(top) for top in connection.execute(statement).scalars()}
    return kept


def _sources(connection: sa.Connection) -> dict[Key, set[Key]]:
    found: dict[Key, set[Key]] = {}
    for row in connection.execute(select_runs().where(sa.not_(_RUNS.own))):
        run = run_of_row(row)
        found.setdefault(run.key.top, set()).update(
            key.top for key in (run.carried_from, run.cached_from) if key is not None
        )
    return found


def under(connection: sa.Connection, root: str, top: Key) -> list[RunRecord]:
    """A top of `root` with all below it, in the order in which they were opened."""
    statement = select_runs().where(_RUNS.root == root, _RUNS.top == str(top)).order_by(_RUNS.opened)
    return [run_of_row(row) for row in connection.execute(statement)]


def forget(connection: sa.Connection, root: str, tops: Collection[Key], removed: Removed) -> int:
    """See `reconciler.ports.Ledger.forget`."""
    kept = _kept(connection, root)
    going = removable([top for top in tops if top not in kept], _sources(connection))
    runs = [run for top in going for run in under(connection, root, top)]
    gone = sum(run.key == run.key.top for run in runs)
    body = connection.execute(sa.select(schema.roots.c.body).where(schema.roots.c.name == root)).scalar()
    if not gone or body is None:
        return 0
    newest = connection.execute(_NEWEST, listed(run.key for run in runs)).scalar_one()
    facts = schema.facts.c
    connection.execute(sa.delete(schema.runs).where(among(_RUNS.key)), listed(run.key for run in runs))
    connection.execute(
        sa.delete(schema.facts).where(facts.root == root, among(facts.run)), listed(run.key for run in runs)
    )
    # A schedule moves its cursor at every tick; the record of the root has where it is.
    moved = sa.delete(schema.facts).where(facts.root == root, facts.type == "CursorMoved", facts.seq < newest)
    connection.execute(moved)
    blobs = sa.delete(schema.blobs).where(among(schema.blobs.c.digest))
    connection.execute(blobs, listed(run.bound for run in runs if run.bound))
    record = codec.decode(RootRecord, body)
    fresh = replace(record, removed=noted(record, removed, runs))
    connection.execute(sa.update(schema.roots).where(schema.roots.c.name == root).values(body=codec.encode(fresh)))
    return gone


_NEWEST = sa.select(sa.func.max(_RUNS.opened)).where(among(_RUNS.key))


def noted(record: RootRecord, removed: Removed, runs: Sequence[RunRecord]) -> Removed:
    """What the record of a root says after `runs` went as well."""
    tops = [run for run in runs if run.key == run.key.top]
    before = record.removed
    until = max(run.opened_at for run in tops)
    return replace(
        removed,
        count=len(tops) + (before.count if before else 0),
        until=max(until, before.until) if before else until,
    )
