"""`plumbline diff`: what differs between two runs."""

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
    before: Annotated[str, typer.Argument(help="A run, such as train@g1, r-7f3k2m4q or train@last-failed.")],
    after: Annotated[str, typer.Argument(help="The other run.")],
) -> None:
    """Show what differs between two runs.

    Field by field: params, command, environment, resources, code, outputs, and how they ended. Secrets are not shown.
    """
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/diff", before=before, after=after)
    if session.json:
        show.value(answer)
        return
    show.line(f"{_head(answer['before'])} -> {_head(answer['after'])}")
    for change in answer["changes"]:
        at = change["pointer"].removeprefix("/").replace("~1", "/").replace("~0", "~")
        show.line(f"  {show.change(at, change)}")
    if not answer["changes"]:
        show.line("  nothing differs")


def _head(told: Mapping[str, Any]) -> str:
    return f"{told['key']} ({told['status']})"
