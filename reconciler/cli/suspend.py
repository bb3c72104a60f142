"""`plumbline suspend`: nothing new starts for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import session_of
from reconciler.cli.spans import seconds

__all__ = ["run"]


def run(
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its name; the whole project when left out.")] = "",
    *,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="How long: 30m, 2h, 1d12h or PT2H; for good without.")
    ] = None,
) -> None:
    """Start nothing new, of one operation or of the project.

    What runs goes on. Ticks that come due meanwhile do not count as missed.
    """
    args: dict[str, object] = {}
    if duration is not None:
        length = seconds(duration)
        if length is None:
            raise Failure(Code.INPUT, f"`{duration}` is no span of time: write 30m, 2h, 1d12h or PT2H")
        args["for"] = length
    ask(session_of(ctx), "suspend", operation, args)
