"""`plumbline move-ledger`: bring the ledger from the state folder into the database that the configuration names."""

from __future__ import annotations

import anyio
import typer

from reconciler.cli import show
from reconciler.cli.configured import configured
from reconciler.cli.session import session_of
from reconciler.ledger_moving import move_ledger

__all__ = ["run"]


def run(ctx: typer.Context) -> None:
    """Bring the ledger from the state folder into the database of `ledger.url`.

    The daemon must have ended. The file stays, under another name; a move that was cut off is done again.
    """
    session = session_of(ctx)
    settings, _ = configured(session, "move-ledger")
    moved = anyio.run(move_ledger, settings)
    copied = moved.copied
    if session.json:
        found = {"ledger": copied.ident, "project": copied.project, "rows": copied.rows, "kept": str(moved.kept)}
        show.value(found)
        return
    facts, runs = copied.rows["facts"], copied.rows["runs"]
    there = "was there already, and is" if copied.before else "is"
    show.line(f"the ledger of {copied.project} ({facts} facts, {runs} runs) {there} in the database of ledger.url")
    show.line(f"the file is kept as {moved.kept}")
