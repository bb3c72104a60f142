"""`plumbline unsuspend`: the end of a suspension."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its name; the whole project when left out.")] = "",
) -> None:
    """Let an operation, or the project, go on."""
    ask(session_of(ctx), "unsuspend", operation)
