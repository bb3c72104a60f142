"""Printing: JSON for programs, columns for people.

Colours and progress are for terminals only, and rich, which makes them, respects `NO_COLOR`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from planner.render.span import span
from planner.render.tone import Tone, tone

__all__ = ["ago", "change", "columns", "line", "took", "value", "warn", "working"]

_STYLES = {Tone.GOOD: "green", Tone.BAD: "red", Tone.BUSY: "yellow", Tone.IDLE: ""}


def value(answer: object) -> None:
    """A value as JSON."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False, default=str))


def line(text: str = "") -> None:
    """A line of the answer."""
    typer.echo(text)


def warn(text: str) -> None:
    """A line beside the answer."""
    typer.echo(text, err=True)


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: with colours on a terminal, else aligned text."""
    if not rows:
        return
    if sys.stdout.isatty():
        _coloured(heads, rows)
        return
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    for row in (heads, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _coloured(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  slow to load, for terminals only
    from rich.table import Table  # noqa: PLC0415  the same
    from rich.text import Text  # noqa: PLC0415  the same

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES[tone(cell)]) for cell in row))
    Console().print(table)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Show that something takes its time, on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415  slow to load, for terminals only

    with Console(stderr=True).status(text):
        yield


def ago(instant: str | None) -> str:
    """How long since an instant of the API, such as `3 min`; "" for none."""
    if not instant:
        return ""
    return span((datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds())


def took(run: dict[str, Any]) -> str:
    """How long a run took, or has run so far."""
    if not run.get("startedAt"):
        return ""
    start = datetime.fromisoformat(run["startedAt"])
    end = datetime.fromisoformat(run["finishedAt"]) if run.get("finishedAt") else datetime.now(UTC)
    return span((end - start).total_seconds())


def change(at: str, change: Mapping[str, Any]) -> str:
    """What became of the field `at`: its value before and after, as JSON."""
    before, after = (json.dumps(change[side], ensure_ascii=False) for side in ("before", "after"))
    if change["added"]:
        return f"{at}: {after} (new)"
    if change["removed"]:
        return f"{at}: {before} (gone)"
    return f"{at}: {before} -> {after}"
