"""`plumbline gc`: remove what is beyond what retention keeps, or say what would go."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import session_of

__all__ = ["run"]

_SHOWN = 20
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))

_WORDS = {
    "commits": "commits with what they said",
    "content": "compiled operations and other content that nothing names",
    "events": "events that were received",
    "notices": "notices that were sent, of runs that went",
    "answers": "answers to commands",
    "facts": "facts of no run that is known",
    "folders": "runs whose artifacts are in the store, from this machine",
    "trees": "exported trees",
    "clones": "copies of other repositories",
}


def run(
    ctx: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove runs, and what belongs to no run, beyond what retention keeps."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/gc") if dry_run else daemon.post("/v1/gc", "")
    if session.json:
        show.value(answer)
        return
    found: list[dict[str, Any]] = answer["removable"]
    rows = [
        [one["run"], one["status"], show.ago(one["finishedAt"]), str(one["runs"]), _size(one["bytes"]), one["kept"]]
        for one in found[:_SHOWN]
    ]
    show.columns(["RUN", "STATUS", "ENDED", "RUNS", "SIZE", "KEPT ARE"], rows)
    if len(found) > _SHOWN:
        show.line(f"and {len(found) - _SHOWN} more; -o json lists them")
    more = "at least " if answer["more"] else ""
    words = "would go" if dry_run else "go, in small steps beside everything else"
    if found:
        show.line(f"{more}{answer['count']} runs with all below them, {_size(answer['bytes'])}, {words}")
    for name, one in answer["leftovers"].items():
        size = f", {_size(one['bytes'])}" if one["bytes"] else ""
        show.line(f"{one['count']} {_WORDS.get(name, name)}{size}, {words}")
    if not found and not answer["leftovers"]:
        show.line("nothing is beyond what is kept")


def _size(count: int) -> str:
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
