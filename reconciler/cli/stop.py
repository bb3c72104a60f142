"""`plumbline stop`: end what runs, and keep it down."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="RUN_OR_OPERATION", help="An operation, run key or id, or a backfill.")
    ],
) -> None:
    """Stop a run, a backfill, or everything of an operation.

    A service stays down until `retry`, `run` or a change of its spec.
    """
    ask(session_of(ctx), "stop", name)
