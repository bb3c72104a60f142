"""`plumbline open`: where a service answers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from reconciler.cli import show
from reconciler.cli.asking import pointing_at_hold
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN_OR_OPERATION", help="A service, or one of its runs.")],
    *,
    browser: Annotated[bool | None, typer.Option(help="Open a browser; by default on a terminal.")] = None,
) -> None:
    """Print where a service answers, and open it on a terminal."""
    session = session_of(ctx)
    with connect(session) as daemon, pointing_at_hold(daemon, name):
        answer = daemon.get("/v1/open", run=name)
    if session.json:
        show.value(answer)
    else:
        for url in answer["urls"]:
            show.line(url)
    wanted = sys.stdout.isatty() and not session.json if browser is None else browser
    if wanted:
        typer.launch(answer["url"])
