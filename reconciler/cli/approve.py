"""`plumbline approve`: a person agrees with what is held."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    hold: Annotated[str, typer.Argument(help="As shown by status and plan, such as h-1a2b3c4d.")],
    *,
    baseline: Annotated[bool, typer.Option("--baseline", help="Count it as done instead of doing it.")] = False,
) -> None:
    """Release a hold.

    It covers exactly the actions that were shown; when they change, they are held anew.
    """
    ask(session_of(ctx), "approve", hold, {"baseline": True} if baseline else {})
