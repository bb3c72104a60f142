"""`plumbline runs`: runs as a list."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    *,
    root: Annotated[str | None, typer.Option("--root", help="Only of this operation.")] = None,
    live: Annotated[bool | None, typer.Option("--live/--final", help="Only those that are not over, or are.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 20,
) -> None:
    """List runs, newest first."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/runs", root=root, live=live, limit=limit)
    if session.json:
        show.value(answer)
        return
    rows = [
        [found["id"], found["key"], found["status"], show.ago(found["openedAt"]), show.took(found), found["reason"]]
        for found in answer["runs"]
    ]
    show.columns(["ID", "RUN", "STATUS", "OPENED", "TOOK", "REASON"], rows)
    if not rows:
        show.line("no runs")
