"""What the engine's backend does beyond the laws of the port, on a real Podman.

Crashes between two calls, an engine that is away, a machine that restarts, what others do to containers.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from typing import Any

import anyio
import pytest

from planner.model.gang import Activity, CodeTree, Lifetime, Probe
from planner.model.run import Leases, Phase, Stamp
from planner.model.status import StopReason
from reconciler.backends.engine import names
from reconciler.backends.engine.client import Denied, Engine
from reconciler.errors import Refused, Transient
from reconciler.ports import Ensured, Order
from tests.contracts.backend import Script, phase, seen, until
from tests.engine.asked import Given
from tests.engine.world import OWNER, EngineWorld

pytestmark = [pytest.mark.engine, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def world(engine):
    return engine


def regang(order: Order, **changed: Any) -> Order:
    return replace(order, run=replace(order.run, gang=replace(order.run.gang, **changed)))


def repod(order: Order, container: dict[str, Any] | None = None, **pod: Any) -> Order:
    """The order with more in its pod, and in its container there."""
    (group,) = order.run.gang.replicas
    inner = {**group.pod["container"], **(container or {})}
    return regang(order, replicas=(replace(group, pod={**group.pod, **pod, "container": inner}),))


def recontain(order: Order, **changed: Any) -> Order:
    (group,) = order.run.gang.replicas
    return regang(order, replicas=(replace(group, container=replace(group.container, **changed)),))


class Cut(Exception):  # noqa: N818 -- no error: a death
    """The daemon dies here."""


@contextlib.contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, method: str, ends: str, *, after: bool):
    """Die at a question: before it is sent, or when it was answered and nobody heard it."""
    asked = Engine.call

    async def call(self: Engine, said: str, path: str, *args: Any, **more: Any) -> Any:
        if said == method and path.endswith(ends):
            if after:
                await asked(self, said, path, *args, **more)
            raise Cut
        return await asked(self, said, path, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "call", call)
        yield


# --- starts once, whatever dies when ---


@pytest.mark.parametrize(
    ("ends", "after"),
    [("/containers/create", False), ("/containers/create", True), ("/start", False), ("/start", True)],
    ids=["before-create", "created-unheard", "before-start", "started-unheard"],
)
async def test_a_daemon_that_dies_between_two_calls_starts_it_once(world, monkeypatch, ends, after):
    order = world.order("train", Script.SUCCEED)
    with dying(monkeypatch, "POST", ends, after=after), pytest.raises(Cut):
        await world.open().ensure(order)
    again = world.open()
    assert await again.ensure(order) is Ensured.UNCHANGED
    end = await phase(world, again, order.key, Phase.ENDED)
    assert (end.exit_code, dict(end.outputs)) == (0, {"answer": 42})
    assert world.starts(order.key) == 1
    assert len(world.podman.containers()) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before-create", "created-unheard"])
async def test_what_was_made_and_not_started_is_stopped_for_good(world, monkeypatch, after):
    order = world.order("train", Script.SUCCEED)
    with dying(monkeypatch, "POST", "/containers/create", after=after), pytest.raises(Cut):
        await world.open().ensure(order)
    again = world.open()
    await again.stop(order.key, 1.0)
    end = await phase(world, again, order.key, Phase.ENDED)
    assert (end.exit_code, end.started_at) == (None, None)
    await again.clean(order.key)
    assert world.podman.containers() == []
    assert world.starts(order.key) == 0


async def test_a_start_that_comes_late_starts_nothing(world, monkeypatch):
    """What was sent and not seen is given up: its container has lost the folder that it mounts, then goes."""
    order = world.order("train", Script.SUCCEED)
    with dying(monkeypatch, "POST", "/start", after=False), pytest.raises(Cut):
        await world.open().ensure(order)
    (first,) = world.podman.containers()
    again = world.open()
    end = await phase(world, again, order.key, Phase.ENDED)
    assert end.exit_code == 0
    (second,) = world.podman.containers()
    assert (first["Id"] != second["Id"], second["Labels"][names.MAKING]) == (True, "1")
    with pytest.raises(AssertionError, match=r"(?i)no such container"):
        world.podman.post(f"/containers/{first['Id']}/start")
    assert world.starts(order.key) == 1


async def test_without_the_folder_that_it_mounts_no_engine_starts_a_container(world, monkeypatch):
    """What `driving` builds on."""
    order = world.order("train", Script.SUCCEED)
    with dying(monkeypatch, "POST", "/start", after=False), pytest.raises(Cut):
        await world.open().ensure(order)
    (made,) = world.podman.containers()
    (base,) = world.settings.runs.glob("train-*/a1-*/main-0")
    base.rename(base.with_name("main-0.1"))
    with pytest.raises(AssertionError, match=r"no such file|source path does not exist"):
        world.podman.post(f"/containers/{made['Id']}/start")
    (still,) = world.podman.containers()
    assert still["State"] in {"created", "configured"}
    assert world.starts(order.key) == 0


async def test_what_came_late_of_a_cleaned_attempt_is_removed(world):
    order = world.order("train", Script.SUCCEED)
    backend = world.open()
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.ENDED)
    (one,) = world.podman.containers()
    labels = one["Labels"]
    await backend.clean(order.key)
    body = {"Image": one["Image"], "Labels": labels, "Cmd": ["true"]}
    world.podman.post("/containers/create", body, name=world.called(order))
    other = world.order("other", Script.FOREVER)
    await backend.ensure(other)
    await phase(world, backend, other.key, Phase.RUNNING)
    assert [each["Labels"][names.KEY] for each in world.podman.containers()] == [str(other.key)]
    assert world.starts(order.key) == 1


# --- the engine and the machine ---


async def test_an_engine_that_is_away_is_no_end(world):
    order, later = world.order("train", Script.FOREVER), world.order("later", Script.SUCCEED)
    backend = world.open()
    await backend.ensure(order)
    before = await phase(world, backend, order.key, Phase.RUNNING)
    world.podman.stop()
    try:
        with pytest.raises(Transient, match="cannot be reached"):
            await backend.observe([order.key])
        with pytest.raises(Transient, match="cannot be reached"):
            await backend.ensure(later)
        assert later.key not in (await backend.observe([later.key])).objects, "nothing was made of it"
        await backend.stop(order.key, 0.0)  # durable; the engine is told when it is back
    finally:
        world.podman.start()
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.started_at, end.exit_code) == (before.started_at, 137)
    assert await backend.ensure(later) is Ensured.CREATED
    assert (await phase(world, backend, later.key, Phase.ENDED)).exit_code == 0


async def test_a_machine_that_restarts_loses_what_ran(world):
    ran, ended = world.order("ran", Script.FOREVER), world.order("ended", Script.FAIL)
    backend = world.open()
    await backend.ensure(ran)
    await backend.ensure(ended)
    await until(world, lambda: world.starts(ran.key))
    before = await phase(world, backend, ended.key, Phase.ENDED)
    await backend.close()
    world.podman.reboot()
    world.boot.write_text("boot-2\n")
    again = world.open()
    lost = await phase(world, again, ran.key, Phase.ENDED)
    assert (lost.reason, lost.exit_code, lost.message) == (StopReason.NODE_LOST, None, "the machine restarted")
    assert await seen(again, ended.key) == before
    assert await again.ensure(ran) is Ensured.UNCHANGED
    assert world.starts(ran.key) == 1


async def test_what_was_made_before_a_restart_of_the_machine_starts_after_it(world, monkeypatch):
    order = world.order("train", Script.SUCCEED)
    with dying(monkeypatch, "POST", "/containers/create", after=True), pytest.raises(Cut):
        await world.open().ensure(order)
    world.podman.reboot()
    world.boot.write_text("boot-2\n")
    assert (await phase(world, world.open(), order.key, Phase.ENDED)).exit_code == 0
    assert world.starts(order.key) == 1


async def test_what_somebody_removes_stays_down(world):
    order = world.order("train", Script.FOREVER)
    backend = world.open()
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.RUNNING)
    world.podman.remove(world.called(order))
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code) == (StopReason.DELETED, None)
    assert end.message == "somebody removed its container"
    assert await backend.ensure(order) is Ensured.UNCHANGED
    assert world.starts(order.key) == 1


async def test_a_name_that_somebody_else_has_is_refused(world):
    order = world.order("train", Script.SUCCEED)
    image = order.run.gang.replicas[0].container.image
    world.podman.post("/containers/create", {"Image": image, "Cmd": ["true"]}, name=world.called(order))
    with pytest.raises(Refused, match="exists and is not ours"):
        await world.open().ensure(order)
    world.podman.remove(world.called(order))
    elsewhere = Stamp("ledger-2", 1, OWNER.instance, OWNER.project)
    other = world.open(elsewhere, root=world.base / "state-2", runs=world.base / "runs-2")
    await other.ensure(replace(order, stamp=elsewhere))
    with pytest.raises(Refused, match="of the ledger ledger-2"):
        await world.open().ensure(order)


# --- starts that fail, images that are not there ---


@pytest.mark.parametrize(("command", "code"), [("/nothing/here", 127), ("/etc/passwd", 126)])
async def test_a_program_that_cannot_run_ends_as_in_a_shell(world, command, code):
    backend = world.open(init=False)
    order = recontain(world.order("train", Script.SUCCEED), command=(command,))
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert end.exit_code == code
    assert command in end.message


async def test_an_image_that_is_not_there_is_waited_for(world, monkeypatch):
    backend = world.open()
    order = recontain(world.order("train", Script.SUCCEED), image="localhost:1/nothing/here:1")
    assert await backend.ensure(order) is Ensured.CREATED

    async def told() -> bool:
        now = await seen(backend, order.key)
        assert now.phase is Phase.STARTING
        return "cannot be pulled" in now.message

    await until(world, told)
    world.podman.post("/images/plumbline-test/busybox:1/tag", repo="localhost:1/nothing/here", tag="1")
    assert (await phase(world, backend, order.key, Phase.ENDED)).exit_code == 0
    await backend.clean(order.key)
    world.podman.untag("localhost:1/nothing/here:1")


async def test_an_image_that_must_not_be_pulled_is_waited_for_too(world):
    backend = world.open(pull="never")
    order = recontain(world.order("train", Script.SUCCEED), image="localhost:1/nothing/else:1")
    await backend.ensure(order)
    now = await seen(backend, order.key)
    assert (now.phase, "no such image" in now.message.lower()) == (Phase.STARTING, True), now.message
    await backend.stop(order.key, 0.0)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.exit_code, end.started_at) == (None, None)


# --- what a program finds, and what it leaves ---


async def test_a_program_finds_its_code_and_leaves_what_it_made(world):
    source = world.base / "source"
    source.mkdir()
    (source / "run.sh").write_text("""
