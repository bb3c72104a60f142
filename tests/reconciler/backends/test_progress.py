"""Metrics while a run runs: what is new is read, once, whatever programs do with their files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from planner import keys
from planner.model.metric import Progress
from reconciler.backends import progress
from reconciler.backends.progress import Gauge, Told, told_by_lines

pytestmark = pytest.mark.unit

KEY = keys.generation("train", 1).at_attempt(1)


def line(value: object, name: str = "loss", step: int | None = None) -> bytes:
    return f'{{"name": "{name}", "value": {value}, "step": {"null" if step is None else step}}}\n'.encode()


class File:
    """A metrics file, and a gauge that reads it."""

    def __init__(self, path: Path, *, open_end: bool = False) -> None:
        self.path = path
        lines = told_by_lines(str(path))
        told = Told(str(path), lines.parse, lines.opened, open_end)
        self.gauge = Gauge(lambda key: (lambda: [told]) if key == KEY else None)

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def told(self) -> Mapping[str, Progress]:
        return self.gauge.look([KEY]).get(KEY, {})

    def loss(self) -> tuple[int, float | None, int]:
        """Reports, the last one, and odd values."""
        found = self.told().get("loss", Progress())
        return found.count, found.last, found.odd


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "metrics")


def test_a_file_that_comes_later_is_followed(file):
    assert file.told() == {}
    file.append(line(0.5, step=3))
    assert file.told()["loss"] == Progress(1, 3, 0.5, 0.5, 0.5, marks=file.told()["loss"].marks)


def test_what_is_new_is_added_up(file):
    file.append(line(0.5) + line(-1, step=1))
    assert file.loss() == (2, -1.0, 0)
    file.append(line(7, step=2))
    found = file.told()["loss"]
    assert (found.count, found.step, found.last, found.low, found.high) == (3, 2, 7.0, -1.0, 7.0)
    assert [(mark.count, mark.low, mark.high) for mark in found.marks] == [
        (1, 0.5, 0.5),
        (2, -1.0, 0.5),
        (3, -1.0, 7.0),
    ]


def test_nothing_is_read_twice(file, monkeypatch):
    file.append(line(0.5))
    file.told()
    opened = []
    monkeypatch.setattr(progress.metrics, "opened", opened.append)
    before = file.told()
    assert file.told() is before
    assert opened == []


def test_half_a_line_waits_for_the_rest(file):
    whole = line(0.25)
    file.append(line(0.5) + whole[:10])
    assert file.loss() == (1, 0.5, 0)
    assert file.loss() == (1, 0.5, 0)
    file.append(whole[10:])
    assert file.loss() == (2, 0.25, 0)


def test_a_last_line_without_an_end_counts_where_lines_have_none_once_nothing_comes(tmp_path):
    file = File(tmp_path / "events", open_end=True)
    file.append(line(0.5) + line(0.25).rstrip())
    assert file.loss()[0] == 1
    assert file.loss() == (2, 0.25, 0)
    file.append(b"\n" + line(0.125).rstrip())
    file.told()
    assert file.loss() == (3, 0.125, 0)


@pytest.mark.parametrize("replace", [False, True], ids=["cut", "another-file"])
def test_a_file_that_begins_anew_is_a_series_that_does(file, replace):
    file.append(line(0.5) * 5)
    assert file.loss()[0] == 5
    if replace:
        fresh = file.path.with_name("fresh")
        fresh.write_bytes(line(0.75) * 7)
        fresh.replace(file.path)
    else:
        file.path.write_bytes(line(0.75) * 2)
    assert file.loss() == (7 if replace else 2, 0.75, 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(line("NaN") + line('"Infinity"') + line("-Infinity"), (0, None, 3), id="no-finite-numbers"),
        pytest.param(line("1e999"), (0, None, 1), id="over-every-float"),
        pytest.param(line('"0.3 or so"') + line("true") + line("null"), (0, None, 3), id="no-numbers"),
        pytest.param(line("9" * 200), (0, None, 1), id="over-512-bits"),
        pytest.param(line("1" + "0" * 100), (1, 1e100, 0), id="a-whole-number"),
        pytest.param(b'{"name": "loss"}\n' + b"loss=3\n" + b"\0\n" + b"[" * 3000 + b"\n", (0, None, 0), id="no-metric"),
        pytest.param(b"x" * 10_000 + b"\n" + line(1), (1, 1.0, 0), id="a-long-line"),
        pytest.param(line(1).replace(b"\n", b"\r\n") + b"\n\n" + line(2), (2, 2.0, 0), id="other-ends"),
        pytest.param(line(1, name="x" * 201) + line(2), (1, 2.0, 0), id="a-long-name"),
    ],
)
def test_hostile_lines(file, data, expected):
    file.append(data)
    assert file.loss() == expected


def test_an_endless_line_costs_no_memory_and_ends_some_day(file):
    for _ in range(5):
        file.append(b"x" * 300_000)
        assert file.told() == {}
    file.append(b"\n" + line(1))
    assert file.loss() == (1, 1.0, 0)


@pytest.mark.parametrize("piece", [100, 4096, 5000, 1 << 18])
def test_no_line_is_lost_between_pieces(file, monkeypatch, piece):
    monkeypatch.setattr(progress, "AT_ONCE", 60.0)
    monkeypatch.setattr(progress, "PIECE", piece)
    file.append(b"".join(line(number, step=number) for number in range(20_000)))
    found = file.told()["loss"]
    assert (found.count, found.last, found.low) == (20_000, 19_999.0, 0.0)


def test_a_large_file_is_read_in_pieces_and_told_of_when_it_is_read(file, monkeypatch):
    monkeypatch.setattr(progress, "AT_ONCE", 0.0)
    monkeypatch.setattr(progress, "PIECE", 1 << 13)
    file.append(line(0.5) * 2000 + line(0.25))
    looks = 0
    while not (found := file.told()):
        looks += 1
        assert looks < 100
    assert looks > 5
    assert (found["loss"].count, found["loss"].last) == (2001, 0.25)


def test_who_was_not_reached_in_one_look_is_first_in_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "AT_ONCE", -1.0)
    attempts = [keys.generation(f"train-{number}", 1).at_attempt(1) for number in range(4)]
    told = {key: [told_by_lines(str(tmp_path / key.root))] for key in attempts}
    for key in attempts:
        (tmp_path / key.root).write_bytes(line(1))
    gauge = Gauge(lambda key: lambda: told[key])
    assert [len(gauge.look(attempts)) for _ in attempts] == [1, 2, 3, 4]


def test_names_are_bounded(file):
    file.append(b"".join(line(1, name=f"metric-{number}") for number in range(1000)))
    assert len(file.told()) == progress.MOST_NAMES


def test_who_is_not_asked_for_is_forgotten(file):
    file.append(line(1))
    assert file.loss()[0] == 1
    assert file.gauge.look([]) == {}
    assert not file.gauge._attempts
    assert file.loss()[0] == 1


@pytest.mark.parametrize("kind", ["symlink", "hard-link", "pipe", "folder"])
def test_what_leads_elsewhere_is_not_read(file, tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(line(1))
    match kind:
        case "symlink":
            file.path.symlink_to(secret)
        case "hard-link":
            file.path.hardlink_to(secret)
        case "pipe":
            os.mkfifo(file.path)
        case _:
            file.path.mkdir()
    assert file.told() == {}
    assert file.told() == {}
