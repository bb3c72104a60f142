"""An unchanged script that uses the packages `polyaxon` and `traceml`, as PyPI has them, on the local backend."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peers.environment import UnavailableError, python_of
from planner.model.run import Phase
from reconciler.ports import Order
from tests.contracts.backend import phase, until
from tests.reconciler.backends.local.support import Machine, regang

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SCRIPT = """
import sys, time, pathlib
import pandas
from polyaxon import tracking

tracking.init()
for step in range(3):
    tracking.log_metrics(loss=1.0 / (step + 1), step=step)
tracking.log_metric("val/accuracy", 0.5, step=7)
tracking.log_metric("gone", float("nan"))
pathlib.Path(tracking.get_outputs_path("model.txt")).write_text("weights")
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
tracking.log_metrics(loss=0.125, step=3)
tracking.log_outputs(best=0.25, layers=[3, 4], note="fine")
"""
OFFLINE = """
import runpy, socket, sys

def closed(*words, **more):
    raise OSError("there is no network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = closed
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script without a network: who tries to reach an API fails."""


@pytest.fixture(scope="module")
def interpreter() -> Path:
    try:
        return python_of("tracking")
    except UnavailableError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"NOT TRIED WITH THE TRACKING LIBRARY: {error}")


def recontain(order: Order, **changed) -> Order:
    """`order` with fields of its container changed."""
    (replica,) = order.run.gang.replicas
    return regang(order, replicas=(replace(replica, container=replace(replica.container, **changed)),))


def scripted(machine: Machine, interpreter: Path, script: str) -> tuple[Order, Path]:
    """An order of a script, and the file that it waits for."""
    offline, path, gate = (machine.base / name for name in ("offline.py", "train.py", "gate"))
    offline.write_text(OFFLINE)
    path.write_text(script)
    return machine.shell("train", f"exec {interpreter} {offline} {path} {gate}"), gate


async def test_its_metrics_come_while_it_runs_and_its_outputs_with_its_end(machine, interpreter):
    backend = machine.open()
    order, gate = scripted(machine, interpreter, SCRIPT)
    machine.patience = 60.0
    await backend.ensure(order)

    async def told():
        found = (await backend.progress([order.key])).get(order.key, {})
        return found if found.keys() >= {"loss", "val__accuracy"} and found["loss"].count == 3 else None

    await until(machine, told)
    found = await told()
    assert (found["loss"].last, found["loss"].high, found["loss"].step) == (1.0 / 3, 1.0, 2)
    assert (found["val__accuracy"].last, found["gone"].count, found["gone"].odd) == (0.5, 0, 1)
    gate.touch()
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.message) == (0, "")
    assert dict(end.metrics) == {"loss": 0.125, "val__accuracy": 0.5, "gone": "NaN"}
    assert {name: end.outputs[name] for name in ("best", "layers", "note")} == {
        "best": 0.25,
        "layers": [3, 4],
        "note": "fine",
    }
    assert end.outputs["loss"] == 0.125, "that library logs the last value of each metric as an output too"
    assert end.artifacts is not None
    assert "model.txt" in end.artifacts.names
    points = [point async for piece in backend.metrics(order.key) for point in piece]
    assert [(point.value, point.step) for point in points if point.name == "loss"] == [
        (1.0, 0),
        (0.5, 1),
        (1.0 / 3, 2),
        (0.125, 3),
    ]
    await backend.clean(order.key)
    assert [point async for piece in backend.metrics(order.key) for point in piece] == points


async def test_another_attempt_has_only_what_it_reports_itself(machine, interpreter):
    backend = machine.open()
    order, gate = scripted(machine, interpreter, SCRIPT)
    machine.patience = 60.0
    gate.touch()
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    folder = Path((await backend.observe([order.key])).objects[order.key].artifacts.folder)
    past = time.time() - 100
    os.utime(folder / "run.plx.json", (past, past))
    events = folder / "events/metric/loss.plx"
    events.write_text(events.read_text().replace("|20", "|19"))
    second = replace(recontain(order, command=("/bin/true",)), key=order.key.at_attempt(2))
    await backend.ensure(second)
    end = await phase(machine, backend, second.key, Phase.ENDED)
    assert "best" not in end.outputs
    assert "loss" not in end.metrics


async def test_a_program_may_use_an_api_of_its_own(machine):
    backend = machine.open()
    order = machine.shell("train", 'echo "offline=$POLYAXON_IS_OFFLINE" >> $PLUMBLINE_OUTPUT')
    await backend.ensure(recontain(order, env={"POLYAXON_IS_OFFLINE": "false"}))
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert dict(end.outputs) == {"offline": "false"}
