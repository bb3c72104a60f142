"""`plumbline status`: every operation at a glance, or what one commit caused."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session, session_of

__all__ = ["run"]

_LOOK = 0.5
_BAD = frozenset({"failure", "error"})


def run(
    ctx: typer.Context,
    commit: Annotated[str | None, typer.Argument(help="A commit id or its beginning, or a ref of this folder.")] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all that the commit caused is over.")] = False,
) -> None:
    """Show the state of every operation, or what a commit caused.

    With a commit, the exit code is 1 when something that it caused has failed.
    """
    session = session_of(ctx)
    with connect(session) as daemon:
        if commit is None:
            answer = _status(session, daemon)
            show.value(answer) if session.json else _project(answer)
            return
        _commit(session, daemon, commit if re.fullmatch(r"[0-9a-f]{4,64}", commit) else _resolve(commit), wait=wait)


def _status(session: Session, daemon: Daemon) -> Mapping[str, Any]:
    """What the daemon says. Of a replica that stands by, a program is told who leads all the same."""
    try:
        return daemon.get("/v1/status")
    except Failure as failure:
        if session.json and failure.election is not None:
            show.value({"standingBy": True, "election": failure.election})
        raise


def _resolve(ref: str) -> str:
    """A ref of the repository around the current folder."""
    from reconciler.cli.repository import around  # noqa: PLC0415  most calls name an id and need no git

    with around(Path.cwd()) as repository:
        if repository is None:
            raise Failure(Code.INPUT, f"`{ref}` is no commit id, and there is no git repository here to look it up in")
        return repository.resolve(ref)


def _commit(session: Session, daemon: Daemon, commit: str, *, wait: bool) -> None:
    answer = daemon.get(f"/v1/commits/{commit}")
    while wait and not answer["final"]:
        time.sleep(_LOOK)
        answer = daemon.get(f"/v1/commits/{commit}")
    if session.json:
        show.value(answer)
    else:
        show.line(f"{answer['commit'][:10]} {answer['state']}: {answer['description']}")
        _problems(answer)
        rows = [
            [status["operation"], status["state"], status["description"], show.ago(status["at"])]
            for status in answer["statuses"]
            if status["operation"]
        ]
        show.columns(["OPERATION", "STATE", "DESCRIPTION", "SINCE"], rows)
    if any(state in _BAD for state in (answer["state"], *(status["state"] for status in answer["statuses"]))):
        raise typer.Exit(Code.FAILED)


def _project(answer: Mapping[str, Any]) -> None:
    head = answer["head"][:10] or "no commit planned yet"
    show.line(f"project {answer['project']}, instance {answer['instance']}, at {head}")
    _source(answer)
    _election(answer["election"])
    if answer["ledger"]["failing"]:
        show.line(f"! {answer['ledger']['failing']}; until then nothing new is done, and nothing is stopped")
    _problems(answer)
    if answer["suspended"]:
        suspended = answer["suspended"]
        until = f" until {suspended['until']}" if suspended["until"] else ""
        show.line(f"! suspended by {suspended['by']} since {suspended['since']}{until}; plumbline unsuspend")
    for hold in answer["holds"]:
        since = f" since {hold['since']}" if hold["since"] else ""
        show.line(f"! held {hold['hold']}{since}: {hold['reason']}; {hold['release']}")
    if answer["draining"]:
        show.line("! the daemon is ending: nothing new starts")
    for text in answer["warnings"]:
        show.line(f"note: {text}")
    for operation in answer["operations"]:
        for backfill in operation["backfills"]:
            if not backfill["over"]:
                show.line(f"backfill of {operation['operation']}: {backfill['text']}")
    rows = [_row(operation) for operation in answer["operations"]]
    show.columns(["OPERATION", "KIND", "STATE", "LAST RUN", "NEXT", "WHY"], rows)
    if not rows:
        show.line("no operations")


def _source(answer: Mapping[str, Any]) -> None:
    source = answer["source"]
    if answer.get("pages"):
        show.line(f"pages {answer['pages']}")
    seen = f"read {show.ago(source['seenAt'])} ago" if source["seenAt"] else "not read yet"
    heard = f", last webhook {show.ago(source['webhookAt'])} ago" if source.get("webhookAt") else ""
    show.line(f"repository {answer['repository']}, {seen}{heard}")
    if source["failing"]:
        what = "nothing new can be planned" if source["answers"] else "the repository does not answer"
        stays = "; what was planned stays in force" if answer["head"] else ""
        show.line(f"! {what}: {source['failing']}{stays}")


def _election(election: Mapping[str, Any] | None) -> None:
    if election is None:
        return
    since = f" since {election['since']}" if election["since"] else ""
    show.line(f"this replica leads{since}: {election['replica']}, by the lease {election['lease']}")


def _problems(answer: Mapping[str, Any]) -> None:
    count, first = answer["problems"], answer["firstProblem"]
    if count:
        show.line(f"! 1 problem: {first}" if count == 1 else f"! {count} problems; the first: {first}")


def _row(operation: Mapping[str, Any]) -> list[str]:
    last = operation["last"]
    ran = f"{last['id']} {last['status']} {show.took(last)}".rstrip() if last else ""
    next_tick = operation["nextTick"] or ""
    return [operation["operation"], operation["kind"], operation["state"], ran, next_tick, operation["why"]]
