"""Copies in the store: owed with the end of a run, made once, never lost, and removed with the run."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import pytest

from planner import keys
from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.facts import Stored
from planner.model.records import RunRecord
from planner.model.retention import Retention as Rule
from reconciler import storing
from reconciler.api import archived
from reconciler.backends.memory import Program
from reconciler.core import Policy
from reconciler.errors import Refused, Transient
from reconciler.ports import Content, Order, RunQuery
from reconciler.stores import copies
from reconciler.stores.copies import Manifest
from tests.reconciler.api.support import Api, Backend, World, job
from tests.reconciler.stores.support import MemoryStore

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

TRAIN = keys.generation("train", 1)
FILES = {"model.bin": b"weights", "plots/loss.svg": b"<svg/>"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setattr(storing, "_LONGEST_BACK_OFF", 0.01)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def world(store) -> World:
    return World(store=store, programs={"train": Program(seconds=0.0, files=FILES)})


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 -- what it waits for is another's state
            await anyio.sleep(0.005)


async def over(world: World, key: Key = TRAIN) -> RunRecord:
    """The run, once it is over."""
    with anyio.fail_after(20):
        while (run := await record(world, key)) is None or not run.status.final:  # noqa: ASYNC110 -- as in `until`
            await anyio.sleep(0.005)
    return run


async def record(world: World, key: Key = TRAIN) -> RunRecord | None:
    return next(iter(await world.ledger.runs(RunQuery(keys=(key,)))), None)


async def stored(world: World, key: Key = TRAIN) -> RunRecord:
    with anyio.fail_after(20):
        while (run := await record(world, key)) is None or run.copy is None or run.copy.owed:  # noqa: ASYNC110 -- so
            await anyio.sleep(0.005)
    return run


def place(world: World, key: Key = TRAIN) -> str:
    assert world.core.storage is not None
    return world.core.storage.place_of(key)


async def test_what_a_run_leaves_is_copied_and_the_manifest_last(world, store):
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        run = await stored(world)
        assert run.copy is not None
        assert (run.copy.files, run.copy.size, run.copy.left) == (2, 13, 0)
        where = place(world)
        assert {store.files[f"{where}/outputs/{name}"] for name in FILES} == set(FILES.values())
        assert store.written[-1] == f"{where}/{copies.MANIFEST}"
        manifest = json.loads(store.files[f"{where}/{copies.MANIFEST}"])
        assert (manifest["schema"], manifest["run"]) == ("plumbline.copy/1", "train@g1")
        detail = await api.get("/v1/run", run="train")
        assert (detail["copy"]["store"], detail["copy"]["files"]) == ("memory://kept", 2)
        assert detail["copy"]["storedAt"] is not None
        assert not [text for text in (await api.get("/v1/status"))["warnings"] if "store" in text]


async def test_without_a_store_nothing_is_owed():
    world = World(programs={"train": Program(seconds=0.0, files=FILES)})
    async with world.running():
        world.push({"train.yaml": job("train")})
        run = await over(world)
        assert run.copy is None


async def test_a_store_that_is_away_delays_no_run_and_says_so_until_it_is_back(world, store):
    store.failing = "connection refused"
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        run = await over(world)
        assert run.copy is not None
        assert run.copy.owed
        await until(lambda: world.core.storage.wait)
        (warning,) = [text for text in (await api.get("/v1/status"))["warnings"] if "store" in text]
        assert warning.startswith("waiting for store memory://kept since 2")
        assert warning.endswith("Z: connection refused")
        reasons = (await api.get("/v1/explain", operation="train@g1"))["reasons"]
        said = [text for text in reasons if "have no copy in memory://kept yet: waiting for store" in text]
        assert len(said) == 1
        store.failing = ""
        await stored(world)
        await until(lambda: world.core.storage.wait is None)


async def test_a_store_that_is_full_for_one_run_gets_the_others(world, store):
    big = {"big": b"x" * 100}
    world.programs |= {"big": Program(seconds=0.0, files=big)}
    write = store.write

    async def full(path: str, data: AsyncIterator[bytes]) -> None:
        if path.endswith("/big"):
            raise Transient("No space left on device")
        await write(path, data)

    store.write = full
    async with world.running():
        world.push({"big.yaml": job("big"), "train.yaml": job("train")})
        await stored(world)
        run = await over(world, keys.generation("big", 1))
        assert run.copy is not None
        assert run.copy.owed
        store.write = write
        await stored(world, keys.generation("big", 1))


async def test_a_crash_between_copy_and_record_copies_nothing_twice(world, store):
    async def die(facts: Sequence[object]) -> None:
        if any(isinstance(fact, Stored) for fact in facts):
            raise Transient("killed")

    world.ledger.before = die
    async with world.running():
        world.push({"train.yaml": job("train")})
        await until(lambda: f"{place(world)}/{copies.MANIFEST}" in store.files)
        await until(lambda: world.core.storage.wait)
    written = list(store.written)
    world.ledger.before = None
    again = World(store=store)  # the next life: the ledger and the store are all that it has
    again.ledger.restore(world.ledger.snapshot())
    async with again.running():
        await stored(again)
    assert store.written == written


async def test_a_crash_in_the_middle_makes_the_copy_anew(world, store):
    left = {"count": 1}
    write = store.write

    async def torn(path: str, data: AsyncIterator[bytes]) -> None:
        if left["count"] == 0:
            raise Transient("killed")
        left["count"] -= 1
        await write(path, data)

    store.write = torn
    async with world.running():
        world.push({"train.yaml": job("train")})
        await until(lambda: world.core.storage.wait)
        assert len(store.files) == 1
        store.write = write
        await stored(world)
    assert len(store.files) == 4


async def test_artifacts_are_shown_from_the_store_where_the_folder_is_gone(world, store):
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        await stored(world)
        world.backend.artifacts = world.backend.artifact = _gone
        listed = await api.get("/v1/artifacts", run="train")
        assert [(one["path"], one["size"]) for one in listed["artifacts"]] == [("model.bin", 7), ("plots/loss.svg", 6)]
        answer = await api.client.get("/v1/artifact", params={"run": "train", "path": "model.bin"})
        assert answer.content == b"weights"
        for path, expected in (("plots", {"loss.svg": b"<svg/>"}), ("", FILES)):
            answer = await api.client.get("/v1/artifact", params={"run": "train", "path": path})
            assert unpacked(answer.content) == expected
        assert (await api.client.get("/v1/artifact", params={"run": "train", "path": "other"})).status_code == 404
        store.failing = "connection refused"
        answer = await api.client.get("/v1/artifacts", params={"run": "train"})
        assert (answer.status_code, "does not answer: connection refused" in answer.text) == (409, True)


LOG = b"train@g1#1 ran in memory\n"


async def logs(api: Api, **params: object) -> bytes:
    return (await api.client.get("/v1/logs", params={"run": "train", **params})).content


async def test_a_log_is_copied_and_read_from_the_store_where_it_is_gone(world, store):
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        await stored(world)
        assert store.files[f"{place(world)}/logs/1.log"] == LOG
        assert await logs(api) == LOG
        world.backend.logs = _silent
        assert await logs(api) == LOG
        assert await logs(api, tail=0) == b""
        store.files[f"{place(world)}/logs/1.log"] = b"one\ntwo\nthree"
        assert b"is in the store, which does not give it now" in await logs(api), "it is not what was stored"
        store.failing = "connection refused"
        assert b"connection refused" in await logs(api)


async def test_a_run_that_left_nothing_but_a_log_has_a_copy_of_that(world, store):
    world.programs |= {"train": Program(seconds=0.0)}
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        run = await stored(world)
        assert run.copy is not None
        assert (run.copy.files, run.copy.size, run.copy.left) == (0, 0, 0)
        world.backend.logs = _silent
        assert await logs(api) == LOG


async def test_a_copy_of_before_there_were_logs_has_none(world, store):
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        await stored(world)
        name = f"{place(world)}/{copies.MANIFEST}"
        manifest = json.loads(store.files[name])
        del manifest["logs"]
        store.files[name] = json.dumps(manifest).encode()
        world.backend.logs = _silent
        assert await logs(api) == b""


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(None, "one\ntwo\nthree"), (1, "three"), (2, "two\nthree"), (9, "one\ntwo\nthree"), (0, "")],
)
async def test_the_last_lines_of_a_stored_log(tail, expected):
    async def had() -> AsyncIterator[bytes]:
        for piece in (b"on", b"e\ntwo\nth", b"ree"):
            yield piece

    pieces = had() if tail is None else archived._last(had(), tail)
    assert b"".join([piece async for piece in pieces]).decode() == expected


async def test_a_log_is_settled_before_it_is_copied(world, store):
    """A backend whose log may still go with its pod is asked to have it first, and one that cannot is asked again."""
    await world.backend.close()
    world.core.backend = world.backend = Settling(world.clock, world._program)
    async with world.running():
        world.push({"train.yaml": job("train")})
        await until(lambda: world.core.storage.wait)
        assert f"{place(world)}/{copies.MANIFEST}" not in store.files
        world.backend.node_is_away = False
        await stored(world)
    assert world.backend.settled == {TRAIN.at_attempt(1)}


class Settling(Backend):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.node_is_away = True
        self.settled: set[Key] = set()

    async def settle_log(self, key: Key) -> None:
        if self.node_is_away:
            raise Transient("the node does not answer")
        self.settled.add(key)


async def _silent(*args: object, **kwargs: object) -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return {one.name: archive.extractfile(one).read() for one in archive.getmembers() if one.isfile()}


async def _gone(*args: object) -> None:
    raise Refused("its folder does not exist")


class Reading(Backend):
    """A backend whose runs read the folder of `train`, which is gone."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = ""
        self.here: dict[str, dict[str, bytes]] = {}

    async def missing(self, order: Order) -> Sequence[str]:
        return [self.wanted] if order.key.root == "report" and self.wanted not in self.here else []

    async def restore(self, name: str, entries: Sequence[Artifact], read: Callable[[Artifact], AsyncIterator[bytes]]):
        self.here[name] = {
            one.path: b"".join([piece async for piece in read(one)]) for one in entries if one.kind == "file"
        }


