"""Services with probes, and gangs of several processes: started together, ended by their decider or a failure."""

import time
from dataclasses import replace

import anyio
import pytest

from planner.model.gang import Container, Lifetime, Probe, Replica
from planner.model.run import Leases, Phase
from planner.model.status import StopReason
from reconciler.errors import Refused
from tests.contracts.backend import Script, phase, seen, until
from tests.ports import free_port
from tests.reconciler.backends.local.support import kill, regang

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SERVER = """
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" and not os.path.exists({flag!r}) else 503)
        self.end_headers()
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PLUMBLINE_PORT"])), Answer).serve_forever()
"""

QUICK = {"period": 0.03, "timeout": 2.0, "failures": 2}


def service(order, probe, ports=()):
    order = replace(order, run=replace(order.run, kind="service"), leases=Leases(ports=ports))
    return regang(order, lifetime=Lifetime.ALWAYS, probe=probe, ports=ports)


async def becomes(machine, backend, order, *, ready):
    async def is_so():
        now = await seen(backend, order.key)
        return now is not None and now.ready is ready

    await until(machine, is_so)


PROBES = {
    "http": Probe(http_path="/healthz", port=0, **QUICK),
    "tcp": Probe(port=0, **QUICK),
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
async def test_a_service_is_ready_once_it_answers(machine, probe):
    flag, port = machine.base / "sick", free_port()
    backend = machine.open()
    order = service(machine.python("serve", SERVER.format(flag=str(flag))), probe, (port,))
    await backend.ensure(order)
    await becomes(machine, backend, order, ready=True)
    assert port not in (await backend.observe()).busy_ports  # its own lease is not busy
    assert port in (await machine.open().observe([])).busy_ports
    await backend.stop(order.key, 5.0)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert not end.ready


async def test_a_service_that_fails_its_probe_is_not_ready_until_it_answers_again(machine):
    flag, port = machine.base / "sick", free_port()
    backend = machine.open()
    order = service(machine.python("serve", SERVER.format(flag=str(flag))), PROBES["http"], (port,))
    await backend.ensure(order)
    await becomes(machine, backend, order, ready=True)
    flag.touch()
    await becomes(machine, backend, order, ready=False)
    assert (await seen(backend, order.key)).phase is Phase.RUNNING
    flag.unlink()
    await becomes(machine, backend, order, ready=True)


async def test_readiness_is_known_without_a_daemon(machine):
    backend = machine.open()
    order = service(machine.order("serve", Script.FOREVER), Probe(command=("test", "-e", "up"), **QUICK))
    order = regang(order, code=())
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    assert not (await seen(backend, order.key)).ready
    await backend.close()
    run = machine.settings.runs / order.key.run.dns_name("default", "demo")
    (work,) = run.glob("a1-*/main-0/work")
    (work / "up").touch()
    await until(machine, (machine.claim(order) / "main-0.ready").exists)
    assert (await seen(machine.open(), order.key)).ready


async def test_without_a_probe_a_service_is_ready_once_it_lived_for_a_while(machine):
    backend = machine.open(steady=0.5)
    order = service(machine.order("serve", Script.FOREVER), None)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    assert not (await seen(backend, order.key)).ready
    await backend.close()
    await until(machine, (machine.claim(order) / "main-0.ready").exists)
    now = await seen(machine.open(), order.key)
    assert now.ready
    assert machine.record(order, "started")["at"] <= time.time() - 0.5


async def test_without_a_probe_readiness_is_hinted_at(machine):
    backend = machine.open(steady=0.5)
    order = service(machine.order("serve", Script.FOREVER), None)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    with anyio.fail_after(60.0):
        async for key in backend.changes():
            if key == order.key and (await seen(backend, key)).ready:
                break


async def test_a_service_that_exits_at_once_was_never_ready(machine):
    backend = machine.open(steady=60.0)
    order = service(machine.shell("serve", "sleep 0.2; exit 3"), None)
    await backend.ensure(order)
    readiness = []

    async def ended():
        now = await seen(backend, order.key)
        readiness.append(now.ready)
        return now.phase is Phase.ENDED

    await until(machine, ended)
    assert not any(readiness)


async def test_a_probe_that_hangs_holds_nothing_up(either):
    backend = either.open()
    hanging = Probe(command=("/bin/sh", "-c", "sleep 1000 & wait"), period=0.02, timeout=0.05, failures=1)
    order = service(either.order("serve", Script.FOREVER), hanging)
    await backend.ensure(order)
    await phase(either, backend, order.key, Phase.RUNNING)
    await until(either, lambda: len(either.alive("sleep 1000")) > 1)
    with anyio.fail_after(60.0):
        await backend.stop(order.key, 1.0)
        await phase(either, backend, order.key, Phase.ENDED)
    assert either.alive("sleep 1000") == []


async def test_a_probe_of_a_port_that_is_not_there_is_refused(machine):
    order = service(machine.order("serve", Script.FOREVER), Probe(port=1, **QUICK), (20000,))
    with pytest.raises(Refused, match="looks at port 1, but the run has 1 ports"):
        await machine.open().ensure(order)


def gang(machine, **scripts):
    """An order of a gang with a role for each script; its decider is chief."""
    order = machine.shell("gang", "true")
    replicas = tuple(
        Replica(role, count, Container(command=("/bin/sh", "-c", text))) for role, (count, text) in scripts.items()
    )
    return regang(order, replicas=replicas, decider="chief")


async def end_of(machine, order):
    backend = machine.open()
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert machine.alive("sleep 1000") == []
    return end


async def test_the_deciders_end_ends_the_gang(either):
    order = gang(either, chief=(1, "echo a=chief >> $PLUMBLINE_OUTPUT"), worker=(3, "sleep 1000"))
    end = await end_of(either, order)
    assert (end.exit_code, end.reason, end.message, end.outputs) == (0, StopReason.EXITED, "", {"a": "chief"})


async def test_all_of_the_deciders_must_succeed(machine):
    text = 'case "$PLUMBLINE_OUTPUT" in *chief-1*) exit 6;; *) exec sleep 1000;; esac'
    end = await end_of(machine, gang(machine, chief=(3, text)))
    assert (end.exit_code, end.message) == (6, "chief-1: exit code 6")


async def test_a_gang_waits_for_all_of_its_deciders(machine):
    text = 'case "$PLUMBLINE_OUTPUT" in *chief-1*) sleep 0.2; echo a=late >> $PLUMBLINE_OUTPUT;; esac'
    end = await end_of(machine, gang(machine, chief=(2, text)))
    assert (end.exit_code, end.outputs) == (0, {"a": "late"})


async def test_a_failed_worker_fails_the_gang(either):
    end = await end_of(either, gang(either, chief=(1, "exec sleep 1000"), worker=(2, "exit 7")))
    assert end.exit_code == 7
    assert end.message in {"worker-0: exit code 7", "worker-1: exit code 7"}


async def test_a_worker_that_is_done_early_ends_nothing(machine):
    end = await end_of(machine, gang(machine, chief=(1, "sleep 0.2"), worker=(1, "true")))
    assert (end.exit_code, end.message) == (0, "")


async def test_a_lost_worker_loses_the_gang(either):
    backend = either.open()
    order = gang(either, chief=(1, "exec sleep 1000"), worker=(2, "exec sleep 1000"))
    await backend.ensure(order)
    await until(either, lambda: len(either.alive("sleep 1000")) == 3)
    for pid in either.parents():
        kill(pid)
    kill(either.supervisor_of(order, "worker-1"))
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code) == (StopReason.LOST, None)
    assert either.alive("sleep 1000") == []