echo '{"name": "loss", "value": 0.5}' >> "$PLUMBLINE_METRICS"
echo model > "$PLUMBLINE_ARTIFACTS/outputs/model.txt"
echo "run=$PLUMBLINE_RUN" >> "$PLUMBLINE_OUTPUT"
echo "context=$(grep -c plumbline.context/1 $PLUMBLINE_CONTEXT)" >> "$PLUMBLINE_OUTPUT"
echo "tracking=$(ls ${PYTHONPATH%%:*})" >> "$PLUMBLINE_OUTPUT"
touch here
""")
    world.trees.known["tree"] = source
    order = world.shell("train", "sh src/run.sh")
    order = regang(order, code=(CodeTree("src", "tree", "src"),))
    backend = world.open()
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    wanted = {"run": str(order.key.run), "context": "1", "tracking": "plumbline_tracking.py"}
    assert (end.exit_code, dict(end.outputs), dict(end.metrics)) == (0, wanted, {"loss": 0.5})
    assert end.artifacts.names == ("model.txt",)
    assert end.images["main-0"]
    await backend.clean(order.key)
    assert [one.path for one in await backend.artifacts(order.key)] == ["model.txt"]
    assert [point.value async for piece in backend.metrics(order.key) for point in piece] == [0.5]
    assert not list(world.settings.runs.glob("train-*/a1-*/main-0/work"))


async def test_programs_are_nobody_in_particular(world):
    """Another user than the daemon, without capabilities, and nothing that it leaves keeps us from removing it."""
    text = """
