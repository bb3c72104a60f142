"""Rows of the ledger's tables: records to columns and back, inside a transaction that the caller holds.

This module must never begin or end a transaction, and never decide what a record says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from planner.fold import run_of
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.facts import Fact
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.records import Claim, RootRecord, RunRecord
from reconciler import codec
from reconciler.ledger import schema
from reconciler.ledger.batch import Batch, Touched, is_pending, root_of
from reconciler.ledger.dialects import Inserting, among, inserting, listed

__all__ = [
    "RUNS_BY_KEY",
    "append",
    "claim_of",
    "keep",
    "load",
    "run_of_row",
    "runs_of",
    "select_runs",
    "sequence",
    "store",
]


def select_runs() -> sa.Select[tuple[str, str, int]]:
    """What `run_of_row` reads."""
    return sa.select(schema.runs.c.body, schema.runs.c.root, schema.runs.c.opened)


def run_of_row(row: Any) -> RunRecord:
    """The run of a row of `select_runs`. Its root is the column's: a rename moves thousands in one statement."""
    run = codec.decode(RunRecord, row.body)
    return run if run.root == row.root else replace(run, root=row.root)


def runs_of(rows: Iterable[Any]) -> dict[Key, RunRecord]:
    """All runs of rows of `select_runs`, once each, in order of opening."""
    found = {row.opened: row for row in rows}
    return {run.key: run for run in (run_of_row(found[opened]) for opened in sorted(found))}


def claim_of(row: Any) -> Claim:
    """The claim of a row with `body` and `root`; the column decides as for runs."""
    claim = codec.decode(Claim, row.body)
    return claim if claim.root == row.root else replace(claim, root=row.root)


@dataclass(frozen=True, slots=True)
class Before:
    """The records as they were read, to tell which ones changed."""

    project: ProjectRecord
    roots: Mapping[str, RootRecord]
    runs: Mapping[Key, RunRecord]
    commits: Mapping[str, CommitRecord]
    statuses: Mapping[tuple[str, str], StatusRecord]


def sequence(connection: sa.Connection) -> int:
    """The sequence of the newest fact."""
    found: int = connection.execute(_SEQUENCE).scalar_one()
    return found


def load(connection: sa.Connection, touched: Touched, known: tuple[int, ProjectRecord] | None) -> tuple[Batch, Before]:
    """A batch with everything that folding reads; `known` are the sequence and the project, where no other writes."""
    if known is None:
        body = connection.execute(_PROJECT).scalar_one()
        known = (sequence(connection), codec.decode(ProjectRecord, body))
    batch = Batch(*known)
    if touched.runs:
        for row in connection.execute(RUNS_BY_KEY, listed(touched.runs)):
            run = run_of_row(row)
            batch.runs[run.key] = run
            batch.opened[run.key] = row.opened
    names = touched.roots | {run.root for run in batch.runs.values()}
    if names:
        for row in connection.execute(_ROOTS, listed(names)):
            batch.roots[row.name] = codec.decode(RootRecord, row.body)
    if touched.commits or touched.statuses:
        _load_commits(connection, touched, batch)
    before = Before(batch.project, dict(batch.roots), dict(batch.runs), dict(batch.commits), dict(batch.statuses))
    return batch, before


def _load_commits(connection: sa.Connection, touched: Touched, batch: Batch) -> None:
    for row in connection.execute(_COMMITS, listed(touched.commits)):
        batch.commits[row.ident] = codec.decode(CommitRecord, row.body)
        batch.planned[row.ident] = row.planned
    for row in connection.execute(_STATUSES, {"names": sorted(touched.statuses)}):
        status = codec.decode(StatusRecord, row.body)
        batch.statuses[status.commit, status.context] = status
        batch.said[status.commit, status.context] = row.said


def append(connection: sa.Connection, sequence: int, facts: Sequence[tuple[Fact, str]]) -> None:
    """Append `facts` with their text after `sequence`."""
    if facts:
        rows = [_fact_row(number, fact, text) for number, (fact, text) in enumerate(facts, sequence + 1)]
        connection.execute(_APPEND, rows)
        connection.execute(_COUNT, {"newest": sequence + len(facts)})