@pytest.fixture
async def reading(world) -> Reading:
    await world.backend.close()
    world.core.backend = world.backend = Reading(world.clock, world._program)
    world.backend.wanted = TRAIN.dns_name("test", "project")
    return world.backend


async def test_what_a_run_reads_is_brought_back_before_it_starts(world, store, reading):
    async with world.running() as api:
        world.push({"train.yaml": job("train")})
        await stored(world)
        store.failing = "connection refused"
        world.push({"train.yaml": job("train"), "report.yaml": job("report")})
        await until(lambda: world.core.storage.wait)
        run = await record(world, keys.generation("report", 1))
        assert run is not None
        assert not reading.starts.get(run.key.at_attempt(1))
        why = "its start is tried again: report@g1#1 starts when it has the artifacts of 1 other run: waiting for store"
        with anyio.fail_after(20):
            while why not in str((await api.get("/v1/explain", operation="report@g1"))["reasons"]):  # noqa: ASYNC110
                await anyio.sleep(0.005)
        store.failing = ""
        await until(lambda: reading.starts.get(run.key.at_attempt(1)))
    assert reading.here[reading.wanted] == FILES


async def test_what_the_store_does_not_have_is_for_the_backend_to_refuse(world, reading):
    reading.wanted = "never-stored"
    async with world.running():
        world.push({"report.yaml": job("report")})
        await until(lambda: reading.starts)
        assert not world.core.storage.lacking  # a start after this one asks the store again
    assert reading.here == {}