echo "uid=$(id -u)" >> "$PLUMBLINE_OUTPUT"
echo "caps=$(grep CapBnd /proc/self/status | cut -f2)" >> "$PLUMBLINE_OUTPUT"
echo "nnp=$(grep NoNewPrivs /proc/self/status | cut -f2)" >> "$PLUMBLINE_OUTPUT"
mkdir -p deep/er && chmod 000 deep
"""
    backend = world.open(user="nobody", allow_root=False)
    order = world.shell("train", text)
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert dict(end.outputs) == {"uid": "65534", "caps": "0000000000000000", "nnp": "1"}
    await backend.clean(order.key)
    await backend.forget(order.key.run, 1, 8)
    assert not list(world.settings.runs.glob("train-*"))


async def test_volumes_and_limits_are_those_of_the_spec(world):
    text = """
echo "scratch=$(touch /scratch/here && ls /scratch)" >> "$PLUMBLINE_OUTPUT"
echo "tally=$(touch /tally/x 2>/dev/null || echo read-only)" >> "$PLUMBLINE_OUTPUT"
echo "limit=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max)" \
 >> "$PLUMBLINE_OUTPUT"
"""
    order = world.shell("train", text)
    pod = order.run.gang.replicas[0].pod
    mounts = [*pod["container"]["volumeMounts"], {"name": "scratch", "mountPath": "/scratch"}]
    order = repod(order, {"volumeMounts": mounts}, volumes=[*pod["volumes"], {"name": "scratch", "emptyDir": {}}])
    order = recontain(order, limits={"memory": "64Mi"})
    backend = world.open()
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert dict(end.outputs)["scratch"] == "here"
    assert dict(end.outputs)["limit"] == str(64 << 20)


async def test_a_job_ends_when_its_time_is_over(world):
    order = world.shell("train", "sleep 1000", timeout=0.5, grace=0.2)
    backend = world.open()
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert end.reason is StopReason.TIMEOUT


async def test_a_deadline_is_kept_though_nobody_looks(world):
    """By the clock of who listens for changes."""
    order = world.shell("train", "trap '' TERM; while :; do sleep 0.1; done", timeout=0.3, grace=0.3)
    backend = world.open()
    await backend.ensure(order)
    heard = set()

    async def listen() -> None:
        async for key in backend.changes():
            heard.add(key)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await until(world, lambda: order.key in heard)
        await until(world, (world.claim(order) / "main-0.exit").exists)
        tasks.cancel_scope.cancel()
    assert (await seen(backend, order.key)).reason is StopReason.TIMEOUT


# --- services ---

WEB = 'echo ok > index.html; trap "exit 143" TERM; httpd -f -p 8080 & wait'


def service(world: EngineWorld, text: str, port: int, probe: Probe | None) -> Order:
    order = world.shell("serve", text)
    order = regang(order, lifetime=Lifetime.ALWAYS, ports=(8080,), probe=probe)
    return replace(order, run=replace(order.run, kind="service"), leases=Leases(ports=(port,)))


@pytest.mark.parametrize(
    "probe",
    [
        Probe(http_path="/", port=0, period=0.2),
        Probe(port=0, period=0.2),
        Probe(command=("test", "-e", "index.html"), period=0.2),
    ],
    ids=["http", "tcp", "command"],
)
async def test_a_service_is_ready_when_its_probe_says_so(world, probe, free_port):
    """In a network of its own it listens on the port that it declares, and is reached at the one that it leases."""
    backend = world.open(network="bridge")
    order = service(world, f"sleep 1; {WEB}", free_port, probe)
    await backend.ensure(order)
    running = await phase(world, backend, order.key, Phase.RUNNING)
    assert not running.ready

    async def ready() -> bool:
        return (await seen(backend, order.key)).ready

    await until(world, ready)
    assert backend.knows(order)["ports"] == [8080]
    (one,) = world.podman.containers()
    assert [(port["IP"], port["PrivatePort"], port["PublicPort"]) for port in one["Ports"]] == [
        ("127.0.0.1", 8080, free_port)
    ]
    await backend.stop(order.key, 2.0)
    assert not (await phase(world, backend, order.key, Phase.ENDED)).ready


async def test_replicas_of_a_service_end_together(world):
    order = world.order("serve", Script.SERVICE)
    (group,) = order.run.gang.replicas
    order = regang(order, replicas=(replace(group, count=2),))
    backend = world.open()
    await backend.ensure(order)

    async def ready() -> bool:
        return (await seen(backend, order.key)).ready

    await until(world, ready)
    assert world.starts(order.key) == 2
    world.podman.post(f"/containers/{world.called(order)}.main-1/kill", signal="KILL")
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert end.exit_code == 137
    assert end.message.startswith("main-1")
    said = b"".join([piece async for piece in backend.logs(order.key)])
    assert said == b""
    await backend.clean(order.key)
    assert world.podman.containers() == []


# --- output ---


async def test_output_is_the_same_before_and_after_its_container_goes(world):
    order = world.shell("train", "for i in 1 2 3; do echo line $i; echo err $i >&2; done")
    backend = world.open()
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.ENDED)
    before = b"".join([piece async for piece in backend.logs(order.key)])
    assert sorted(before.splitlines()) == sorted(f"{what} {n}".encode() for what in ("line", "err") for n in (1, 2, 3))
    tail = b"".join([piece async for piece in backend.logs(order.key, tail=2)])
    await backend.clean(order.key)
    assert b"".join([piece async for piece in backend.logs(order.key)]) == before
    assert b"".join([piece async for piece in backend.logs(order.key, tail=2)]) == tail
    assert len(tail.splitlines()) == 2


async def test_output_is_whole_whenever_it_is_read(world):
    """Readers all the while that the container is removed, and for ten readings after."""
    order = world.shell("train", "seq 1000")
    backend = world.open()
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.ENDED)
    wanted = b"".join(b"%d\n" % number for number in range(1, 1001))
    is_cleaned = False

    async def read() -> None:
        left = 10
        while left:
            left -= is_cleaned
            assert b"".join([piece async for piece in backend.logs(order.key)]) == wanted

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(read)
        await backend.clean(order.key)
        is_cleaned = True


async def test_a_claim_that_cannot_be_read_hides_no_other_one(world):
    bad, good = world.order("bad", Script.FOREVER), world.order("good", Script.FOREVER)
    backend = world.open()
    for order in (bad, good):
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
    (world.claim(bad) / "claim.json").write_text("{")
    found = (await world.open().observe()).objects
    assert found[bad.key].message.startswith("the claim ")
    assert found[good.key].phase is Phase.RUNNING
    shutil.copy(world.claim(good) / "claim.json", world.claim(bad) / "claim.json")


async def test_what_the_engine_says_no_to_comes_in_its_words(world):
    engine = Engine(world.podman.socket)
    with pytest.raises(Denied, match="nothing-here") as said:
        await engine.call("GET", "/containers/nothing-here/json")
    assert said.value.absent
    assert await engine.kind() == ("docker" if isinstance(world.podman, Given) else "podman")
    await engine.close()


# --- activity ---

STATUS = """mkdir api; echo '{"last_activity": "2026-01-01T00:00:00Z"}' > api/status
exec httpd -f -p $PLUMBLINE_PORT"""
IDLE = "exec sleep 1000"
USE = {
    "idle-command": (IDLE, Activity(command=("test", "-e", "/nothing"), period=0.2), "1970"),
    "busy-command": (IDLE, Activity(command=("true",), period=0.2), ""),
    "no-command": (IDLE, Activity(command=("/nothing/here",), period=0.2), ""),
    "no-answer": (IDLE, Activity(http_path="/api/status", port=0, period=0.2), ""),
    "an-answer": (STATUS, Activity(http_path="/api/status", port=0, period=0.2), "2026-01-01"),
}


@pytest.mark.parametrize("case", USE)
async def test_a_service_says_when_it_was_in_use(world, case, free_port):
    """Whoever cannot be asked counts as in use; what was told is known to the next daemon."""
    text, activity, wanted = USE[case]
    # Nobody is asked before he is ready: that would count as in use.
    probe = Probe(http_path="/api/status", port=0, period=0.2) if text is STATUS else None
    order = service(world, text, free_port, probe)
    order = replace(order, run=replace(order.run, activity=activity))
    backend = world.open()
    await backend.ensure(order)

    async def told() -> bool:
        now = await seen(backend, order.key)
        if now.active_at is None:
            return False
        if wanted:
            return now.active_at.isoformat().startswith(wanted)
        return (now.active_at - now.started_at).total_seconds() > 0.3  # asked again, and again

    await until(world, told)
    before = (await seen(backend, order.key)).active_at
    assert (await seen(world.open(), order.key)).active_at >= before
