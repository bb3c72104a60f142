"""The warm parent: one for each version, replaced on upgrade, gone when it is not needed; and what it costs."""

import shutil
import statistics
import time
from pathlib import Path

import anyio
import pytest

from planner.model.run import Phase
from reconciler.backends.local import supervisor, warm
from reconciler.backends.local.warm import Warm
from reconciler.errors import Transient
from reconciler.ports import Ensured
from tests.contracts.backend import Script, phase, seen, until
from tests.reconciler.backends.local.support import kill, run_daemon

pytestmark = [pytest.mark.process, pytest.mark.anyio]


def upgraded(machine):
    copy = machine.base / "newer.py"
    copy.write_text(warm.SOURCE.read_text() + "\n# another version\n")
    return copy


async def test_an_upgrade_changes_nothing_under_a_live_run(machine, monkeypatch):
    old = machine.open()
    gate = machine.base / "gate"
    order = machine.shell("train", f"while [ ! -e {gate} ]; do sleep 0.02; done; exit 4")
    await old.ensure(order)
    await phase(machine, old, order.key, Phase.RUNNING)
    (before,) = machine.parents()
    pid = machine.supervisor_of(order)
    await old.close()
    monkeypatch.setattr(warm, "SOURCE", upgraded(machine))
    new = machine.open()
    fresh = machine.order("fresh", Script.SUCCEED)
    await new.ensure(fresh)
    await phase(machine, new, fresh.key, Phase.ENDED)
    assert before in machine.parents()  # it stays as long as it has supervisors
    assert machine.supervisor_of(order) == pid
    gate.touch()
    assert (await phase(machine, new, order.key, Phase.ENDED)).exit_code == 4
    await until(machine, lambda: before not in machine.parents())
    assert len(machine.parents()) == 1


async def test_the_parent_outlives_the_daemon(machine):
    code = """
import sys, anyio
from pathlib import Path
from tests.reconciler.backends.local.support import Machine
machine = Machine.again(Path(sys.argv[1]))
anyio.run(machine.open().ensure, machine.shell("train", "exec sleep 1000"))
"""
    assert run_daemon(code, str(machine.base)).returncode == 0
    assert len(machine.parents()) == 1
    order = machine.shell("train", "exec sleep 1000")
    backend = machine.open()
    await phase(machine, backend, order.key, Phase.RUNNING)
    assert await backend.ensure(order) is Ensured.UNCHANGED
    assert len(machine.parents()) == 1


async def test_many_daemons_start_one_parent(machine):
    backends = [machine.open() for _ in range(6)]
    async with anyio.create_task_group() as tasks:
        for backend in backends:
            tasks.start_soon(backend.open)
    assert len(machine.parents()) == 1


async def test_a_dismissed_parent_goes_with_its_last_supervisor(machine):
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    backend.dismiss()
    assert len(machine.parents()) == 1
    await backend.stop(order.key, 5.0)
    await until(machine, lambda: machine.parents() == [])
    assert machine.groups() == []
    other = machine.order("other", Script.SUCCEED)
    await backend.ensure(other)
    assert (await phase(machine, backend, other.key, Phase.ENDED)).exit_code == 0


async def test_control_groups_go_with_their_runs(machine):
    backend = machine.open()
    order = machine.order("train", Script.SUCCEED)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    left = [str(path) for group in machine.groups() for path in group.glob("*/")]
    assert machine.record(order, "start")["cgroup"] not in left
    backend.dismiss()
    await until(machine, lambda: machine.groups() == [])  # the one that was made for the next start goes too


def ready(machine):
    """Processes that stand by for the next start: a supervisor, and the one that would be its program."""
    return [pid for pid in machine.alive() if (supervisor.look(pid) or ("",))[0] == "plumbline-ready"]


