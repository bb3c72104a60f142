"""`plumbline sweep`: what a sweep has found, as text, as data and as a picture."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from planner import findings
from planner.canon import plain
from planner.findings import Tried
from planner.model.search import Goal
from reconciler.cli.failure import Failure
from reconciler.cli.picture import draw
from tests.planner.history import T0
from tests.reconciler.api.support import World, job
from tests.reconciler.cli.support import Shell, daemon, until
from tests.reconciler.sweeps import GRID, REPORTS, search

pytestmark = pytest.mark.unit


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A daemon with a sweep that has nearly ended, one without a metric, and a job."""
    world = World(programs=REPORTS)
    world.push({"tune.yaml": search(), "grid.yaml": search("grid", GRID), "job.yaml": job("other")})
    with daemon(world, tmp_path / "state") as made:
        until(made, "5 of 6 trials ended, 1 running", "sweep", "tune")
        yield made


def test_the_text_has_the_best_first_and_why_others_failed(shell: Shell) -> None:
    text = shell("sweep", "tune").stdout
    lines = text.splitlines()
    assert lines[0] == ("tune@g1, a hyperopt sweep, processing: 5 of 6 trials ended, 1 running, best loss 0.25 of 0001")
    assert lines[1] == "best: tune@g1/0001 with loss 0.25"
    numbers = [line.split()[0] for line in lines if line[:4].isdigit()]
    assert numbers == ["0001", "0000", "0004", "0002", "0003", "0005"]
    assert "exit code 3" in text
    assert "RANK CORRELATION WITH loss" in text
    assert "best so far: " in text
    short = shell("sweep", "tune", "-n", "2").stdout
    assert "and 4 more: --limit, or --output csv for all of them" in short


def test_a_program_reads_the_same(shell: Shell) -> None:
    answer = json.loads(shell("sweep", "tune", "-o", "json").stdout)
    assert answer["best"]["number"] == 1
    rows = list(csv.DictReader(io.StringIO(shell("sweep", "tune@g1", "-o", "csv", "-n", "1").stdout)))
    assert [row["number"] for row in rows] == ["1", "0", "4", "2", "3", "5"]
    assert [row["value"] for row in rows] == ["0.25", "0.5", "0.75", "", "", ""]
    assert float(rows[0]["params.rate"]) == pytest.approx(answer["best"]["params"]["rate"], rel=1e-5)
    assert shell("--output", "csv", "sweep", "tune").stdout.startswith("number,run,status,value")


def test_what_is_no_sweep_or_has_no_metric_is_said(shell: Shell, tmp_path: Path) -> None:
    assert "other@g1 is no sweep: it has no `matrix`" in shell("sweep", "other", code=2).output
    assert "it has no metric: name what its trials are compared by with --metric" in shell("sweep", "grid").stdout
    picture = str(tmp_path / "grid.png")
    assert "name a --metric" in " ".join(shell("sweep", "grid", "--picture", picture, code=2).output.split())
    assert shell("status", "-o", "csv", code=2)


def test_a_picture_of_what_the_daemon_says(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "tune.png"
    assert f"drawn to {place}" in shell("sweep", "tune", "--picture", str(place)).stdout.replace("\n", " ")
    assert place.read_bytes().startswith(b"\x89PNG")


# Pictures


def answer(trials: list[Tried], metric: str = "loss") -> dict[str, Any]:
    """What the API says of these trials."""
    goal = Goal(metric, maximize=False)
    rows = [
        {
            "number": one.number,
            "value": one.value,
            "params": plain(dict(one.params)),
            "finishedAt": "x" if one.over else None,
        }
        for one in findings.ranked(trials, goal)
    ]
    return {
        "sweep": "tune@g3",
        "search": "random",
        "progress": findings.standing(trials, len(trials), goal),
        "metric": metric,
        "maximize": False,
        "trials": rows,
        "params": [plain(one) for one in findings.influences(trials, goal)],
        "history": [plain(one) for one in findings.history(trials, goal)],
    }


def tried(number: int, value: float | None, **params: object) -> Tried:
    return Tried(number, "succeeded", params, value, over=True, ended_at=T0)


class Loads(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loaded = [value for name, value in attrs if name in {"src", "srcset", "href", "xlink:href"}]
        self.found += [value for value in loaded if value and not value.startswith(("#", "data:"))]
        self.found += [tag] if tag in {"script", "link", "iframe", "img", "object", "embed"} else []


def test_a_page_loads_nothing_and_shows_names_as_they_are(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    trials = [tried(number, number + 0.5, **{hostile: hostile, "a$b$": number}) for number in range(3)]
    draw(answer(trials, "lo$s$_{x}"), tmp_path / "tune.html")
    text = (tmp_path / "tune.html").read_text()
    page = Loads()
    page.feed(text)
    assert page.found == []
    assert "@import" not in text
    assert "url(http" not in text
    assert "a$b$" in text, "a dollar begins no formula"
    assert "&lt;script&gt;" in text
    draw(answer(trials, "lo$s$_{x}"), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == text, "the same sweep is the same file"


@pytest.mark.parametrize(
    "trials",
    [
        pytest.param([tried(0, 1.0, rate=0.5)], id="one"),
        pytest.param([tried(0, 1.0), tried(1, 2.0)], id="without params"),
        pytest.param([tried(0, 1.0, rate=1), tried(1, None, rate=2), tried(2, 3.0)], id="some lack a value or a param"),
        pytest.param([tried(0, 1.0, rate=1), tried(1, 1.0, rate=1)], id="nothing differs"),
        pytest.param([tried(0, -1e308, rate=-1e308), tried(1, 1e308, rate=1e308)], id="as far apart as floats are"),
        pytest.param([tried(0, 1e-300, rate=1e-300), tried(1, 1e300, rate=1e300)], id="many orders of magnitude"),
        pytest.param([tried(0, 1.0, rate=10**400), tried(1, 2.0, rate=[1, {"a": None}])], id="no numbers"),
        pytest.param([tried(n, n + 1.0, **{f"p{k}": n * k for k in range(30)}) for n in range(5)], id="many params"),
        pytest.param([tried(n, n + 1.0, kind=f"kind {n} of many") for n in range(60)], id="many choices"),
        pytest.param([tried(0, 1.0, name="学習率"), tried(1, 2.0, name="ünï")], id="letters that the font lacks"),
        pytest.param([tried(n, math.sin(n), rate=n) for n in range(1000)], id="a thousand trials"),
    ],
)
@pytest.mark.parametrize("ending", ["png", "html"])
def test_whatever_trials_there_are_they_are_drawn(trials: list[Tried], ending: str, tmp_path: Path) -> None:
    draw(answer(trials), tmp_path / f"found.{ending}")
    assert [path.name for path in tmp_path.iterdir()] == [f"found.{ending}"]
    assert (tmp_path / f"found.{ending}").stat().st_size > 1000


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = answer([tried(0, 1.0, rate=1)])
    with pytest.raises(Failure, match=r"ends neither with .png nor with .html"):
        draw(good, tmp_path / "found.gif")
    with pytest.raises(Failure, match="no trial has a value of loss"):
        draw(answer([tried(0, None, rate=1)]), tmp_path / "found.png")
    with pytest.raises(Failure, match="cannot write"):
        draw(good, tmp_path / "missing" / "found.png")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Failure, match=r"pip install 'plumbline-gitops\[pictures\]'"):
        draw(good, tmp_path / "found.png")
    assert list(tmp_path.iterdir()) == []
