"""`plumbline open`: where a service answers."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.asking import FINAL, pointing_at_hold
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import session_of

__all__ = ["run"]

_LOOK = 0.2
"""Seconds between looks at a service that wakes up."""


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN_OR_OPERATION", help="A service, or one of its runs.")],
    *,
    browser: Annotated[bool | None, typer.Option(help="Open a browser; by default on a terminal.")] = None,
) -> None:
    """Print where a service answers, and open it on a terminal. One that was culled as idle is woken first."""
    session = session_of(ctx)
    with connect(session) as daemon, pointing_at_hold(daemon, name):
        try:
            answer = daemon.get("/v1/open", run=name)
        except Failure as failure:
            if not failure.asleep:
                raise
            answer = _woken(daemon, name)
    if session.json:
        show.value(answer)
    else:
        for url in answer["urls"]:
            show.line(url)
    wanted = sys.stdout.isatty() and not session.json if browser is None else browser
    if wanted:
        typer.launch(answer["url"])


def _woken(daemon: Daemon, name: str) -> dict[str, Any]:
    """Where a service answers that slept, once it does.

    Raises:
        Failure: it ended instead.
    """
    show.warn(f"{name} slept and is woken: {daemon.command('retry', name, {'wake': True})['message']}")
    while True:
        try:
            return daemon.get("/v1/open", run=name)
        except Failure as failure:
            if failure.code is not Code.INPUT or daemon.get("/v1/run", run=name)["status"] in FINAL:
                raise
        time.sleep(_LOOK)
