"""`plumbline logs`: captured output of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import show
from reconciler.cli.asking import FINAL, GOOD
from reconciler.cli.client import connect
from reconciler.cli.failure import Code
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN", help="An operation, run key, id, OP@last, OP@last-failed; #N.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run is over.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=0, max=1_000_000, help="Last lines only.")] = None,
) -> None:
    """Print what a run wrote; all nodes of a DAG.

    Of a run with several attempts the newest, unless one is named, as in `train@last#1`. With --follow the exit code
    is 1 when the run has failed.
    """
    with connect(session_of(ctx)) as daemon:
        if follow:
            # What is followed is settled now: `train@last` may mean another run by the end.
            key, _, attempt = name.partition("#")
            key = str(daemon.get("/v1/run", run=key)["key"])
            name = f"{key}#{attempt}" if attempt else key
        for chunk in daemon.stream("/v1/logs", run=name, follow=follow, tail=tail):
            typer.echo(chunk, nl=False)
        if not follow:
            return
        found = daemon.get("/v1/run", run=key)
        reason = f": {found['reason']}" if found["reason"] else ""
        show.warn(f"{found['key']} {found['status']}{reason}")
        if found["status"] in FINAL - GOOD:
            raise typer.Exit(Code.FAILED)
