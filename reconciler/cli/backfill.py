"""`plumbline backfill`: run an operation for ticks that its schedule has behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from planner.model.backfill import MOST_AT_ONCE
from reconciler.cli import asking, show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(  # noqa: PLR0913  one parameter an option, as typer wants it
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its name.")],
    *,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="The first instant that may be a tick.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The instant before which all of them are.")],
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=MOST_AT_ONCE, help="Runs of it that may be open at once.")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the ticks, and run nothing.")] = False,
) -> None:
    """Run an operation for every tick of its schedule in a stretch of the past that has no run.

    Times are in ISO 8601; without an offset they are those of the schedule's time zone, and a date is its midnight. The
    oldest tick starts first. Asking again runs nothing twice. `status` shows how far it is, `stop` ends it.
    """
    session = session_of(ctx)
    if not dry_run:
        asking.ask(session, "backfill", operation, {"from": begin, "to": end, "concurrency": concurrency})
        return
    with connect(session) as daemon:
        answer = daemon.get("/v1/backfill", operation=operation, **{"from": begin, "to": end})
    if session.json:
        show.value(answer)
    else:
        _tell(answer)


def _tell(answer: Mapping[str, Any]) -> None:
    for tick in answer["ticks"]:
        ran = f"   {tick['run']} {tick['status']}" if tick["run"] else ""
        show.line(f"{tick['at']}   {tick['local']}{ran}")
    for remark in answer["remarks"]:
        show.warn(remark)
    show.line(f"{answer['starts']} of {answer['total']} ticks would run ({answer['timezone']})")
