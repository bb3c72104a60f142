"""Programs that do what they should not: everything of them is gone at the end, and nobody waits for them."""

import os
from dataclasses import replace

import anyio
import pytest

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.backends.local import supervisor
from tests.contracts.backend import phase, until

pytestmark = [pytest.mark.process, pytest.mark.anyio]

DOUBLE_FORK = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("up", "w").close()
        time.sleep(1000)
    os._exit(0)
{parent}
"""

# What runs until it is stopped; each makes the file "up" once it is at its worst.
UNTIL_STOPPED = {
    "double-fork": DOUBLE_FORK.format(parent="time.sleep(1000)"),
    "ignores-term": """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("up", "w").close()
time.sleep(1000)
""",
    "ignores-all-in-its-children": """
import os, signal, time
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
open("up", "w").close()
time.sleep(1000)
""",
    "200-children": """
import os, time
for _ in range(200):
    if os.fork() == 0:
        time.sleep(1000)
open("up", "w").close()
time.sleep(1000)
""",
    "stopped-by-itself": """
import os, signal
open("up", "w").close()
os.kill(os.getpid(), signal.SIGSTOP)
""",
    "keeps-forking": """
import os, time
open("up", "w").close()
while True:
    if os.fork() == 0:
        time.sleep(0.005)
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    time.sleep(0.005)
""",
    "zombies": """
import os, time
for _ in range(100):
    if os.fork() == 0:
        os._exit(0)
open("up", "w").close()
time.sleep(1000)
""",
    "closes-its-output": """
import os, time
os.close(1)
os.close(2)
open("up", "w").close()
time.sleep(1000)
""",
    "forgets-its-environment": """
import os, sys, time
if len(sys.argv) == 1:
    if os.fork() == 0:
        os.setsid()
        os.execve(sys.executable, [sys.executable, "-I", "-S", __file__, "again"], {})
    time.sleep(1000)
open("up", "w").close()
time.sleep(1000)
""",
}


def up(machine, order):
    run = machine.settings.runs / order.key.run.dns_name("default", "demo")
    return any(run.glob("a1-*/main-0/*/up"))


@pytest.mark.parametrize("program", UNTIL_STOPPED.values(), ids=UNTIL_STOPPED.keys())
async def test_a_stop_ends_all_of_it(either, program):
    backend = either.open()
    order = either.python("hostile", program)
    await backend.ensure(order)
    await until(either, lambda: up(either, order))
    with anyio.fail_after(60.0):
        await backend.stop(order.key, 0.2)
        end = await phase(either, backend, order.key, Phase.ENDED)
    assert end.reason is StopReason.EXITED
    assert end.exit_code in {143, 137}
    assert either.alive("hostile.py") == []


ENDS_BY_ITSELF = {
    "daemonises": DOUBLE_FORK.format(parent="while not os.path.exists('up'): time.sleep(0.005)"),
    "leaves-a-child-on-its-pipe": """
import os, time
if os.fork() == 0:
    time.sleep(1000)
""",
    "leaves-200": """
