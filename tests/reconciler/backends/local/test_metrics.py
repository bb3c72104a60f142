"""Metrics: the file as the run contract says, while a run writes it, and what is kept of it at the end."""

import io
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from planner.model.run import Phase
from reconciler.backends import metrics
from tests.contracts.backend import Script
from tests.reconciler.backends.local.test_surroundings import phase

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

GOLDEN = Path("tests/golden/run-contract")


def written(tmp_path: Path, data: bytes) -> metrics.Summary:
    path = tmp_path / "metrics"
    path.write_bytes(data)
    file = metrics.opened(path)
    assert file is not None
    with file:
        return metrics.summary(file)


def lines(name: str, count: int) -> bytes:
    return b"".join(b'{"name": "%s", "value": %d}\n' % (name.encode(), value) for value in range(count))


def test_metrics_are_read_as_the_run_contract_says(tmp_path):
    expected = json.loads((GOLDEN / "metrics.expected.json").read_text())
    data = (GOLDEN / "metrics.txt").read_bytes()
    found = list(metrics.points(io.BytesIO(data), ended=True))
    assert [asdict(point) for point in found if point is not None] == expected["metrics"]
    kept = written(tmp_path, data)
    assert kept.latest == {"loss": "NaN", "train/loss": 1}
    assert kept.skipped == len(expected["lines_with_problems"])
    assert kept.bad == expected["lines_with_problems"][:5]


@pytest.mark.parametrize(
    ("data", "alive", "over"),
    [
        pytest.param(b'{"name": "a", "value": 1}\n{"name": "b", "va', 1, [True, False], id="half-a-line"),
        pytest.param(b'{"name": "a", "value": 1}', 0, [True], id="no-end-of-line"),
        pytest.param(b'{"name": "a", "value": 1}\r\n\n\r\n', 1, [True], id="empty-lines"),
        pytest.param(b"x" * 10_000, 0, [False], id="endless-half"),
        pytest.param(b"x" * 10_000 + b'\n{"name": "a", "value": 1}\n', 2, [False, True], id="a-long-line"),
        pytest.param(b'{"name": "a", "value": ' + b"9" * 200 + b"}\n", 1, [False], id="a-number-over-512-bits"),
        pytest.param(b'{"name": "\\ud800", "value": 1}\n', 1, [False], id="half-a-surrogate-pair"),
        pytest.param(b'{"name": "a", "value": 1, "timestamp": "2026-11-23"}\n', 1, [False], id="no-offset"),
        pytest.param(b"[" * 3000 + b"\n", 1, [False], id="a-deep-list"),
        pytest.param(b'{"name": "a\xff", "value": 1}\n', 1, [False], id="no-utf-8"),
        pytest.param(b"\0\0\0\n", 1, [False], id="zeros"),
    ],
)
def test_hostile_metrics(data, alive, over):
    assert len(list(metrics.points(io.BytesIO(data), ended=False))) == alive
    assert [point is not None for point in metrics.points(io.BytesIO(data), ended=True)] == over


def test_of_a_long_file_the_last_values_count_and_the_numbers_of_lines_are_those_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "LATEST_IN", 1000)
    kept = written(tmp_path, b'{"name": "first", "value": 1}\n' + lines("loss", 500) + b"broken\n" + lines("loss", 3))
    assert kept.latest == {"loss": 2}
    assert (kept.bad, kept.skipped) == ([502], 1)
    assert "line 502 skipped" in kept.message


def test_the_long_file_may_be_cut_where_a_line_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "LATEST_IN", len(lines("a", 1)))
    kept = written(tmp_path, lines("b", 1) + lines("a", 1))
    assert (kept.latest, kept.skipped) == ({"a": 0}, 0)


def test_names_that_are_kept_have_a_limit_which_is_said(tmp_path):
    kept = written(tmp_path, b"".join(lines(f"m{number}", 2) for number in range(metrics.MOST_NAMES + 1)))
    assert len(kept.latest) == metrics.MOST_NAMES
    assert kept.latest["m0"] == 1
    assert "only the first 200" in kept.message


@pytest.mark.parametrize("kind", ["symlink", "pipe", "hard-link", "folder", "nothing"])
def test_only_a_regular_file_of_the_run_is_read(tmp_path, kind):
    secret, path = tmp_path / "secret", tmp_path / "metrics"
    secret.write_bytes(lines("secret", 1))
    match kind:
        case "symlink":
            path.symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "hard-link":
            path.hardlink_to(secret)
        case "folder":
            path.mkdir()
        case _:
            pass
    assert metrics.opened(path) is None


async def test_the_last_values_are_kept_with_the_run_and_bad_lines_are_named(machine):
    backend = machine.open()
    order = machine.shell(
        "train",
        'for v in 3 2 1; do echo "{\\"name\\": \\"loss\\", \\"value\\": $v}" >> $PLUMBLINE_METRICS; done\n'
        "echo garbage >> $PLUMBLINE_METRICS",
    )
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.metrics == {"loss": 1}
    assert end.message == "metrics file: line 4 skipped, not a JSON object with name and value of a metric"


async def test_metrics_are_seen_while_the_run_runs_and_after_it_was_cleaned(machine):
    backend = machine.open()
    order = machine.shell(
        "train", 'echo "{\\"name\\": \\"loss\\", \\"value\\": 1}" >> $PLUMBLINE_METRICS; touch done; exec sleep 1000'
    )
    await backend.ensure(order)

    async def values():
        return [point.value async for piece in backend.metrics(order.key) for point in piece]

    while await values() != [1]:
        await machine.wait()
    await backend.stop(order.key, 0.0)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.metrics == {"loss": 1}
    await backend.clean(order.key)
    assert await values() == [1]


async def test_a_run_that_was_never_made_has_no_metrics(machine):
    backend = machine.open()
    await backend.open()
    order = machine.order("train", Script.SUCCEED)
    assert [piece async for piece in backend.metrics(order.key)] == []