def store(connection: sa.Connection, batch: Batch, before: Before, short_of: Callable[[Key], str]) -> None:
    """Write what `batch` has and `before` had not. `short_of` makes the short id of a key."""
    for old, new in batch.renamed:
        for table in (schema.runs, schema.claims):
            connection.execute(sa.update(table).where(table.c.root == old).values(root=new))
    if batch.project != before.project:
        connection.execute(sa.update(schema.project).values(body=codec.encode(batch.project)))
    if batch.project.suspended != before.project.suspended:
        connection.execute(sa.update(schema.roots).values(_AWAKE))
    _store_roots(connection, batch, before)
    runs = [run for key, run in batch.runs.items() if run is not before.runs.get(key)]
    _upsert(connection, schema.runs, [_run_row(run, batch.opened[run.key], short_of(run.key)) for run in runs])
    _store_claims(connection, batch)
    commits = [commit for ident, commit in batch.commits.items() if commit is not before.commits.get(ident)]
    _upsert(connection, schema.commits, [_commit_row(commit, batch.planned[commit.ident]) for commit in commits])
    statuses = [(name, status) for name, status in batch.statuses.items() if status is not before.statuses.get(name)]
    _upsert(connection, schema.statuses, [_status_row(status, batch.said[name]) for name, status in statuses])
    answers = [{"ident": ident, "body": codec.encode(answered)} for ident, answered in batch.answers.items()]
    _upsert(connection, schema.answers, answers)
    _store_pins(connection, batch)
    _store_pulls(connection, batch)
    events = [{"ident": ident, "body": codec.encode(event)} for ident, event in batch.events.items()]
    _upsert(connection, schema.events, events)
    _store_notices(connection, batch)


def keep(connection: sa.Connection, blobs: Mapping[str, str]) -> None:
    """Keep content by its digest; what is there already is the same."""
    if blobs:
        connection.execute(_KEEP.on(connection), [{"digest": digest, "text": text} for digest, text in blobs.items()])


def _store_roots(connection: sa.Connection, batch: Batch, before: Before) -> None:
    changed = {name: root for name, root in batch.roots.items() if root is not before.roots.get(name)}
    # A root of which nothing is known (a name that was mistyped once) leaves no row behind.
    gone = [name for name, root in changed.items() if root == RootRecord(name)]
    if gone:
        connection.execute(_DROP_ROOTS, listed(gone))
    _upsert(connection, schema.roots, [_root_row(changed[name]) for name in changed.keys() - set(gone)])


def _store_claims(connection: sa.Connection, batch: Batch) -> None:
    gone = [key for key, claim in batch.claims.items() if claim is None]
    if gone:
        connection.execute(_DROP_CLAIMS, listed(gone))
    kept = [claim for claim in batch.claims.values() if claim is not None]
    _upsert(connection, schema.claims, [_claim_row(claim) for claim in kept])


def _store_notices(connection: sa.Connection, batch: Batch) -> None:
    if batch.notices:
        rows = [_notice_row(notice, batch.noticed[ident]) for ident, notice in batch.notices.items()]
        connection.execute(_OWE.on(connection), rows)
    if batch.delivered:
        connection.execute(_SEND_NOTICES, listed(batch.delivered))


def _notice_row(notice: Notice, noticed: int) -> dict[str, object]:
    return {
        "ident": notice.ident,
        "connection": notice.connection,
        "noticed": noticed,
        "sent": False,
        "body": codec.encode(notice),
    }


def _store_pins(connection: sa.Connection, batch: Batch) -> None:
    gone = [ref for ref, pin in batch.pins.items() if pin is None]
    if gone:
        connection.execute(_DROP_PINS, listed(gone))
    kept = [{"ref": ref, "body": codec.encode(pin)} for ref, pin in batch.pins.items() if pin is not None]
    _upsert(connection, schema.pins, kept)


def _store_pulls(connection: sa.Connection, batch: Batch) -> None:
    gone = [number for number, pull in batch.pulls.items() if pull is None]
    if gone:
        connection.execute(_DROP_PULLS, listed(gone))
    if batch.left:
        connection.execute(_DROP_STATUSES, {"names": sorted(batch.left)})
    kept = [{"number": name, "body": codec.encode(pull)} for name, pull in batch.pulls.items() if pull is not None]
    _upsert(connection, schema.pulls, kept)


