"""`plumbline open`: where a service answers. One that does so nowhere by itself answers here while the command runs."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer

from reconciler.cli import show
from reconciler.cli.asking import FINAL, pointing_at_hold
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session, session_of

__all__ = ["run"]

_LOOK = 0.2
"""Seconds between looks at a service that wakes up."""


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN_OR_OPERATION", help="A service, or one of its runs.")],
    *,
    browser: Annotated[bool | None, typer.Option(help="Open a browser; by default on a terminal.")] = None,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65_535, help="Port of this machine for a service on a cluster."),
    ] = 0,
    page: Annotated[bool, typer.Option("--page", help="The page of an operation, a run or a commit instead.")] = False,
) -> None:
    """Print where a service answers, and open it on a terminal. One that was culled as idle is woken first.

    A service on a cluster without a way in from outside is forwarded to ports of this machine until Ctrl-C.
    """
    session = session_of(ctx)
    wanted = sys.stdout.isatty() and not session.json if browser is None else browser
    with connect(session) as daemon, pointing_at_hold(daemon, name):
        if page:
            url = _page(daemon, name)
            _tell(session, {"url": url, "urls": [url]}, browser=wanted)
            return
        try:
            answer = daemon.get("/v1/open", run=name)
        except Failure as failure:
            if not failure.asleep:
                raise
            answer = _woken(daemon, name)
        if not answer["forward"]:
            _tell(session, answer, browser=wanted)
            return
        from reconciler.cli.forwarding import HOST, Way, forward  # noqa: PLC0415  slow to load, for clusters only

        def opened(ports: Sequence[int]) -> None:
            urls = [f"http://{HOST}:{number}/" for number in ports]
            _tell(session, {**answer, "url": urls[0], "urls": urls}, browser=wanted)
            show.warn(f"{answer['run']} is forwarded until Ctrl-C")

        forward(Way(daemon.socket, name, answer["ports"], port), opened)


def _page(daemon: Daemon, name: str) -> str:
    """The address of a page, of something that is there.

    Raises:
        Failure: it is not, or there are no pages.
    """
    status = daemon.get("/v1/status")
    pages = status["pages"]
    if not pages:
        raise Failure(Code.INPUT, "the daemon has no pages: set pages.listen in its configuration (docs/pages.md)")
    if any(one["operation"] == name for one in status["operations"]):
        return f"{pages}/operations/{quote(name, safe='')}"
    if re.fullmatch(r"[0-9a-f]{4,64}", name):
        return f"{pages}/commits/{daemon.get(f'/v1/commits/{name}')['commit']}"
    return f"{pages}/runs/{daemon.get('/v1/run', run=name)['id']}"


def _tell(session: Session, answer: dict[str, Any], *, browser: bool) -> None:
    if session.json:
        show.value(answer)
    else:
        for url in answer["urls"]:
            show.line(url)
    if browser:
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
