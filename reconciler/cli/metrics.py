"""`plumbline metrics`: what a run measured."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.session import Output, session_of

__all__ = ["run"]

_FIELDS = ("name", "value", "step", "timestamp", "replica", "attempt")


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN", help="An operation, run key, id, OP@last, OP@last-failed; #N.")],
    *,
    metric: Annotated[str | None, typer.Option("--name", help="Only this metric.")] = None,
) -> None:
    """Show what a run measured: the last value of each metric, or with json or csv every value.

    A run that is not over shows what it wrote so far.
    """
    session = session_of(ctx)
    with connect(session) as daemon:
        points = _points(daemon, name, metric)
        if session.output is Output.CSV:
            _csv(points)
        elif session.json:
            show.value({"points": list(points)})
        else:
            _table(points)


def _points(daemon: Daemon, name: str, metric: str | None) -> Iterator[dict[str, Any]]:
    rest = b""
    for chunk in daemon.stream("/v1/metrics", run=name, name=metric):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _csv(points: Iterator[dict[str, Any]]) -> None:
    """With a head; a program that reads it finds an empty field where the run said nothing."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    for point in points:
        writer.writerow(point)
        typer.echo(text.getvalue(), nl=False)
        text.seek(0)
        text.truncate()
    typer.echo(text.getvalue(), nl=False)


def _table(points: Iterator[dict[str, Any]]) -> None:
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    counts: dict[tuple[str, str], int] = {}
    for point in points:
        place = point["name"], point["replica"] or ""
        latest[place] = point
        counts[place] = counts.get(place, 0) + 1
    shown = ("replica",) if any(replica for _, replica in latest) else ()
    rows = [
        [*(str(point[field] or "") for field in ("name", *shown)), *_last(point), str(counts[place])]
        for place, point in latest.items()
    ]
    show.columns(["METRIC", *(field.upper() for field in shown), "LAST", "STEP", "AT", "VALUES"], rows)
    if not rows:
        show.line("no metrics")


def _last(point: dict[str, Any]) -> list[str]:
    value = point["value"]
    text = value if isinstance(value, str) else f"{value:.6g}"
    return [text, "" if point["step"] is None else str(point["step"]), str(point["timestamp"] or "")]
