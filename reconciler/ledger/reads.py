"""What is read from the ledger's tables, one function a question, inside a transaction that the caller holds.

Every question but `facts` uses an index whose matching part is about as large as the answer; a test reads the query
plans. This module must never write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

import sqlalchemy as sa

from planner.fold import RootState
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.questions import Answers, Cached, Question, Recorded, Reusable
from planner.model.records import Claim, RootRecord, RunRecord
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.batch import is_blank, tops_of
from reconciler.ledger.dialects import among, listed
from reconciler.ledger.rows import RUNS_BY_KEY, claim_of, run_of_row, runs_of, select_runs
from reconciler.ports import RunQuery

__all__ = [
    "answer",
    "ask",
    "blob",
    "claims",
    "commit",
    "event",
    "facts",
    "notice",
    "open_commits",
    "pins",
    "project",
    "root",
    "roots",
    "runs",
    "states",
    "statuses",
    "unposted",
    "unsent",
]


def root(connection: sa.Connection, name: str) -> RootState:
    """A root with the runs that planning it needs (`reconciler.ports.Ledger.root`)."""
    body = _body(connection, schema.roots, name)
    return _state(connection, codec.decode(RootRecord, body) if body else RootRecord(name))


def _state(connection: sa.Connection, record: RootRecord) -> RootState:
    name = record.name
    table = schema.runs.c
    under = select_runs().where(table.root == name, among(table.top))
    rows = (*connection.execute(_pending(name)), *connection.execute(under, listed(tops_of(record))))
    return RootState(record, _with_sources(connection, runs_of(rows)))


def states(connection: sa.Connection, names: Collection[str]) -> Mapping[str, RootState]:
    """Many roots: those of which nothing ever ran in one statement for all."""
    table = schema.roots.c
    rows = connection.execute(sa.select(table.name, table.body).where(among(table.name)), listed(names))
    records = {row.name: codec.decode(RootRecord, row.body) for row in rows}
    busy = sa.select(schema.runs.c.root).distinct().where(among(schema.runs.c.root), schema.runs.c.pending)
    pending = set(connection.execute(busy, listed(names)).scalars())
    found = {}
    for name in names:
        record = records.get(name, RootRecord(name))
        ran = name in pending or tops_of(record)
        found[name] = _state(connection, record) if ran else RootState(record)
    return found


def _pending(name: str) -> sa.Select[tuple[str, str, int]]:
    return select_runs().where(schema.runs.c.root == name, schema.runs.c.pending)


def _with_sources(connection: sa.Connection, found: dict[Key, RunRecord]) -> dict[Key, RunRecord]:
    """`found` after the runs that they were carried from: what is opened next comes at the end."""
    fresh: Collection[RunRecord] = found.values()
    while sources := {run.carried_from for run in fresh if run.carried_from is not None} - found.keys():
        more = runs_of(connection.execute(RUNS_BY_KEY, listed(sources)))
        found = {**more, **found}
        fresh = more.values()
    return found


def roots(connection: sa.Connection) -> Mapping[str, RootRecord]:
    """All roots, by name."""
    statement = sa.select(schema.roots).order_by(schema.roots.c.name)
    records = (codec.decode(RootRecord, row.body) for row in connection.execute(statement))
    return {record.name: record for record in records if not is_blank(record)}


def ask(connection: sa.Connection, questions: Collection[Reusable | Cached | Recorded]) -> Answers:
    """An answer to each of `questions`."""
    found: dict[Question, tuple[RunRecord, ...]] = {}
    by_root: dict[str, list[Reusable]] = {}
    for question in questions:
        match question:
            case Reusable():
                by_root.setdefault(question.root, []).append(question)
            case Cached():
                found[question] = _cached(connection, question)
            case Recorded(keys):
                found[question] = tuple(runs_of(connection.execute(RUNS_BY_KEY, listed(keys))).values())
            case _:
                assert_never(question)
    for name, asked in by_root.items():
        found |= _reusable(connection, name, asked)
    return found


def _cached(connection: sa.Connection, question: Cached) -> tuple[RunRecord, ...]:
    wanted = {"work": question.work}
    newest = tuple(run_of_row(row) for row in connection.execute(_DONE, wanted))
    if newest:
        return newest
    found = runs_of(connection.execute(_UNDER_WAY, wanted))
    return tuple(run for run in found.values() if run.goes_on)[-1:]


# Made once: every node of a DAG asks for them before it starts.
_OF_WORK = select_runs().where(schema.runs.c.work == sa.bindparam("work"))
_DONE = _OF_WORK.where(schema.OWN_SUCCESS).order_by(schema.runs.c.opened.desc()).limit(1)
_UNDER_WAY = _OF_WORK.where(schema.runs.c.pending, schema.runs.c.own)


def _reusable(
    connection: sa.Connection, name: str, questions: Collection[Reusable]
) -> dict[Question, tuple[RunRecord, ...]]:
    table, alive = schema.runs.c, _alive(connection, name)
    found: dict[Question, tuple[RunRecord, ...]] = {}
    for question in questions:
        condition = sa.and_(table.root == name, table.digest == question.digest, schema.OWN_SUCCESS)
        newest = select_runs().where(condition).order_by(table.opened.desc()).limit(1)
        done = tuple(run_of_row(row) for row in connection.execute(newest))
        found[question] = done or alive.get(question.digest, ())
    return found


def _alive(connection: sa.Connection, name: str) -> dict[str, tuple[RunRecord, ...]]:
    own = runs_of(connection.execute(_pending(name).where(schema.runs.c.own)))
    return {run.digest: (run,) for run in own.values() if run.goes_on}


def blob(connection: sa.Connection, digest: str) -> str | None:
    """Stored content."""
    return connection.execute(sa.select(schema.blobs.c.text).where(schema.blobs.c.digest == digest)).scalar()


def claims(connection: sa.Connection) -> Sequence[Claim]:
    """All claims, by key."""
    found = map(claim_of, connection.execute(sa.select(schema.claims.c.body, schema.claims.c.root)))
    return sorted(found, key=lambda claim: claim.key)


def runs(connection: sa.Connection, query: RunQuery) -> Sequence[RunRecord]:
    """Runs that match, newest opened first."""
    statement = select_runs().where(*_conditions(query)).order_by(schema.runs.c.opened.desc())
    keys = listed(key.run for key in query.keys)
    return [run_of_row(row) for row in connection.execute(statement.limit(max(query.limit, 0)), keys)]


def _conditions(query: RunQuery) -> list[sa.ColumnElement[bool]]:
    table = schema.runs.c
    conditions: list[sa.ColumnElement[bool]] = []
    if query.keys:
        conditions.append(among(table.key))
    if query.root:
        conditions.append(table.root == query.root)
    if query.short:
        # `~` sorts after everything that an id is made of: a range that the index serves.
        conditions += [table.short >= query.short, table.short <= query.short + "~"]
    if query.live is not None:
        conditions.append(sa.not_(table.final) if query.live else table.final)
    if query.owed:
        conditions.append(table.owed)
    return conditions


def commit(connection: sa.Connection, ident: str) -> CommitRecord | None:
    """A planned commit."""
    body = _body(connection, schema.commits, ident)
    return codec.decode(CommitRecord, body) if body else None


def open_commits(connection: sa.Connection) -> Sequence[CommitRecord]:
    """Commits that are not closed, oldest planned first."""
    table = schema.commits.c
    statement = sa.select(table.body).where(sa.not_(table.closed)).order_by(table.planned)
    return [codec.decode(CommitRecord, body) for body in connection.execute(statement).scalars()]


def commits(connection: sa.Connection, limit: int) -> Sequence[CommitRecord]:
    """Planned commits, newest first."""
    table = schema.commits.c
    statement = sa.select(table.body).order_by(table.planned.desc()).limit(limit)
    return [codec.decode(CommitRecord, body) for body in connection.execute(statement).scalars()]


def statuses(connection: sa.Connection, ident: str) -> Sequence[StatusRecord]:
    """Statuses of a commit, by context."""
    table = schema.statuses.c
    statement = sa.select(table.body).where(table.commit == ident).order_by(table.context)
    return [codec.decode(StatusRecord, body) for body in connection.execute(statement).scalars()]


def unposted(connection: sa.Connection, limit: int) -> Sequence[StatusRecord]:
    """Statuses that were not posted, oldest said first."""
    table = schema.statuses.c
    statement = sa.select(table.body).where(sa.not_(table.posted)).order_by(table.said).limit(max(limit, 0))
    return [codec.decode(StatusRecord, body) for body in connection.execute(statement).scalars()]


def project(connection: sa.Connection) -> ProjectRecord:
    """The project's record."""
    return codec.decode(ProjectRecord, connection.execute(sa.select(schema.project.c.body)).scalar_one())


