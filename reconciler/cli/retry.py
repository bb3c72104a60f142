"""`plumbline retry`: a new round of what did not succeed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from reconciler.cli.asking import ask
from reconciler.cli.session import session_of

__all__ = ["Spec", "run"]


class Spec(StrEnum):
    """By which spec a run is retried."""

    THEN = "then"
    NOW = "now"


def run(  # noqa: PLR0913 -- one parameter an option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN_OR_OPERATION", help="An operation, run key or id.")],
    *,
    everything: Annotated[
        bool, typer.Option("--all/--from-failed", help="Also what succeeded; or only what did not, the default.")
    ] = False,
    node: Annotated[str | None, typer.Option("--node", help="Only this node of the DAG, and what is below it.")] = None,
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--copy", help="Go on in the artifacts folder of the round before; or in a copy of it."),
    ] = None,
    spec: Annotated[
        Spec | None, typer.Option("--spec", help="The spec that the run had (the default), or the one in force now.")
    ] = None,
) -> None:
    """Start what failed or was stopped once more."""
    args: dict[str, object] = {"mode": "all"} if everything else {}
    args |= {name: str(value) for name, value in {"node": node, "spec": spec}.items() if value is not None}
    if resume is not None:
        args["resume" if resume else "copy"] = True
    ask(session_of(ctx), "retry", name, args)
