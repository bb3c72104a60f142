"""`plumbline adopt`: what another ledger left on the cluster, and its removal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code
from reconciler.cli.session import session_of

__all__ = ["run"]

_SHOWN = 20
_LOOK = 0.5
"""Seconds between looks at what is still there."""


def run(
    ctx: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="End and remove all of it, and wait until it is gone.")] = False,
) -> None:
    """Show what another ledger left on the cluster, or end and remove it.

    Without --yes nothing is done. Exit code 1 when something is there.
    """
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.post("/v1/adopt", "") if yes else daemon.get("/v1/adopt")
        if yes:
            _wait(daemon, answer)
    if session.json:
        show.value(answer)
    else:
        _tell(answer, removed=yes)
    if answer["left"] and not yes:
        raise typer.Exit(Code.FAILED)


def _tell(answer: Mapping[str, Any], *, removed: bool) -> None:
    left: list[dict[str, str]] = answer["left"]
    if not left:
        show.line("no other ledger left anything")
        return
    rows = [[one["attempt"] or "?", one["state"], one["object"], one["ledger"][:12] or "?"] for one in left[:_SHOWN]]
    show.columns(["ATTEMPT", "STATE", "OBJECT", "LEDGER"], rows)
    if len(left) > _SHOWN:
        show.line(f"and {len(left) - _SHOWN} more; -o json lists them")
    if removed:
        show.line(f"all {len(left)} were ended and are gone")
        return
    counts = Counter(one["state"] for one in left)
    words = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    show.line(f"{words}; plumbline adopt --yes ends and removes all of it, with its logs")
    show.line("make sure first that no other daemon has this instance and project: it would be its runs")


def _wait(daemon: Daemon, answer: Mapping[str, Any]) -> None:
    """Return when nothing of what was there is there any more; what came since is left alone."""
    wanted = {one["object"] for one in answer["left"]}
    said = 0
    while wanted:
        there = {one["object"] for one in daemon.get("/v1/adopt")["left"]} & wanted
        if not there:
            return
        if len(there) != said:
            show.warn(f"{len(there)} still end")
            said = len(there)
        time.sleep(_LOOK)