def _upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(_UPSERTS[table.name].on(connection), rows)


def _upsert_of(table: sa.Table) -> Inserting:
    def overwrite(statement: Any) -> Any:
        others = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=others)

    return inserting(table, overwrite)


# Statements are made once: making one takes longer than a database takes to execute it.
_APPEND = sa.insert(schema.facts)
_COUNT = sa.update(schema.meta).values(sequence=sa.bindparam("newest"))
_KEEP = inserting(schema.blobs, lambda statement: statement.on_conflict_do_nothing())
_OWE = inserting(schema.notices, lambda statement: statement.on_conflict_do_nothing())
_UPSERTS = {table.name: _upsert_of(table) for table in schema.metadata.sorted_tables}
_AWAKE = MappingProxyType({"edition": None, "due": None})
"""What is said of the rest of a root whose record changes."""
_SEQUENCE = sa.select(schema.meta.c.sequence).where(schema.meta.c.id == 1)
_PROJECT = sa.select(schema.project.c.body)
RUNS_BY_KEY = select_runs().where(among(schema.runs.c.key))
"""The runs whose keys are `listed`."""
_ROOTS = sa.select(schema.roots).where(among(schema.roots.c.name))
_COMMITS = sa.select(schema.commits).where(among(schema.commits.c.ident))
_STATUSES = sa.select(schema.statuses).where(
    sa.tuple_(schema.statuses.c.commit, schema.statuses.c.context).in_(sa.bindparam("names", expanding=True))
)
_DROP_ROOTS = sa.delete(schema.roots).where(among(schema.roots.c.name))
_SEND_NOTICES = sa.update(schema.notices).where(among(schema.notices.c.ident)).values(sent=True)
_DROP_PINS = sa.delete(schema.pins).where(among(schema.pins.c.ref))
_DROP_PULLS = sa.delete(schema.pulls).where(among(schema.pulls.c.number))
_DROP_STATUSES = sa.delete(schema.statuses).where(
    sa.tuple_(schema.statuses.c.commit, schema.statuses.c.context).in_(sa.bindparam("names", expanding=True))
)
_DROP_CLAIMS = sa.delete(schema.claims).where(among(schema.claims.c.key))


def _fact_row(number: int, fact: Fact, text: str) -> dict[str, object]:
    run = run_of(fact)
    return {
        "seq": number,
        "at": codec.encode(fact.at).strip('"'),
        "root": root_of(fact),
        "type": type(fact).__name__,
        "run": str(run) if run else None,
        "body": text,
    }


def _root_row(record: RootRecord) -> dict[str, object]:
    return {"name": record.name, "body": codec.encode(record), "listens": bool(record.listens), **_AWAKE}


def _run_row(run: RunRecord, opened: int, short: str) -> dict[str, object]:
    return {
        "key": str(run.key),
        "root": run.root,
        "top": str(run.key.top),
        "short": short,
        "kind": run.kind,
        "status": run.status.value,
        "final": run.status.final,
        "pending": is_pending(run),
        "digest": run.digest,
        "work": run.work or run.digest,
        "own": run.own,
        "owed": run.copy is not None and run.copy.owed,
        "opened": opened,
        "opened_at": codec.encode(run.opened_at).strip('"'),
        "finished_at": codec.encode(run.finished_at).strip('"') if run.finished_at else None,
        "body": codec.encode(run),
    }


def _claim_row(claim: Claim) -> dict[str, object]:
    return {"key": str(claim.key), "root": claim.root, "queue": claim.queue, "body": codec.encode(claim)}


def _commit_row(commit: CommitRecord, planned: int) -> dict[str, object]:
    return {"ident": commit.ident, "planned": planned, "closed": commit.closed, "body": codec.encode(commit)}


def _status_row(status: StatusRecord, said: int) -> dict[str, object]:
    return {
        "commit": status.commit,
        "context": status.context,
        "root": status.root,
        "final": status.state.final,
        "posted": status.posted,
        "said": said,
        "body": codec.encode(status),
    }