import os, time
for _ in range(200):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
""",
}


@pytest.mark.parametrize("program", ENDS_BY_ITSELF.values(), ids=ENDS_BY_ITSELF.keys())
async def test_its_end_is_the_end_of_all_of_it(either, program):
    backend = either.open()
    order = either.python("hostile", program)
    await backend.ensure(order)
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.reason) == (0, StopReason.EXITED)
    assert either.alive("hostile.py") == []


async def test_a_flood_is_capped(machine):
    backend = machine.open(log_cap=1 << 20)
    order = machine.shell("flood", "head -c 500000000 /dev/zero; echo; echo the end")
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.exit_code == 0
    logs = list((machine.settings.root / "logs").glob("*/*/*"))
    assert len(logs) == 2
    assert all(path.stat().st_size <= 1 << 20 for path in logs)
    tail = b"".join([chunk async for chunk in backend.logs(order.key, tail=1)])
    assert tail == b"the end\n"


async def test_a_flood_does_not_delay_a_stop(machine):
    backend = machine.open(log_cap=1 << 20)
    order = machine.shell("flood", "exec cat /dev/zero")
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    with anyio.fail_after(60.0):
        await backend.stop(order.key, 1.0)
        await phase(machine, backend, order.key, Phase.ENDED)


async def test_a_timeout_ends_it(either):
    backend = either.open()
    order = either.shell("slow", "trap '' TERM; sleep 1000 & wait; sleep 1000", timeout=0.2, grace=0.1)
    await backend.ensure(order)
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code, end.message) == (StopReason.TIMEOUT, 137, "timed out after 0.2 s")
    assert either.alive("sleep 1000") == []


async def test_times_beyond_what_poll_can_wait_for(machine):
    backend = machine.open()
    order = machine.shell("patient", "trap '' TERM; sleep 0.3; exit 4", timeout=1e10, grace=1e10)
    await backend.ensure(order)
    await until(machine, lambda: machine.starts(order.key))
    await backend.stop(order.key, 1e10)
    assert (await phase(machine, backend, order.key, Phase.ENDED)).exit_code in {4, 143}


async def test_a_timeout_without_a_daemon(machine):
    backend = machine.open()
    order = machine.shell("slow", "exec sleep 1000", timeout=0.2)
    await backend.ensure(order)
    await backend.close()
    await until(machine, lambda: machine.record(order, "exit"))
    assert machine.record(order, "exit")["reason"] == "timeout"


async def test_a_program_has_its_grace(machine):
    backend = machine.open()
    order = machine.shell("polite", "trap 'echo bye; exit 5' TERM; while :; do sleep 0.02; done")
    await backend.ensure(order)
    await until(machine, lambda: machine.starts(order.key))
    await backend.stop(order.key, 30.0)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.exit_code == 5


BAD_STARTS = [
    (("no-such-program",), 127, "cannot execute no-such-program: No such file or directory"),
    (("/etc/passwd",), 126, "cannot execute /etc/passwd: Permission denied"),
]


@pytest.mark.parametrize(("command", "code", "message"), BAD_STARTS, ids=["missing", "no-program"])
async def test_what_cannot_execute_says_why(machine, command, code, message):
    backend = machine.open()
    order = machine.shell("bad", "")
    (group,) = order.run.gang.replicas
    group = replace(group, container=replace(group.container, command=command))
    order = replace(order, run=replace(order.run, gang=replace(order.run.gang, replicas=(group,))))
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.message) == (code, message)
    logged = b"".join([chunk async for chunk in backend.logs(order.key)])
    assert logged.decode() == f"plumbline: {message}\n"


async def test_a_reused_pid_is_never_signalled(machine):
    """A marker that names a live process that is not its supervisor: same pid, other start time or other name."""
    backend = machine.open()
    innocent = await anyio.open_process(["sleep", "1000"])
    try:
        found = supervisor.look(innocent.pid)
        for number, start in enumerate([found[3], found[3] - 1]):
            order = machine.order(f"train{number}", "forever")
            await backend.ensure(order)
            await phase(machine, backend, order.key, Phase.RUNNING)
            os.kill(machine.supervisor_of(order), 9)
            await until(machine, lambda order=order: machine.record(order, "exit"))
            claim = machine.claim(order)
            (claim / "main-0.exit").unlink()
            for name in ("start", "started"):
                record = {**supervisor.read(claim / f"main-0.{name}"), "pid": innocent.pid, "start": start}
                if name == "started":
                    record["start"] = found[3] - 1
                supervisor.write_over(claim / f"main-0.{name}", record)
            await backend.stop(order.key, 0.0)
            end = await phase(machine, machine.open(), order.key, Phase.ENDED)
            assert end.reason is StopReason.LOST
        assert innocent.returncode is None
        assert supervisor.look(innocent.pid)[1] in "SR"
    finally:
        innocent.kill()
        await innocent.aclose()


async def test_a_restarted_machine_loses_its_runs(machine):
    backend = machine.open()
    running, ended = machine.order("train", "forever"), machine.order("done", "fail")
    for order in (running, ended):
        await backend.ensure(order)
    await phase(machine, backend, ended.key, Phase.ENDED)
    await until(machine, lambda: machine.starts(running.key))
    pid = machine.supervisor_of(running)
    machine.boot.write_text("boot-2\n")
    again = machine.open()
    end = await phase(machine, again, running.key, Phase.ENDED)
    assert (end.reason, end.exit_code, end.message) == (StopReason.NODE_LOST, None, "the machine restarted")
    assert (await phase(machine, again, ended.key, Phase.ENDED)).exit_code == 3
    assert supervisor.look(pid) is not None  # a pid of another boot is nobody's to signal
    assert machine.starts(running.key) == 1


async def test_a_restarted_machine_starts_no_old_claim(machine):
    backend = machine.open()
    await backend.open()
    order = machine.shell("train", "exit 0")
    backend._warm.hand = lambda folder, names: None  # the daemon died here
    await backend.ensure(order)
    machine.boot.write_text("boot-2\n")
    again = machine.open()
    await again.ensure(order)
    assert (await phase(machine, again, order.key, Phase.ENDED)).reason is StopReason.NODE_LOST
    assert machine.starts(order.key) == 0


async def test_a_lost_index_is_made_again_after_a_restart_of_the_machine(machine):
    backend = machine.open()
    order = machine.order("done", "fail")
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    for entry in (machine.settings.root / "live").glob("*/*"):
        entry.unlink()
    machine.boot.write_text("boot-2\n")
    assert set((await machine.open().observe()).objects) == {order.key}
