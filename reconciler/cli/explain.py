"""`plumbline explain`: why an operation will or will not run, or why a run is as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="An operation, or a run such as train@g1 or r-7f3k2m4q.")],
    *,
    digest: Annotated[
        bool, typer.Option("--digest", help="Also which fields moved since the last generation.")
    ] = False,
) -> None:
    """Say why an operation will or will not run, or why a run is as it is."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/explain", operation=operation, digest=digest)
    if session.json:
        show.value(answer)
        return
    kind = f" ({answer['kind']})" if answer["kind"] else ""
    show.line(f"{operation}{kind} is {answer['state']}")
    for reason in answer["reasons"]:
        show.line(f"  {reason}")
    if len(answer["nextTicks"]) > 1:
        show.line(f"  next ticks: {', '.join(answer['nextTicks'])}")
    if digest:
        _digest(answer["digest"])


def _digest(digest: Mapping[str, Any]) -> None:
    if not digest["known"]:
        show.line("fields: there is no earlier generation to compare with")
        return
    show.line(f"fields that moved, {digest['compared']}:")
    for change in digest["changes"]:
        show.line(f"  {show.change(change['pointer'], change)}")
    if not digest["changes"]:
        show.line("  none")