async def test_a_copy_that_is_not_what_was_stored_is_not_brought_back(world, store, reading):
    async with world.running():
        world.push({"train.yaml": job("train")})
        await stored(world)
        store.files[f"{place(world)}/outputs/model.bin"] = b"weightz"
        world.push({"train.yaml": job("train"), "report.yaml": job("report")})
        await until(lambda: world.core.storage.wait)
        assert "is not what was stored there" in world.core.storage.wait.reason
    assert reading.here == {}


async def test_retention_removes_the_copy_and_waits_for_a_store_that_is_away(world, store):
    world.core.policy = _keeping(world, 0)
    async with world.running() as api:
        first, second, third = await _three(world, api)
        for key in (first, second, third):
            await stored(world, key)
        store.failing = "connection refused"
        with pytest.raises(Transient, match="retention waits for store memory://kept: connection refused"):
            await world.loop.retention.step()
        assert await record(world, second) is not None
        store.failing = ""
        await world.loop.retention.step()
    assert await record(world, second) is None
    assert {name.split("/")[2] for name in store.files} == {place(world, key).split("/")[2] for key in (first, third)}


async def test_what_is_owed_to_the_store_is_not_removed(world, store):
    store.failing = "connection refused"
    world.core.policy = _keeping(world, 0)
    async with world.running() as api:
        _, second, _ = await _three(world, api)
        await world.loop.retention.step()
        assert await record(world, second) is not None


