"""A sweep as a picture: how the best value came about, and which params led to which values. By matplotlib.

Draws what the daemon answered. A page is one file with the drawing inside: nothing is loaded from anywhere.
"""

from __future__ import annotations

import html
import importlib.util
import io
import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli.failure import Code, Failure

__all__ = ["draw"]

_AXES = 12
"""Params that are drawn; of more those that have most to do with the metric are."""
_CHOICES = 12
"""Values of a param that are no numbers, each a place on its axis; of more the rest share the last one."""
_LABEL = 24
_LOG = 100.0
"""An axis counts orders of magnitude only where the largest value is so many times the smallest one."""
_HEAP = 0.2
"""Such a part of an axis with more than half of all values in it is a heap."""
_MANY = 200
_BAD, _GOOD = "#c9d3dc", "#0b5fa5"
_BEST = "#d1480b"


def draw(answer: Mapping[str, Any], path: Path) -> None:
    """Write a picture of the sweep in `answer` (`/v1/sweep`) to `path`, whole or not at all.

    Raises:
        Failure: the ending is none that is drawn, matplotlib is missing, nothing has a value, or it cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in {".png", ".html"}:
        raise Failure(Code.INPUT, f"{path} ends neither with .png nor with .html")
    if not answer["history"]:
        what = f"has a value of {answer['metric']}" if answer["metric"] is not None else "is compared: name a --metric"
        raise Failure(Code.INPUT, f"there is nothing to draw of {answer['sweep']}: no trial {what}")
    if importlib.util.find_spec("matplotlib") is None:
        raise Failure(Code.ENVIRONMENT, "pictures need matplotlib: pip install 'plumbline-gitops[pictures]'")
    data = _drawn(answer, "png" if ending == ".png" else "svg")
    _write(path, data if ending == ".png" else _page(answer, data.decode()))


def _write(path: Path, data: bytes) -> None:
    try:
        handle, name = tempfile.mkstemp(prefix=".plumbline-", dir=path.absolute().parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(Code.ENVIRONMENT, f"cannot write {path}: {error}") from None


def _drawn(answer: Mapping[str, Any], form: str) -> bytes:
    # Its parts, and not its global state: nothing opens a window or reads which one there is.
    from matplotlib import rc_context  # noqa: PLC0415  an extra
    from matplotlib.figure import Figure  # noqa: PLC0415  the same

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "plumbline", "font.size": 9}
    file = io.BytesIO()
    with rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks
        figure = Figure(figsize=(11, 8), layout="constrained")
        upper, lower = figure.subplots(2, 1, height_ratios=(2, 3))
        _plain(figure.suptitle(f"{answer['sweep']} ({answer['search']}): {answer['progress']}", fontsize=11))
        _history(upper, answer)
        _parallel(figure, lower, answer)
        metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(file, format=form, dpi=130, metadata=metadata)
    return file.getvalue()


def _plain(text: Any) -> None:
    """A name as it is: a dollar in it begins no formula."""
    text.set_parse_math(False)


def _history(axes: Any, answer: Mapping[str, Any]) -> None:
    steps = answer["history"]
    places = range(1, len(steps) + 1)
    values, best = ([_held(step[name]) for step in steps] for name in ("value", "best"))
    axes.scatter(places, values, s=14, color="#7a8b99", label="trials")
    axes.step(places, best, where="post", color=_BEST, label="best so far")
    if _is_wide(values):
        axes.set_yscale("log")
    without = sum(trial["value"] is None and trial["finishedAt"] is not None for trial in answer["trials"])
    more = f"; {without} ended without a value" if without else ""
    axes.set_xlabel(f"trials in the order of their ends{more}")
    _plain(axes.set_ylabel(_short(f"{answer['metric']} ({'more' if answer['maximize'] else 'less'} is better)", 60)))
    axes.margins(x=0.01)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper right")


def _held(value: float) -> float:
    """A value within what an axis can be divided into."""
    return max(min(value, 1e300), -1e300)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis: where each trial is on it, from 0 to 1 or None, and its marks."""

    name: str
    places: Sequence[float | None]
    marks: Sequence[tuple[float, str]]


