"""`plumbline sweep`: what a sweep has found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from planner.render.span import span
from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.session import Output, session_of

__all__ = ["run"]

_FIELDS = (
    *("number", "run", "status", "value", "latest", "seconds", "startedAt", "finishedAt", "reason"),
    *("bracket", "rung", "origin", "iteration", "carriedFrom", "cachedFrom"),
)
_STEPS = 12
"""Steps of the history that are shown: the first ones are rarely of interest, the last are."""
_CHOICES = 6


def run(  # noqa: PLR0913  one parameter an option, as typer wants it
    ctx: typer.Context,
    operation: Annotated[
        str, typer.Argument(help="An operation, a run such as tune@g3, or a sweep inside a DAG: flow/tune.")
    ],
    *,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What trials are compared by; the sweep's own metric by default.")
    ] = None,
    minimize: Annotated[
        bool | None, typer.Option("--minimize/--maximize", help="Whether less of the metric is better, or more.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=10_000, help="At most so many trials.")] = 20,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw it, to FILE.html or FILE.png.")
    ] = None,
) -> None:
    """Show what a sweep has found: its trials, the best point, and what each param does."""
    session = session_of(ctx)
    with connect(session) as daemon:
        answer = daemon.get("/v1/sweep", run=operation, metric=metric, minimize=minimize)
    if picture is not None:
        from reconciler.cli.picture import draw  # noqa: PLC0415  its library takes a second, and may be missing

        draw(answer, picture)
    if session.output is Output.CSV:
        typer.echo(_csv(answer), nl=False)
    elif session.json:
        show.value(answer)
    else:
        _text(answer, limit)
        if picture is not None:
            show.line(f"drawn to {picture}")


def _csv(answer: Mapping[str, Any]) -> str:
    """With a head; the best trial first, a column for each param."""
    names = [param["name"] for param in answer["params"]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FIELDS, *(f"params.{name}" for name in names)])
    for trial in answer["trials"]:
        params = (trial["params"].get(name) for name in names)
        writer.writerow([*(trial[field] for field in _FIELDS), *map(_cell, params)])
    return text.getvalue()


def _text(answer: Mapping[str, Any], limit: int) -> None:
    why = f" ({answer['reason']})" if answer["reason"] else ""
    show.line(f"{answer['sweep']}, a {answer['search']} sweep, {answer['status']}{why}: {answer['progress']}")
    if answer["metric"] is None and answer["trials"]:
        show.line("it has no metric: name what its trials are compared by with --metric, and --minimize for less")
    if answer["best"] is not None:
        best = answer["best"]
        show.line(f"best: {best['run']} with {answer['metric']} {best['value']:.6g}")
        for name, value in best["params"].items():
            show.line(f"  {name}: {_cell(value)}")
    _trials(answer, limit)
    _params(answer)
    _history(answer["history"])
    _rungs(answer["rungs"])


def _trials(answer: Mapping[str, Any], limit: int) -> None:
    shown: Sequence[Mapping[str, Any]] = answer["trials"][:limit]
    names = [param["name"] for param in answer["params"]]
    # Of a trial without a value the params are not among those that are compared.
    names += [name for trial in shown for name in trial["params"] if name not in names]
    names = list(dict.fromkeys(names))
    reasons = any(trial["reason"] for trial in shown)
    rows = [
        [
            f"{trial['number']:04d}",
            trial["status"],
            *([_value(trial)] if answer["metric"] is not None else []),
            *(_cell(trial["params"].get(name)) for name in names),
            span(trial["seconds"]) if trial["seconds"] is not None else "",
            *([_cut(trial["reason"])] if reasons else []),
        ]
        for trial in shown
    ]
    metric = [answer["metric"]] if answer["metric"] is not None else []
    if rows:
        show.line()
    show.columns(["TRIAL", "STATUS", *metric, *names, "TOOK", *(["WHY"] if reasons else [])], rows)
    left = len(answer["trials"]) - len(shown)
    if left:
        show.line(f"and {left} more: --limit, or --output csv for all of them")
    if answer["cut"]:
        show.line(f"only its first {len(answer['trials'])} trials were looked at")
    if not answer["trials"]:
        show.line("no trials yet")


def _value(trial: Mapping[str, Any]) -> str:
    if trial["value"] is not None:
        return f"{trial['value']:.6g}"
    return f"{trial['latest']:.6g} so far" if trial["latest"] is not None else ""


def _params(answer: Mapping[str, Any]) -> None:
    rows = []
    for param in answer["params"]:
        if not param["count"]:
            continue
        rho = f"{param['correlation']:+.2f}" if param["correlation"] is not None else ""
        choices = [f"{_cell(one['value'])} {one['mean']:.6g} ({one['count']})" for one in param["choices"]]
        more = ", …" if len(choices) > _CHOICES else ""
        rows.append([param["name"], rho, str(param["count"]), ", ".join(choices[:_CHOICES]) + more])
    if rows:
        show.line()
        show.columns(["PARAM", f"RANK CORRELATION WITH {answer['metric']}", "TRIALS", "MEAN OF EACH CHOICE"], rows)


def _history(steps: Sequence[Mapping[str, Any]]) -> None:
    """Only where it became better: that is the curve."""
    better = list(_better(steps))
    if better:
        show.line()
        before = "… " if len(better) > _STEPS else ""
        words = (f"{step['best']:.6g} (after {place}, {step['number']:04d})" for place, step in better[-_STEPS:])
        show.line(f"best so far: {before}{', '.join(words)}")


def _better(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    before = None
    for place, step in enumerate(steps, 1):
        if step["best"] != before:
            yield place, step
        before = step["best"]


def _rungs(rungs: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [
            *(str(rung[field]) for field in ("bracket", "rung", "resource", "trials", "ended")),
            f"{rung['best']:.6g}" if rung["best"] is not None else "",
        ]
        for rung in rungs
    ]
    if rows:
        show.line()
        show.columns(["BRACKET", "RUNG", "RESOURCE", "TRIALS", "ENDED", "BEST"], rows)


def _cell(value: Any) -> str:
    """A param as a cell: numbers short enough to compare, texts as they are, the rest as JSON."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return "" if value is None else _cut(json.dumps(value, ensure_ascii=False))
    return f"{value:.6g}" if isinstance(value, float) else _cut(str(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
