"""kill -9 of supervisor, parent, daemon and program at every named point: one start at most, nothing left, an end."""

import signal

import pytest

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.backends.local import Containment, sight, warm
from reconciler.ports import Ensured
from tests.contracts.backend import Script, phase, seen, until
from tests.reconciler.backends.local.support import crashing, kill, run_daemon

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SELF = "os.kill(os.getpid(), 9)"
BOTH = f"os.kill(os.getppid(), 9); {SELF}"

# At which point, how many programs may have started, and how the run ends.
POINTS = [
    ("before-mark", 1, StopReason.EXITED),  # nobody had taken it: it is handed over again
    ("marked", 0, StopReason.LOST),
    ("before-exec", 0, StopReason.LOST),
    ("executing", 1, StopReason.LOST),
    ("reaped", 1, StopReason.LOST),
    ("before-record", 1, StopReason.LOST),
    ("recorded", 1, StopReason.EXITED),
]


@pytest.mark.parametrize(
    "how",
    [(Containment.AUTO, SELF), (Containment.SWEEP, BOTH)],
    ids=["supervisor", "supervisor-and-parent"],
)
@pytest.mark.parametrize("case", POINTS, ids=[name for name, *_ in POINTS])
async def test_a_crash_at(machine, monkeypatch, case, how):
    (name, most, reason), (containment, victims) = case, how
    monkeypatch.setattr(warm, "SOURCE", crashing(machine.base, name, victims))
    monkeypatch.setattr(sight, "REHAND", 0.1)
    backend = machine.open(containment=containment)
    order = machine.shell("train", "exec sleep 0.2")
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.reason is reason
    assert machine.starts(order.key) <= most
    assert (end.exit_code is None) == (reason is StopReason.LOST)
    assert machine.alive("sleep 0.2") == []
    assert await backend.ensure(order) is Ensured.UNCHANGED
    assert await seen(machine.open(containment=containment), order.key) == end


DAEMON = """
import os, sys, anyio
from pathlib import Path
from reconciler.backends.local import supervisor
from reconciler.backends.machine import records
from tests.reconciler.backends.local.support import Machine

base, point, stop = sys.argv[1:]
machine = Machine.again(Path(base))
supervisor.point = records.point = lambda name: os._exit(9) if name == point else None

async def main():
    order = machine.shell("train", "exit 0")
    backend = machine.open()
    await (backend.stop(order.key, 1.0) if stop == "stop" else backend.ensure(order))

anyio.run(main)
"""


@pytest.mark.parametrize("point", ["before-claim", "claimed"])
async def test_a_daemon_that_dies_while_it_makes_a_claim(machine, point):
    backend = machine.open()
    await backend.open()
    order = machine.shell("train", "exit 0")
    assert run_daemon(DAEMON, str(machine.base), point, "ensure").returncode == 9
    again = machine.open()
    made = await again.ensure(order)
    assert made is (Ensured.CREATED if point == "before-claim" else Ensured.UNCHANGED)
    assert (await phase(machine, again, order.key, Phase.ENDED)).exit_code == 0
    assert machine.starts(order.key) == 1
    assert list((machine.settings.root / "making").iterdir()) == []
    run = machine.settings.runs / order.key.run.dns_name("default", "demo")
    assert len(list(run.glob("a1-*"))) == 1


@pytest.mark.parametrize("point", ["before-claim", "claimed"])
async def test_a_daemon_that_dies_while_it_stops_what_was_never_made(machine, point):
    await machine.open().open()
    order = machine.shell("train", "exit 0")
    assert run_daemon(DAEMON, str(machine.base), point, "stop").returncode == 9
    again = machine.open()
    await again.stop(order.key, 1.0)
    await again.ensure(order)
    assert (await phase(machine, again, order.key, Phase.ENDED)).exit_code is None
    assert machine.starts(order.key) == 0


async def test_a_claim_that_was_never_handed_over_starts_at_the_next_look(machine):
    await machine.open().open()
    order = machine.shell("train", "exit 0")
    assert run_daemon(DAEMON, str(machine.base), "claimed", "ensure").returncode == 9
    assert machine.starts(order.key) == 0
    assert (await phase(machine, machine.open(), order.key, Phase.ENDED)).exit_code == 0


async def test_a_killed_program_says_so(either):
    backend = either.open()
    order = either.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(either, backend, order.key, Phase.RUNNING)
    await until(either, lambda: either.starts(order.key))
    kill(either.record(order, "started")["pid"])
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.reason, end.message) == (137, StopReason.EXITED, "ended by signal SIGKILL")


