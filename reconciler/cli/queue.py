"""`plumbline queue`: what queues may hold, who holds it, and who waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]

_SHOWN = 20


def run(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of one queue; all of them when left out.")] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who waits, not the first 20 only.")] = False,
) -> None:
    """Show queues: what they may hold, who holds it, and who waits."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/queues", queue=name)
    if session.json:
        show.value(answer)
        return
    if name is None:
        _table(answer["queues"])
    else:
        _one(answer, everybody=everybody)


def _table(queues: list[Mapping[str, Any]]) -> None:
    rows = [
        [queue["queue"], str(queue["priority"]), _runs(queue), _resources(queue), str(queue["waitingCount"])]
        for queue in queues
    ]
    show.columns(["QUEUE", "PRIORITY", "RUNS", "RESOURCES", "WAITING"], rows)


def _runs(queue: Mapping[str, Any]) -> str:
    used, limit = queue["runs"]["used"], queue["runs"]["limit"]
    return f"{used}" if limit is None else f"{used} of {limit}"


def _resources(queue: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {one['used']} of {one['limit']}" for name, one in queue["resources"].items())


def _one(queue: Mapping[str, Any], *, everybody: bool) -> None:
    resources = f"; {_resources(queue)}" if queue["resources"] else ""
    show.line(f"queue {queue['queue']}: {_runs(queue)} runs{resources}; priority {queue['priority']}")
    if queue["held"]:
        rows = [[f"{held['run']}#{held['attempt']}", held["operation"], _amounts(held)] for held in queue["held"]]
        show.columns(["RUNS", "OPERATION", "HOLDS"], rows)
    shown = queue["waiting"] if everybody else queue["waiting"][:_SHOWN]
    rows = [[str(one["position"]), one["run"], show.ago(one["since"]), one["reason"]] for one in shown]
    show.columns(["", "WAITS", "SINCE", "FOR"], rows)
    if len(shown) < queue["waitingCount"]:
        show.line(f"and {queue['waitingCount'] - len(shown)} more; --all shows them")
    if not rows:
        show.line("nothing waits")


def _amounts(held: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {amount}" for name, amount in held["amounts"].items())
