"""What the commands that act have in common: they ask, say what came of it, and can wait for the end of a run."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session

__all__ = ["FINAL", "GOOD", "ask", "pointing_at_hold", "tell", "until_final"]

FINAL = frozenset({"succeeded", "failed", "upstream_failed", "stopped", "skipped"})
"""Statuses of runs that are over."""
GOOD = frozenset({"succeeded", "skipped"})
"""Those that are no failure."""

_LOOK = 0.5


def ask(session: Session, verb: str, target: str, args: Mapping[str, object] | None = None) -> None:
    """Ask the daemon for something and say what came of it."""
    with connect(session) as daemon, pointing_at_hold(daemon, target):
        tell(session, daemon.command(verb, target, args))


@contextlib.contextmanager
def pointing_at_hold(daemon: Daemon, target: str) -> Iterator[None]:
    """Add to a no about an operation that it is held, if it is: then there is nothing to stop or to open yet.

    Raises:
        Failure: what the block raised, with what releases the hold.
    """
    try:
        yield
    except Failure as failure:
        name = re.split("[@#]", target)[0]
        if failure.code is not Code.INPUT or not name or "plumbline approve" in failure.message:
            raise
        holds = [hold for hold in daemon.get("/v1/status")["holds"] if name in hold["operations"]]
        if not holds:
            raise
        said = f"{failure.message}; {name} is held: {holds[0]['reason']}; {holds[0]['release']}"
        raise Failure(failure.code, said) from None


def tell(session: Session, answer: Mapping[str, Any]) -> None:
    """Say what came of a command."""
    if session.json:
        show.value(answer)
    else:
        show.line(answer["message"])


def until_final(daemon: Daemon, run: str) -> None:
    """Wait until `run` is over; its changes go to standard error.

    Raises:
        typer.Exit: with code 1, when it did not succeed.
    """
    said = ""
    while True:
        found = daemon.get("/v1/run", run=run)
        words = _words(found)
        if words != said:
            show.warn(words)
            said = words
        if found["status"] in FINAL:
            if found["status"] not in GOOD:
                raise typer.Exit(Code.FAILED)
            return
        time.sleep(_LOOK)


def _words(run: Mapping[str, Any]) -> str:
    reason = f": {run['reason']}" if run.get("reason") else ""
    waits = "".join(f"; {wait['text']}" for wait in run.get("waits", ())[:1]) if run["status"] not in FINAL else ""
    return f"{run['key']} {run['status']}{reason}{waits}"