async def started_one(machine, backend):
    """Start something, so that the parent prepares for more; returns who stands by, the supervisor first."""
    first = machine.order("first", Script.SUCCEED)
    await backend.ensure(first)
    await phase(machine, backend, first.key, Phase.ENDED)
    await until(machine, lambda: len(ready(machine)) == 2)
    pids = ready(machine)
    return sorted(pids, key=lambda pid: supervisor.look(pid)[2] in pids)


@pytest.mark.parametrize("victim", [0, 1], ids=["supervisor", "its-program"])
async def test_who_stands_by_and_is_killed_is_replaced(machine, monkeypatch, victim):
    patient = machine.base / "patient.py"
    patient.write_text(warm.SOURCE.read_text().replace("READY = 2.0", "READY = 3600.0"))
    monkeypatch.setattr(warm, "SOURCE", patient)
    backend = machine.open()
    pids = await started_one(machine, backend)
    kill(pids[victim])
    await until(machine, lambda: pids[victim] not in machine.alive())
    second = machine.shell("second", "exit 5")
    await backend.ensure(second)
    assert (await phase(machine, backend, second.key, Phase.ENDED)).exit_code == 5
    assert machine.starts(second.key) == 1
    backend.dismiss()
    await until(machine, lambda: machine.alive() == [] and machine.groups() == [])


async def test_nobody_stands_by_for_long(machine, monkeypatch):
    impatient = machine.base / "impatient.py"
    impatient.write_text(warm.SOURCE.read_text().replace("READY = 2.0", "READY = 0.3").replace("1000 if", "20 if"))
    monkeypatch.setattr(warm, "SOURCE", impatient)
    backend = machine.open()
    await started_one(machine, backend)
    await until(machine, lambda: ready(machine) == [])
    assert len(machine.parents()) == 1
    assert {path.name for group in machine.groups() for path in group.glob("*/")} <= {"supervisors"}


async def test_who_stands_by_goes_with_the_parent(machine):
    backend = machine.open()
    await started_one(machine, backend)
    for pid in machine.parents():
        kill(pid)
    await until(machine, lambda: machine.alive() == [])


async def test_a_parent_that_cannot_start_is_waited_for(machine, monkeypatch):
    broken = machine.base / "broken.py"
    broken.write_text("raise SystemExit('no memory for a parent')")
    monkeypatch.setattr(warm, "SOURCE", broken)
    with pytest.raises(Transient, match="no memory for a parent"):
        await machine.open().ensure(machine.order("train", Script.SUCCEED))


async def test_a_parent_that_hangs_is_waited_for_and_no_longer(machine, monkeypatch):
    hanging = machine.base / "hanging.py"
    hanging.write_text("import time; time.sleep(1000)")
    monkeypatch.setattr(warm, "SOURCE", hanging)
    monkeypatch.setattr(warm, "PATIENCE", 0.2)
    with pytest.raises(Transient, match="cannot be started"):
        await machine.open().ensure(machine.order("train", Script.SUCCEED))


async def test_a_parent_whose_state_is_removed_goes(machine, monkeypatch):
    impatient = machine.base / "impatient.py"
    impatient.write_text(warm.SOURCE.read_text().replace("10_000", "20"))
    monkeypatch.setattr(warm, "SOURCE", impatient)
    await machine.open().open()
    assert len(machine.parents()) == 1
    shutil.rmtree(machine.settings.root)
    await until(machine, lambda: machine.parents() == [])


async def test_a_claim_of_a_newer_format_is_left_alone(machine):
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    claim = machine.claim(order) / "claim.json"
    supervisor.write_over(claim, {**supervisor.read(claim), "version": 2})
    again = machine.open()
    shown = (await again.observe()).objects[order.key]
    assert "claim format 2, known here: 1" in shown.message
    with pytest.raises(Transient, match="claim format 2, known here: 1"):
        await again.stop(order.key, 0.0)
    assert supervisor.look(machine.supervisor_of(order)) is not None