async def _three(world: World, api: Api) -> list[Key]:
    """A run of the generation in force, one that retention takes, and the newest."""
    world.push({"train.yaml": job("train")})
    found = [await _settled(world, 1)]
    for number in (2, 3):
        await api.ask("run", "train")
        found.append(await _settled(world, number))
    return found


def _keeping(world: World, count: int) -> Policy:
    return replace(world.core.policy, retention=Rule(count=count))


async def _settled(world: World, count: int) -> Key:
    """The newest run once so many are over and cleaned."""
    with anyio.fail_after(20):
        while True:
            runs = await world.ledger.runs(RunQuery(root="train"))
            done = [run for run in runs if run.status.final and all(attempt.cleaned for attempt in run.attempts)]
            if len(done) == count:
                return done[0].key
            await anyio.sleep(0.005)


# -- manifests, which a store may have from anybody


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        pytest.param({"path": "../x"}, "entry", id="out-of-the-folder"),
        pytest.param({"path": "/etc/x"}, "entry", id="absolute"),
        pytest.param({"path": "a", "kind": "link"}, "entry", id="a-link"),
        pytest.param({"path": "a", "size": None}, "int", id="no-size"),
    ],
)
async def test_a_manifest_that_would_do_harm_is_none(store, entry, why):
    whole: dict[str, Json] = {"kind": "file", "size": 1, "modified": "2026-11-23T06:00:00+00:00", "sha256": ""}
    said = {"schema": "plumbline.copy/1", "run": "r", "ended": "", "left": 0}
    store.files["p/plumbline.json"] = json.dumps(
        {**said, "entries": [{**whole, "executable": False, **entry}]}
    ).encode()
    with pytest.raises(Transient, match=f"is no manifest of a copy.*{why}"):
        await copies.known(store, "p")


async def test_a_copy_of_a_run_of_another_life_gives_way(store):
    async def content(path: str):
        async def read() -> AsyncIterator[bytes]:
            yield b"x"

        return Content("file", 1, read())

    at = datetime(2026, 1, 1, tzinfo=UTC)
    old = Manifest("r", str(at), (Artifact("old", "file", 1, at),))
    new = Manifest("r", str(at + timedelta(1)), (Artifact("new", "file", 1, at),))
    make = partial(copies.made, store, "p", content=content, log=_silent)
    await make(old)
    made = await make(new)
    assert [one.path for one in made.entries] == ["new"]
    assert sorted(store.files) == ["p/outputs/new", "p/plumbline.json"]
