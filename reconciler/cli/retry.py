"""`plumbline retry`: a new round of what did not succeed."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN_OR_OPERATION", help="An operation, run key or id.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what succeeded.")] = False,
    node: Annotated[str | None, typer.Option("--node", help="Only this node of the DAG, and what is below it.")] = None,
) -> None:
    """Start what failed or was stopped once more."""
    args: dict[str, object] = {"mode": "all"} if everything else {}
    if node is not None:
        args["node"] = node
    ask(session_of(ctx), "retry", name, args)