def _parallel(figure: Any, axes: Any, answer: Mapping[str, Any]) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415  an extra
    from matplotlib.collections import LineCollection  # noqa: PLC0415  the same
    from matplotlib.colors import LinearSegmentedColormap, Normalize  # noqa: PLC0415  the same

    trials = [trial for trial in answer["trials"] if trial["value"] is not None]
    chosen, left = _chosen(answer["params"])
    drawn = [_axis(name, [trial["params"].get(name) for trial in trials]) for name in chosen]
    drawn.append(_axis(answer["metric"], [trial["value"] for trial in trials]))
    goodness = [_goodness(place, maximize=answer["maximize"]) for place in drawn[-1].places]
    colours = LinearSegmentedColormap.from_list("found", [_BAD, _GOOD])
    # The good ones lie over the others, the best over all.
    order = sorted(range(len(trials)), key=lambda index: -index)
    lines = [_line(drawn, index) for index in order]
    shade = [colours(goodness[index]) for index in order]
    dense = len(lines) > _MANY
    axes.add_collection(
        LineCollection(lines, colors=shade, linewidths=0.6 if dense else 1, alpha=0.4 if dense else 0.75)
    )
    axes.add_collection(LineCollection([_line(drawn, 0)], colors=[_BEST], linewidths=2.5))
    for place, axis in enumerate(drawn):
        axes.axvline(place, color="#44505a", linewidth=0.8)
        for height, mark in axis.marks:
            beside = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
            _plain(axes.annotate(mark, (place, height), bbox=box, **beside))
    axes.set_xlim(-0.1, len(drawn) - 1 + 0.35)
    axes.set_ylim(-0.05, 1.05)
    axes.set_yticks([])
    for label in axes.set_xticks(range(len(drawn)), [_short(axis.name) for axis in drawn]):
        _plain(label.label1)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    best = trials[0]
    words = f"params of each trial; the best is {best['number']:04d} with {best['value']:.6g}"
    axes.set_title(words + (f"; {left} params are not drawn" if left else ""), fontsize=9)
    values = [trial["value"] for trial in trials]
    ends = ("worst", "best")
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colours), ax=axes, ticks=[0, 1], pad=0.01, fraction=0.02)
    bar.ax.set_yticklabels(ends if min(values) != max(values) else ("", ""))


def _chosen(params: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Names of the params that are drawn, in their order, and how many are not."""
    strong = sorted(params, key=lambda one: -abs(one["correlation"] or 0.0))[:_AXES]
    names = {one["name"] for one in strong}
    return [one["name"] for one in params if one["name"] in names], len(params) - len(names)


def _axis(name: str, values: Sequence[Any]) -> _Axis:
    there = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) and _finite(value) for value in there):
        return _numeric(name, values, [float(value) for value in there])
    words = [json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value for value in there]
    known = list(dict.fromkeys(sorted(words)))
    names, more = known[:_CHOICES], len(known) - _CHOICES
    places = {word: index / max(len(names) - 1, 1) if len(names) > 1 else 0.5 for index, word in enumerate(names)}
    marks = [(places[word], _short(word)) for word in names]
    if more > 0:
        marks[-1] = (marks[-1][0], f"{marks[-1][1]} and {more} more")
    told = iter(words)
    found = [None if value is None else places.get(next(told), marks[-1][0]) for value in values]
    return _Axis(name, found, marks)


def _numeric(name: str, values: Sequence[Any], there: Sequence[float]) -> _Axis:
    turn = math.log10 if _is_wide(there) else float
    turned = [turn(value) for value in there]
    low, high = min(turned, default=0.0), max(turned, default=0.0)
    if not high > low:
        marks = [(0.5, f"{there[0]:.4g}")] if there else []
        return _Axis(name, [None if value is None else 0.5 for value in values], marks)
    back = (lambda at: 10.0**at) if turn is math.log10 else float
    marks = [(at, f"{back(low * (1 - at) + high * at):.4g}") for at in (0.0, 0.25, 0.5, 0.75, 1.0)]
    spread = high / 2 - low / 2  # halves: the whole may be more than a float holds
    return _Axis(
        name, [None if value is None else (turn(float(value)) / 2 - low / 2) / spread for value in values], marks
    )


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _is_wide(values: Iterable[float]) -> bool:
    """Whether orders of magnitude tell values apart better than differences, which leave most of them in a heap."""
    found = sorted(values)
    if not found or found[0] <= 0 or found[-1] / found[0] <= _LOG:
        return False
    return found[len(found) // 2] < _HEAP * found[-1]


def _goodness(place: float | None, *, maximize: bool) -> float:
    height = place if place is not None else 0.0
    return height if maximize else 1.0 - height


def _line(axes: Sequence[_Axis], index: int) -> list[tuple[float, float]]:
    """A trial through the axes; where it lacks a param the line goes on to the next one."""
    heights = ((place, axis.places[index]) for place, axis in enumerate(axes))
    return [(float(place), height) for place, height in heights if height is not None]


def _short(text: str, most: int = _LABEL) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _page(answer: Mapping[str, Any], drawing: str) -> bytes:
    """One file: the drawing, and the best trials as a table."""
    names = [param["name"] for param in answer["params"]]
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("trial", answer["metric"], *names))
    rows = "".join(_row(trial, names) for trial in answer["trials"] if trial["value"] is not None)
    title = html.escape(f"{answer['sweep']}: {answer['progress']}")
    svg = drawing[drawing.index("<svg") :]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px system-ui, sans-serif; margin: 1.5rem; color: #1c2733; background: #fff }}
svg {{ max-width: 100%; height: auto }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse }}
th, td {{ padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #d5dde4 }}
</style></head><body><h1>{html.escape(answer["sweep"])}</h1><p>{html.escape(answer["progress"])}</p>
<div>{svg}</div><div><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></body></html>
""".encode()


def _row(trial: Mapping[str, Any], names: Sequence[str]) -> str:
    cells = [f"{trial['number']:04d}", f"{trial['value']:.6g}"]
    for name in names:
        value = trial["params"].get(name)
        text = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
        cells.append("" if value is None else text)
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