async def test_runs_survive_their_parent(either):
    backend = either.open()
    order = either.shell("train", "sleep 0.3; exit 4")
    await backend.ensure(order)
    await phase(either, backend, order.key, Phase.RUNNING)
    (parent,) = either.parents()
    kill(parent)
    other = either.order("other", Script.SUCCEED)
    await backend.ensure(other)
    assert (await phase(either, backend, order.key, Phase.ENDED)).exit_code == 4
    assert (await phase(either, backend, other.key, Phase.ENDED)).exit_code == 0
    assert either.starts(order.key) == 1


HIDING = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open({mark!r}, "w").close()
        time.sleep(1000)
    os._exit(0)
time.sleep(1000)
"""


@pytest.mark.parametrize("parent_too", [False, True], ids=["supervisor", "supervisor-and-parent"])
async def test_what_a_killed_supervisor_leaves_is_ended(either, parent_too):
    backend = either.open()
    mark = either.base / "hiding"
    order = either.python("train", HIDING.format(mark=str(mark)))
    await backend.ensure(order)
    await until(either, mark.exists)
    assert len(either.alive("train.py")) == 2
    if parent_too:
        for pid in either.parents():
            kill(pid)
    kill(either.supervisor_of(order))
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code, end.message) == (StopReason.LOST, None, "its supervisor was killed")
    assert either.alive("train.py") == []


async def test_a_lost_run_ends_without_a_daemon(either):
    backend = either.open()
    order = either.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(either, backend, order.key, Phase.RUNNING)
    program = either.record(order, "started")["pid"]
    kill(either.supervisor_of(order))
    await until(either, lambda: either.record(order, "exit"))
    assert program not in either.alive()


async def test_everything_killed_at_once(either):
    backend = either.open()
    orders = [either.order(f"train{number}", Script.FOREVER) for number in range(4)]
    for order in orders:
        await backend.ensure(order)
    await until(either, lambda: all(either.starts(order.key) for order in orders))
    for pid in [*either.parents(), *(either.supervisor_of(order) for order in orders)]:
        kill(pid)
    again = either.open()
    for order in orders:
        assert (await phase(either, again, order.key, Phase.ENDED)).reason is StopReason.LOST
        assert either.starts(order.key) == 1


async def test_a_supervisor_told_to_end_is_an_eviction(machine):
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    kill(machine.supervisor_of(order), signal.SIGTERM)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code) == (StopReason.EVICTED, 143)


async def test_a_stop_before_the_program_executes_is_not_lost(machine, monkeypatch):
    """TERM that comes between fork and exec must reach the program, or it would live until its grace is over."""
    asked = f"list(Path({str(machine.settings.root)!r}).glob('claims/*/*/stop.json'))"
    copy = crashing(machine.base, "before-exec", f"while not {asked}: time.sleep(0.005)")
    copy.write_text(copy.read_text().replace('point("before-exec")', 'point("before-exec"); self._look_for_stop()'))
    monkeypatch.setattr(warm, "SOURCE", copy)
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    await backend.stop(order.key, 3600.0)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert (end.exit_code, machine.starts(order.key)) == (143, 0)


async def test_a_supervisor_that_does_not_hear_a_stop_is_replaced(machine, monkeypatch):
    monkeypatch.setattr("reconciler.backends.local.settle.DEAF", 0.1)
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    kill(machine.supervisor_of(order), signal.SIGSTOP)
    await backend.stop(order.key, 0.0)
    await phase(machine, backend, order.key, Phase.ENDED)
    assert machine.alive("sleep 1000") == []


async def test_a_full_disk_delays_an_end_and_loses_nothing(machine, monkeypatch):
    failing = machine.base / "full.py"
    text = warm.SOURCE.read_text().replace(
        "def record_end(folder: Path, claim: Record, name: str, end: Record) -> None:",
        "def record_end(folder, claim, name, end, _left=[1, 1, 1]):\n"
        "    if _left:\n"
        "        _left.pop()\n"
        "        raise OSError(errno.ENOSPC, 'full')\n"
        "    record_end_whole(folder, claim, name, end)\n\n\n"
        "def record_end_whole(folder: Path, claim: Record, name: str, end: Record) -> None:",
    )
    failing.write_text(text.replace("time.sleep(1.0)", "time.sleep(0.02)"))
    monkeypatch.setattr(warm, "SOURCE", failing)
    backend = machine.open()
    order = machine.order("train", Script.FAIL)
    await backend.ensure(order)
    assert (await phase(machine, backend, order.key, Phase.ENDED)).exit_code == 3
