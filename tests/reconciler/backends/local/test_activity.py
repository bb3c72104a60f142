"""Whether a service is in use: asked by HTTP or by a command, and whoever cannot be asked counts as in use."""

import sys
from dataclasses import replace

import pytest

from planner.model.gang import Activity, Lifetime
from planner.model.run import Leases
from tests.contracts.backend import seen, until
from tests.ports import free_port
from tests.reconciler.backends.local.support import regang

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open({asked!r}, "a") as file:
            file.write(self.path + "\\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write({answer!r}.encode())
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PLUMBLINE_PORT"])), Handler).serve_forever()
"""


def serving(order, activity, ports=()):
    run = replace(order.run, kind="service", activity=activity)
    return regang(replace(order, run=run, leases=Leases(ports)), lifetime=Lifetime.ALWAYS, ports=ports)


async def two_notes(machine, backend, order, asked):
    """What was noted of its activity, and what after it was asked some more times."""

    async def more(number):
        await until(machine, lambda: asked.exists() and len(asked.read_text().splitlines()) >= number)
        return (await seen(backend, order.key)).active_at

    first = await more(3)
    second = await more(len(asked.read_text().splitlines()) + 3)
    await backend.stop(order.key, 0)
    return first, second


@pytest.mark.parametrize(
    ("answer", "idle"),
    [
        pytest.param('{"last_activity": "2026-01-02T03:04:05Z"}', True, id="utc"),
        pytest.param('{"last_activity": "2026-01-02T04:04:05.000000+01:00", "x": 1}', True, id="offset"),
        pytest.param('{"last_activity": "2026-01-02T03:04:05"}', True, id="naive"),
        pytest.param('{"last_activity": "2999-01-01T00:00:00Z"}', False, id="not-yet"),
        pytest.param('{"last_activity": 7}', False, id="no-instant"),
        pytest.param("[]", False, id="no-object"),
        pytest.param("busy", False, id="no-json"),
        pytest.param("{}", False, id="silent"),
    ],
)
async def test_what_a_service_answers_by_http(machine, answer, idle):
    backend, asked = machine.open(), machine.base / "asked"
    program = machine.base / "server.py"
    program.write_text(SERVER.format(asked=str(asked), answer=answer))
    order = machine.shell("serve", f"exec {sys.executable} {program}")
    order = serving(order, Activity("/used", 0, period=0.02), (free_port(),))
    await backend.ensure(order)
    first, second = await two_notes(machine, backend, order, asked)
    assert (first == second) if idle else (first < second)
    assert set(asked.read_text().split()) == {"/used"}


@pytest.mark.parametrize(
    ("command", "idle"),
    [
        ("exit 0", False),
        ("exit 1", True),
        ("exit 125", True),
        ("exit 127", False),
        ("kill -9 $$", False),
        ("sleep 9", False),
    ],
)
async def test_what_a_command_says(machine, command, idle):
    backend, asked = machine.open(), machine.base / "asked"
    order = machine.shell("serve", "exec sleep 1000")
    words = ("/bin/sh", "-c", f"echo x >> {asked}; {command}")
    order = serving(order, Activity(command=words, period=0.02, timeout=0.2 if "sleep" in command else 60.0))
    await backend.ensure(order)
    first, second = await two_notes(machine, backend, order, asked)
    assert (first == second) if idle else (first < second)


async def test_a_command_that_is_not_there_stops_nobody(machine):
    backend = machine.open()
    order = serving(machine.shell("serve", "exec sleep 1000"), Activity(command=("/nothing/here",), period=0.02))
    await backend.ensure(order)
    notes = set()

    async def noted():
        notes.add((await seen(backend, order.key)).active_at)
        return len(notes - {None}) >= 3

    await until(machine, noted)
    await backend.stop(order.key, 0)


async def test_what_nobody_asks_says_nothing(machine):
    backend = machine.open()
    order = serving(machine.shell("serve", "exec sleep 1000"), None)
    await backend.ensure(order)

    async def ready():
        return (await seen(backend, order.key)).ready

    await until(machine, ready)
    assert (await seen(backend, order.key)).active_at is None
    await backend.stop(order.key, 0)