async def test_a_hundred_at_once(machine):
    backend = machine.open()
    orders = [machine.shell(f"train{number}", "exit 0") for number in range(100)]
    async with anyio.create_task_group() as tasks:
        for order in orders:
            tasks.start_soon(backend.ensure, order)

    async def all_ended():
        found = (await backend.observe()).objects.values()
        return sum(one.phase is Phase.ENDED for one in found) == 100

    await until(machine, all_ended)
    assert {machine.starts(order.key) for order in orders} == {1}
    assert {one.exit_code for one in (await backend.observe()).objects.values()} == {0}


async def test_what_is_cleaned_costs_nothing(machine):
    backend = machine.open()
    for number in range(30):
        order = machine.shell(f"train{number}", "exit 0")
        await backend.stop(order.key, 0.0)
        await backend.clean(order.key)
    assert list((machine.settings.root / "live").glob("*/*")) == []
    sight = backend._sight
    assert (sight._known, sight._ended, sight._handed) == ({}, {}, {})
    assert (await backend.observe()).objects == {}


async def test_a_supervisor_is_small_and_a_start_is_quick(machine):
    """Limits far above what is measured (docs/local-backend.md), so that a busy machine passes."""
    backend = machine.open()
    await backend.open()
    orders = [machine.order(f"train{number}", Script.FOREVER) for number in range(10)]
    spent = []
    for order in orders:
        begun = time.perf_counter()
        await backend.ensure(order)
        spent.append(time.perf_counter() - begun)
    for order in orders:
        await phase(machine, backend, order.key, Phase.RUNNING)
    sizes = [pss(machine.supervisor_of(order)) for order in orders]
    assert statistics.mean(sizes) < 12 * 1024
    assert statistics.median(spent) < 0.25


def pss(pid):
    """Kibibytes that process `pid` costs, shared ones by share."""
    with Path(f"/proc/{pid}/smaps_rollup").open() as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


async def test_hints_are_heard_by_two_daemons(machine):
    one, other = machine.open(), machine.open()
    heard = {one: set(), other: set()}

    async def listen(backend):
        async for key in backend.changes():
            heard[backend].add(key)

    order = machine.order("train", Script.SUCCEED)
    async with anyio.create_task_group() as tasks:
        for backend in heard:
            tasks.start_soon(listen, backend)
        await until(machine, lambda: len(list(machine.settings.root.glob("listen/*"))) == 2)
        await one.ensure(order)
        await until(machine, lambda: all(order.key in keys for keys in heard.values()))
        await one.close()
        await other.close()
    assert list((machine.settings.root / "listen").iterdir()) == []


async def test_a_dead_listener_is_swept(machine):
    backend = machine.open()
    await backend.open()
    code = """
import os, sys
from pathlib import Path
from reconciler.backends.local import hints
with hints.listener(Path(sys.argv[1])): os._exit(0)
"""
    assert run_daemon(code, str(machine.settings.root / "listen")).returncode == 0
    assert len(list((machine.settings.root / "listen").iterdir())) == 1
    order = machine.order("train", Script.SUCCEED)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    await until(machine, lambda: list((machine.settings.root / "listen").iterdir()) == [])


async def test_a_follower_sees_lines_as_they_come(machine):
    backend = machine.open()
    gate = machine.base / "gate"
    order = machine.shell("train", f"echo one; while ! test -e {gate}; do sleep 0.01; done; echo two; printf three")
    await backend.ensure(order)
    got = b""
    with anyio.fail_after(60.0):
        async for chunk in backend.logs(order.key, follow=True):
            got += chunk
            if got == b"one\n":
                gate.touch()
    assert got == b"one\ntwo\nthree"
    assert (await seen(backend, order.key)).exit_code == 0


def test_the_parent_is_named_by_the_content_it_runs(tmp_path):
    first = Warm(tmp_path, ())
    assert first._ident in str(first._copy())
    assert first._copy().read_bytes() == warm.SOURCE.read_bytes()
