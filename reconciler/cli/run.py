"""`plumbline run`: one more run of an operation, asked for by a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from reconciler.cli import asking, show
from reconciler.cli.client import connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its name.")],
    *,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-P", metavar="NAME=VALUE", help="Another value for an input.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do all of its work, whatever was done before.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is over.")] = False,
) -> None:
    """Run an operation once, now.

    With --wait the exit code is 1 when it has failed.
    """
    session = session_of(ctx)
    params = _params(param or ())
    with connect(session) as daemon:
        args = {**({"params": params} if params else {}), **({"fresh": True} if no_cache else {})}
        answer = daemon.command("run", operation, args)
        started = next((part["run"] for part in answer["answers"] if part.get("run")), None)
        if session.json or started is None:
            asking.tell(session, answer)
        else:
            show.line(f"{started['key']} ({started['id']}); see it with: plumbline logs -f {started['id']}")
        if wait:
            # Its key follows from the command, whether it was answered in time or not.
            key = started["key"] if started else f"{operation}@req-{answer['answers'][0]['id']}"
            asking.until_final(daemon, key)


def _params(given: Iterable[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise Failure(Code.INPUT, f"`{item}` is no param: write -P name=value")
        if name in params:
            raise Failure(Code.INPUT, f"the param `{name}` is given twice")
        params[name] = value
    return params
