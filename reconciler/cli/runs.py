"""`plumbline runs`: runs as a list."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(  # noqa: PLR0913  one parameter an option, as typer wants it
    ctx: typer.Context,
    *,
    root: Annotated[str | None, typer.Option("--root", help="Only of this operation.")] = None,
    live: Annotated[bool | None, typer.Option("--live/--final", help="Only those that are not over, or are.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Only those that it finds, such as `status: failed`.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Fields to order by, `-` for descending, such as `-metrics.loss`.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, max=1_000_000, help="Leave out so many of the first.")] = 0,
) -> None:
    """List runs, newest first."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get(
            "/v1/runs", root=root, live=live, query=query, sort=sort, limit=limit, offset=offset or None
        )
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
