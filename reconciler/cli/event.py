"""`plumbline event`: events that somebody sends, and tokens to send them with."""

from __future__ import annotations

import hashlib
import json
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.keys import SEGMENT
from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import session_of

__all__ = ["run"]


class Scope(StrEnum):
    """What a token may do."""

    EVENTS = "events"
    READ = "read"


class What(StrEnum):
    """What to do."""

    SEND = "send"
    TOKEN = "token"  # noqa: S105 -- a word to type, no secret


def run(  # noqa: PLR0913 -- options of a command
    ctx: typer.Context,
    what: Annotated[What, typer.Argument(help="`send` an event, or make a `token` to send events with over TCP.")],
    name: Annotated[str, typer.Argument(help="Kind of the event, such as alert_warning; or whose token it is.")],
    *,
    ref: Annotated[str | None, typer.Option("--ref", help="Where it comes from; `project` when left out.")] = None,
    ident: Annotated[str | None, typer.Option("--id", help="Its id: what is sent twice with it counts once.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE", help="What `globals.event.data` of its runs is.")
    ] = None,
    scope: Annotated[
        Scope | None, typer.Option(help="What a token may do: send `events`, or `read` the pages.")
    ] = None,
) -> None:
    """Start what listens to an event.

    `plumbline event token NAME` prints a token, and what daemon.yaml must have of it; it asks no daemon.
    """
    if what is What.TOKEN:
        _token(ctx, name, scope or Scope.EVENTS, given=any(option is not None for option in (ref, ident, data)))
        return
    if scope is not None:
        raise Failure(Code.INPUT, "--scope is of a token; an event has none")
    session = session_of(ctx)
    event = {"kind": name, "ref": ref, "id": ident, "data": _data(data) if data is not None else None}
    with connect(session) as daemon:
        answer = daemon.post(
            "/v1/events", json.dumps({key: value for key, value in event.items() if value is not None})
        )
    if session.json:
        show.value(answer)
    elif answer["state"] == "seen before":
        show.line(f"{answer['id']}: seen before, it starts nothing more")
    else:
        words = [f"starts {', '.join(answer['runs'])}"] if answer["runs"] else []
        words += [f"{name} is suspended and passes over it" for name in answer["suspended"]]
        show.line(f"{answer['id']}: {'; '.join(words)}")


def _data(given: str) -> object:
    text = given
    if given.startswith("@"):
        try:
            text = Path(given[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise Failure(Code.INPUT, f"cannot read {given[1:]}: {reason}") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Failure(Code.INPUT, 'what --data gives is not JSON, such as {"severity": "high"}') from None


def _token(ctx: typer.Context, name: str, scope: Scope, *, given: bool) -> None:
    if given:
        raise Failure(Code.INPUT, "a token has a name and a scope, and nothing else")
    if not SEGMENT.fullmatch(name):
        raise Failure(Code.INPUT, f"`{name[:40]}` is no name: use letters, digits, `-` and `_`")
    token = f"plumbline_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(token.encode()).hexdigest()
    if session_of(ctx).json:
        show.value({"name": name, "token": token, "sha256": digest, "scopes": [str(scope)]})
        return
    show.line(f"token, shown this once: {token}")
    show.line("in daemon.yaml:")
    show.line("api:\n  tokens:")
    show.line(f'    - {{name: {name}, sha256: "{digest}", scopes: [{scope}]}}')