async def test_a_gang_of_a_service_ends_with_any_of_it(machine):
    order = service(gang(machine, chief=(1, "exec sleep 1000"), worker=(1, "true")), None)
    end = await end_of(machine, order)
    assert end.phase is Phase.ENDED


async def test_a_gang_is_stopped_whole(either):
    backend = either.open()
    order = gang(either, chief=(1, "exec sleep 1000"), worker=(4, "exec sleep 1000"))
    await backend.ensure(order)
    await until(either, lambda: len(either.alive("sleep 1000")) == 5)
    await backend.stop(order.key, 5.0)
    end = await phase(either, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.reason) == (143, StopReason.EXITED)
    assert either.alive("sleep 1000") == []


async def test_a_gang_shares_artifacts_and_nothing_else(machine):
    text = 'echo x > mine; ls | wc -l; touch "$PLUMBLINE_ARTIFACTS/outputs/$$"; sleep 0.1'
    order = gang(machine, chief=(2, text))
    await end_of(machine, order)
    run = machine.settings.runs / order.key.run.dns_name("default", "demo")
    assert len(list((run / "artifacts" / "outputs").iterdir())) == 2
    printed = b"".join([chunk async for chunk in machine.open().logs(order.key)])
    assert printed == b"==> chief-0 <==\n1\n==> chief-1 <==\n1\n"
