"""What the tracking library of Polyaxon leaves: read as it writes it, and whatever else a program puts there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconciler.backends.metrics import Summary
from reconciler.backends.outputs import Outputs
from reconciler.backends.progress import MOST_NAMES, Gauge
from reconciler.backends.traced import LATEST_IN, Traced

pytestmark = pytest.mark.unit

HEAD = "step|timestamp|metric"
AT = 1_795_672_800.0  # 2026-11-26T06:00:00Z


def line(value: object, step: object = 0, at: str = "2026-11-26 06:00:00.5+00:00") -> str:
    return f"\n{step}|{at}|{value}"


@pytest.fixture
def left(tmp_path: Path) -> Traced:
    (tmp_path / "events/metric").mkdir(parents=True)
    return Traced(tmp_path, AT)


def write(left: Traced, text: str, name: str = "loss") -> Path:
    path = left.artifacts / f"events/metric/{name}.plx"
    path.write_text(text)
    return path


def told(left: Traced) -> dict[str, tuple[int, float | None, int]]:
    """What two looks tell: reports, the last one, and odd values."""
    gauge = Gauge(lambda _: left.places([]))
    gauge.look(["a"])  # type: ignore[list-item]
    found = gauge.look(["a"])  # type: ignore[list-item]
    return {name: (one.count, one.last, one.odd) for name, one in found.get("a", {}).items()}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(HEAD, None, id="nothing-yet"),
        pytest.param("", None, id="empty"),
        pytest.param(HEAD + line(0.5) + line(0.25, 1), (2, 0.25, 0), id="as-it-is-written"),
        pytest.param(HEAD + line(0.5, "", ""), (1, 0.5, 0), id="without-step-and-time"),
        pytest.param(HEAD + line(0.5, "3.0"), (1, 0.5, 0), id="step-as-a-float"),
        pytest.param(HEAD + line("nan") + line("inf") + line("-inf"), (0, None, 3), id="no-finite-numbers"),
        pytest.param(
            HEAD + line("x") + line("1|2") + "\n|||\n0|never|1\nx" + line(7), (1, 7.0, 0), id="what-is-no-line"
        ),
        pytest.param(HEAD + line(1, at="2026-11-26 05:00:00+00:00") + line(2), (1, 2.0, 0), id="of-an-earlier-attempt"),
        pytest.param(HEAD + line(1, at="2020-01-01 05:00:00"), (1, 1.0, 0), id="a-time-without-a-zone"),
        pytest.param(HEAD + line(1e300), (1, 1e300, 0), id="large"),
    ],
)
def test_lines(left, text, expected):
    write(left, text)
    assert told(left) == ({} if expected is None else {"loss": expected})
    points = [point.value for point in left.points()]
    assert len(points) == (0 if expected is None else expected[0] + expected[2])
    latest = left.summary(None)
    assert (latest.latest if latest else {}) == ({"loss": points[-1]} if points else {})


def test_a_file_that_comes_later_is_found(left):
    gauge = Gauge(lambda _: places)
    places = left.places([])
    assert gauge.look(["a"]) == {}
    write(left, HEAD + line(0.5))
    write(left, HEAD + line(0.25), "f1")
    gauge.look(["a"])
    assert sorted(gauge.look(["a"])["a"]) == ["f1", "loss"]


def test_what_the_metrics_file_says_comes_first(left):
    write(left, HEAD + line(0.5))
    write(left, HEAD + line(0.5), "f1")
    assert left.summary(Summary({"loss": 7.0})).latest == {"loss": 7.0, "f1": 0.5}


def test_the_last_value_of_a_long_file_is_found_at_its_end(left):
    write(left, HEAD + line(1.0) * (LATEST_IN // 10) + line(0.125))
    assert left.summary(None).latest == {"loss": 0.125}


@pytest.mark.parametrize("kind", ["symlink", "hard-link", "pipe", "folder", "folder-above", "folder-far-above"])
def test_what_leads_elsewhere_is_not_read(left, tmp_path, kind):
    other = tmp_path / "other/metric"
    other.mkdir(parents=True)
    secret = other / "loss.plx"
    secret.write_text(HEAD + line(0.5))
    path = left.artifacts / "events/metric/loss.plx"
    match kind:
        case "symlink":
            path.symlink_to(secret)
        case "hard-link":
            path.hardlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "folder-above":
            path.parent.rmdir()
            path.parent.symlink_to(other)
        case _:
            path.parent.rmdir()
            path.parent.parent.rmdir()
            path.parent.parent.symlink_to(other.parent)
    assert told(left) == {}
    assert list(left.points()) == []
    assert left.summary(None) is None


def test_of_very_many_metrics_the_first_are_read(left):
    for number in range(MOST_NAMES + 10):
        write(left, HEAD + line(number), f"m{number:03}")
    assert len(told(left)) <= MOST_NAMES
    assert len(left.summary(None).latest) <= MOST_NAMES


def test_no_folder_is_nothing(tmp_path):
    left = Traced(tmp_path / "none", AT)
    assert told(left) == {}
    assert left.outputs(None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(json.dumps({"outputs": {"a": 1, "b": [0.5], "none": None}}), {"a": 1, "b": [0.5]}, id="outputs"),
        pytest.param(json.dumps({"outputs": {"a b": 1, "": 2}}), {}, id="names-that-are-none"),
        pytest.param(json.dumps({"outputs": {"a": "\ud800"}}), {}, id="half-a-surrogate-pair"),
        pytest.param(json.dumps({"outputs": {"a": 2**600}}), {}, id="a-number-over-512-bits"),
        pytest.param('{"outputs": {"a": ' + "[" * 200 + "]" * 200 + "}}", {}, id="deep"),
        pytest.param('{"outputs": {"a": "' + "x" * (1 << 20) + '"}}', {}, id="over-1-MiB"),
        pytest.param('{"outputs": 3}', {}, id="no-mapping"),
        pytest.param("[]", {}, id="a-list"),
        pytest.param("{", {}, id="half"),
        pytest.param("[" * 100_000, {}, id="very-deep"),
    ],
)
def test_outputs(left, text, expected):
    (left.artifacts / "run.plx.json").write_text(text)
    found = left.outputs(None)
    assert (found.values if found else {}) == expected
    own = Outputs({"a": "mine"}, bad=(3,))
    assert left.outputs(own).values == {**expected, "a": "mine"}
    assert left.outputs(own).bad == (3,)


def test_outputs_of_an_earlier_attempt_are_left(left):
    path = left.artifacts / "run.plx.json"
    path.write_text(json.dumps({"outputs": {"a": 1}}))
    os.utime(path, (AT - 100, AT - 100))
    assert left.outputs(None) is None