def answer(connection: sa.Connection, ident: str) -> Answered | None:
    """What came of a command."""
    body = _body(connection, schema.answers, ident)
    return codec.decode(Answered, body) if body else None


def event(connection: sa.Connection, ident: str) -> OutsideEvent | None:
    """An event that was received."""
    body = _body(connection, schema.events, ident)
    return codec.decode(OutsideEvent, body) if body else None


def notice(connection: sa.Connection, ident: str) -> Notice | None:
    """A notice, sent or not."""
    body = _body(connection, schema.notices, ident)
    return codec.decode(Notice, body) if body else None


def unsent(connection: sa.Connection, limit: int) -> Sequence[Notice]:
    """Of each connection the oldest notices that were not sent."""
    table = schema.notices.c
    waiting = sa.select(table.connection).where(sa.not_(table.sent)).distinct().order_by(table.connection)
    found: list[Notice] = []
    for name in connection.execute(waiting).scalars().all():
        oldest = sa.select(table.body).where(sa.not_(table.sent), table.connection == name)
        bodies = connection.execute(oldest.order_by(table.noticed).limit(max(limit, 0))).scalars()
        found.extend(codec.decode(Notice, body) for body in bodies)
    return found


def pulls(connection: sa.Connection) -> Mapping[str, PullRecord]:
    """What was said on pull requests."""
    statement = sa.select(schema.pulls.c.body).order_by(schema.pulls.c.number)
    found = (codec.decode(PullRecord, body) for body in connection.execute(statement).scalars())
    return {pull.number: pull for pull in found}


def pins(connection: sa.Connection) -> Mapping[str, Pinned]:
    """What references out of the repository are pinned to."""
    statement = sa.select(schema.pins.c.body).order_by(schema.pins.c.ref)
    found = (codec.decode(Pinned, body) for body in connection.execute(statement).scalars())
    return {pin.ref: pin for pin in found}


def facts(connection: sa.Connection, name: str | None, after: int, limit: int) -> Sequence[tuple[int, Fact]]:
    """A page of history."""
    table = schema.facts.c
    statement = sa.select(table.seq, table.body).where(table.seq > after).order_by(table.seq).limit(max(limit, 0))
    if name is not None:
        statement = statement.where(table.root == name)
    return [(row.seq, codec.decode_fact(row.body)) for row in connection.execute(statement)]


def _body(connection: sa.Connection, table: sa.Table, name: str) -> str | None:
    (primary,) = table.primary_key.columns
    return connection.execute(sa.select(table.c.body).where(primary == name)).scalar()
