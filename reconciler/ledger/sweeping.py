"""Letting go of rows that no run owns and nothing needs, in small steps, inside a transaction that the caller holds.

What is in use is found first, page by page: the names that roots, pins and runs have. What has come to be in use since
is named by a fact since, so each step that removes looks through those before. Rows without an index for their age are
paged by their key. This module decides what the ledger itself needs; the ages are for who asks (docs/ledger.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from planner import keys
from planner.details import commit_of
from planner.model.events import RUNS
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.dialects import among, field, listed
from reconciler.ledger.forgetting import under
from reconciler.ledger.rows import sequence
from reconciler.ports_sweep import Bounds, Ended, Stage, Sweep

__all__ = ["ended", "names_in", "old_commits", "remove_commits", "step"]

_PAGE = 500
_WINDOW = 1000
"""Facts, or numbers of runs, that one step looks at, kept or not: a clock that was wrong once hides none of them."""
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
"""Any text in what is stored as JSON. Names have no character that JSON escapes."""

_RUNS, _FACTS, _COMMITS = schema.runs.c, schema.facts.c, schema.commits.c
_Found = tuple[Sequence[str], str]
"""Keys of rows that may go, and where the next step begins; "" where there is no more."""


def step(connection: sa.Connection, bounds: Bounds, sweep: Sweep) -> tuple[int, str]:
    """See `reconciler.ports.Ledger.sweep`; the caller notes what it returns once it is committed."""
    find, table = _STAGES[sweep.stage]
    gone, place = find(connection, bounds, sweep)
    if sweep.remove and gone:
        (primary,) = table.primary_key.columns
        connection.execute(sa.delete(table).where(among(primary)), listed(gone))
    return len(gone), place


def _used(connection: sa.Connection, _: Bounds, sweep: Sweep) -> _Found:
    if not sweep.place:
        sweep.used = set()
        sweep.sequence = sequence(connection)
        for table in (schema.roots, schema.project, schema.pins, schema.pulls):
            sweep.used |= names_in(connection.execute(sa.select(table.c.body)).scalars())
    form, bound = (field(_RUNS.body, name) for name in ("form", "bound"))
    page = sa.select(_RUNS.opened, _RUNS.top, form, bound).where(_RUNS.opened > int(sweep.place or 0))
    rows = connection.execute(page.order_by(_RUNS.opened).limit(_PAGE)).all()
    for _opened, top, *named in rows:
        sweep.used |= {hash(name) for name in (keys.parse(top).cause, *named) if name}
    return (), str(rows[-1][0]) if len(rows) == _PAGE else ""


def _content(connection: sa.Connection, _: Bounds, sweep: Sweep) -> _Found:
    digest = schema.blobs.c.digest
    page = sa.select(digest).where(digest > sweep.place).order_by(digest).limit(_PAGE)
    found = connection.execute(page).scalars().all()
    gone = _unused(connection, sweep, found, str)
    of = {name: commit for name in gone if (commit := commit_of(name))}
    if of:
        # What a commit has wrong goes with it, and where that is something else by now.
        rows = connection.execute(
            sa.select(schema.commits.c.body).where(among(_COMMITS.ident)), listed(set(of.values()))
        )
        named = names_in(rows.scalars())
        gone = [name for name in gone if name not in of or hash(name) not in named]
    return gone, _next(found)


def _events(connection: sa.Connection, bounds: Bounds, sweep: Sweep) -> _Found:
    rows = _page(connection, schema.events, sweep, ("at", "ref", "about"))
    old = {ident: (ref, about) for ident, at, ref, about in rows if at < _text(bounds.events)}
    # The status of a run is told once for as long as that run is known.
    known = _known(connection, (about for ref, about in old.values() if ref.startswith(RUNS)))
    over = [ident for ident, (_, about) in old.items() if about not in known]
    gone = _unused(connection, sweep, over, lambda ident: ident, lambda ident: f"ev-{ident}")
    return gone, _next([row[0] for row in rows])


def _notices(connection: sa.Connection, _: Bounds, sweep: Sweep) -> _Found:
    rows = _page(connection, schema.notices, sweep, ("key",), schema.notices.c.sent)
    known = _known(connection, (key for _, key, sent in rows if sent))
    gone = [ident for ident, key, sent in rows if sent and key not in known]
    return gone, _next([row[0] for row in rows])


def _answers(connection: sa.Connection, bounds: Bounds, sweep: Sweep) -> _Found:
    rows = _page(connection, schema.answers, sweep, ("at",))
    gone = [ident for ident, at in rows if at < _text(bounds.history)]
    return gone, _next([row[0] for row in rows])


def _facts(connection: sa.Connection, bounds: Bounds, sweep: Sweep) -> _Found:
    first = int(sweep.place or 0)
    last = first + _WINDOW
    old = sa.and_(_FACTS.seq > first, _FACTS.seq <= last, _FACTS.at < _text(bounds.history))
    rows = connection.execute(sa.select(_FACTS.seq, _FACTS.run).where(old)).all()
    known = _known(connection, (row.run for row in rows if row.run))
    gone = [str(row.seq) for row in rows if not row.run or row.run not in known]
    newest = sequence(connection)
    return gone, str(last) if last < newest else ""


_STAGES: Mapping[Stage, tuple[Callable[[sa.Connection, Bounds, Sweep], _Found], sa.Table]] = {
    Stage.USED: (_used, schema.runs),
    Stage.CONTENT: (_content, schema.blobs),
    Stage.EVENTS: (_events, schema.events),
    Stage.NOTICES: (_notices, schema.notices),
    Stage.ANSWERS: (_answers, schema.answers),
    Stage.FACTS: (_facts, schema.facts),
}


def _page(
    connection: sa.Connection, table: sa.Table, sweep: Sweep, names: Sequence[str], *more: sa.ColumnElement[bool]
) -> Sequence[Sequence[str]]:
    """The next rows of a table that is found by `ident`, with values of their text."""
    ident = table.c.ident
    values = (sa.func.coalesce(field(table.c.body, name), "") for name in names)
    page = sa.select(ident, *values, *more).where(ident > sweep.place).order_by(ident).limit(_PAGE)
    return connection.execute(page).all()


def _next(found: Sequence[str]) -> str:
    return found[-1] if len(found) == _PAGE else ""


def _text(at: object) -> str:
    return codec.encode(at).strip('"')


def names_in(bodies: Iterable[str]) -> set[int]:
    """Hashes of all texts in what is stored as JSON: whatever else they are, the names that it has are among them."""
    return {hash(name) for body in bodies for name in _TEXT.findall(body)}


def _known(connection: sa.Connection, runs: Iterable[str]) -> Collection[str]:
    """Those of `runs` that there are."""
    return set(connection.execute(sa.select(_RUNS.key).where(among(_RUNS.key)), listed(set(runs))).scalars())


def _unused(
    connection: sa.Connection, sweep: Sweep, found: Iterable[str], *names: Callable[[str], str]
) -> Sequence[str]:
    """Those of `found` of which nothing has one of their `names`, not even since names were looked for."""

    def free() -> Sequence[str]:
        return [one for one in found if not any(hash(name(one)) in sweep.used for name in names)]

    found = free()
    if found:
        since = sa.select(_FACTS.seq, _FACTS.body).where(_FACTS.seq > sweep.sequence).order_by(_FACTS.seq)
        rows = connection.execute(since).all()
        sweep.used |= names_in(row.body for row in rows)
        sweep.sequence = rows[-1].seq if rows else sweep.sequence
    return free()


def ended(connection: sa.Connection, before: datetime, after: int, limit: int) -> Ended:
    """See `reconciler.ports.Ledger.ended`."""
    over = sa.and_(_RUNS.key == _RUNS.top, _RUNS.final, _RUNS.finished_at < _text(before))
    window = sa.and_(_RUNS.opened > after, _RUNS.opened <= after + _WINDOW)
    page = sa.select(_RUNS.opened, _RUNS.root, _RUNS.key).where(window, over).order_by(_RUNS.opened).limit(limit)
    rows = connection.execute(page).all()
    newest = sequence(connection)
    place = rows[-1].opened if len(rows) == limit else after + _WINDOW
    tops = [under(connection, row.root, keys.parse(row.key)) for row in rows]
    return Ended(tops, place if place < newest else None)


# Commits


def old_commits(connection: sa.Connection, keep: int, limit: int) -> Sequence[str]:
    """See `reconciler.ports.Ledger.old_commits`."""
    return _old(connection, keep)[:limit]


def remove_commits(connection: sa.Connection, keep: int, idents: Collection[str]) -> int:
    """See `reconciler.ports.Ledger.remove_commits`."""
    gone = sorted(set(idents) & set(_old(connection, keep)))
    if gone:
        connection.execute(sa.delete(schema.statuses).where(among(schema.statuses.c.commit)), listed(gone))
        connection.execute(sa.delete(schema.commits).where(among(schema.commits.c.ident)), listed(gone))
    return len(gone)


_MOST = 2 * _PAGE
"""Commits that are looked at, of which some may be needed."""


def _old(connection: sa.Connection, keep: int) -> Sequence[str]:
    table, said = schema.commits.c, schema.statuses.c
    last = sa.select(table.planned).order_by(table.planned.desc()).limit(1).offset(keep)
    beyond = sa.select(table.ident).where(table.planned <= last.scalar_subquery(), table.closed)
    found = connection.execute(beyond.order_by(table.planned).limit(_MOST)).scalars().all()
    if not found:
        return ()
    waiting = sa.select(said.commit).where(among(said.commit), sa.not_(said.posted))
    needed = set(connection.execute(waiting, listed(found)).scalars())
    named = names_in(body for table_ in (schema.roots, schema.project) for body in _bodies(connection, table_))
    return [ident for ident in found if ident not in needed and hash(ident) not in named]


def _bodies(connection: sa.Connection, table: sa.Table) -> Sequence[str]:
    return connection.execute(sa.select(table.c.body)).scalars().all()
