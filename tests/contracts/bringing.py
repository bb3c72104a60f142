"""The laws of what an attempt finds in place: entries of `init`, what other runs left, and what comes back from a copy.

They hold of every backend whose runs keep files (`Restorer`, `Dropper`); one that keeps none claims neither. A subclass
provides the fixture `world`. Everything is asserted of what the programs of the runs say that they found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.run import Observation, Phase
from reconciler.errors import Refused, Transient
from reconciler.keeper import Dropper, Restorer
from reconciler.ports import Backend, Ensured, Order
from tests.contracts.backend import World, phase

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LEAVES = """cd "$PLUMBLINE_ARTIFACTS/outputs"
mkdir -p models/deep; printf model > models/deep/best; chmod u+x models/deep/best; printf x > report.html"""
LOOK = """for f in $(find . -type f | sort); do echo "f$(echo $f | tr ./ __)=$(cat $f)" >> "$PLUMBLINE_OUTPUT"; done"""


class BringingWorld(World, Protocol):
    """Surroundings whose programs are given, line by line."""

    def shell(self, name: str, text: str, *, attempt: int = 1) -> Order:
        """The order of an attempt of generation 1 of root `name` that runs `text`."""
        ...

    async def intend(self, order: Order) -> None:
        """Have the ledger know of an attempt that is going to be made, where pods ask a daemon about it."""
        ...


def with_init(order: Order, *entries: Mapping[str, Json]) -> Order:
    """`order` with entries of `init`."""
    (group,) = order.run.gang.replicas
    group = replace(group, pod={**group.pod, "init": list(entries)})
    return replace(order, run=replace(order.run, gang=replace(order.run.gang, replicas=(group,))))


def folder_of(key: Key) -> str:
    """The name that other runs know the folder of a run by."""
    return key.run.dns_name("default", "demo")


def entries(files: Mapping[str, bytes], executable: Sequence[str] = ()) -> list[Artifact]:
    return [Artifact(name, "file", len(data), AT, "", name in executable) for name, data in files.items()]


def content(files: Mapping[str, bytes], *, breaks: bool = False):
    async def pieces(entry: Artifact) -> AsyncIterator[bytes]:
        for byte in files[entry.path]:
            yield bytes([byte])
            if breaks:
                raise Transient("the store is away")

    return pieces


class BringingContract:
    """What every backend whose runs keep files promises."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"

    @pytest.fixture
    def backend(self, world):
        return world.open()

    # --- init ---

    async def test_a_file_is_there_before_the_program_and_kept_with_what_it_leaves(self, world, backend):
        order = with_init(
            world.shell("eval", f"test -x conf/run.sh && {LOOK}"),
            {"file": {"content": "hi", "filename": "run.sh", "chmod": "u+x"}, "path": "conf"},
            {"file": {"content": "plain"}},
        )
        end = await ended(world, backend, order)
        assert (end.exit_code, dict(end.outputs)) == (0, {"f__conf_run_sh": "hi", "f__file": "plain"})
        assert sorted(one.path for one in await backend.artifacts(order.key)) == ["file", "run.sh"]

    async def test_what_another_run_has_left_is_put_where_it_is_asked_for(self, world, backend):
        name = await upstream(world, backend)
        order = with_init(
            world.shell("eval", LOOK),
            {"paths": [[f"{name}/outputs/report.html", "again/copy"], f"{name}/outputs/models/deep"]},
            {"artifacts": {"files": [[f"{name}/outputs/models/deep/best", "b"]]}, "path": "below"},
        )
        assert dict((await ended(world, backend, order)).outputs) == {
            "f__again_copy": "x",
            "f__below_b": "model",
            "f__deep_best": "model",
        }

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ({"paths": ["{o}/nothing"]}, "init paths[0]: {o}/nothing does not exist"),
            ({"paths": ["/etc/passwd"]}, "init paths[0]: /etc/passwd is in no run's folder"),
            ({"paths": ["../x"]}, "init paths[0]: '../x' is no path into a run's folder"),
            ({"paths": [["{o}/report.html", "../../x"]]}, "init paths[0]: '../../x' leads out of the working folder"),
            ({"paths": [["{o}/report.html", "a"], ["{o}/models", "a"]]}, "init: a is there already"),
            ({"paths": [["{o}/report.html", "a"], ["{o}/models", "a/b"]]}, "init: a is there already"),
            ({"file": {"content": "a"}, "path": "/etc"}, "leads out of the working folder: write it relative"),
        ],
        ids=[
            "nothing there",
            "the machine's",
            "a path out",
            "to a path out",
            "twice",
            "below a file",
            "a place of the machine",
        ],
    )
    async def test_what_cannot_be_put_in_place_is_refused_and_nothing_starts(self, world, backend, entry, words):
        name = await upstream(world, backend)
        order = with_init(world.shell("eval", "true"), _filled(entry, f"{name}/outputs"))
        await world.intend(order)
        with pytest.raises(Refused) as refused:
            await backend.ensure(order)
        assert words.replace("{o}", f"{name}/outputs") in str(refused.value)
        assert (await backend.observe([order.key])).objects == {}
        assert world.starts(order.key) == 0

    # --- what is left, from attempt to attempt ---

    async def test_the_next_attempt_finds_what_the_one_before_has_left(self, world, backend):
        own = '"$PLUMBLINE_ARTIFACTS/outputs/step"'
        first = world.shell("train", f"printf one > {own}; exit 3")
        assert (await ended(world, backend, first)).exit_code == 3
        second = world.shell("train", f'echo "step=$(cat {own})" >> "$PLUMBLINE_OUTPUT"', attempt=2)
        assert dict((await ended(world, backend, second)).outputs) == {"step": "one"}

    async def test_what_is_left_outlives_the_clean_and_the_daemon(self, world, backend):
        order = world.shell("train", LEAVES)
        await ended(world, backend, order)
        await backend.clean(order.key)
        again = world.open()
        assert sorted(one.path for one in await again.artifacts(order.key) if one.kind == "file") == [
            "models/deep/best",
            "report.html",
        ]
        found = await again.artifact(order.key, "models/deep/best")
        assert b"".join([piece async for piece in found.pieces]) == b"model"
        with pytest.raises(Refused):
            await again.artifact(order.key, "models/../../x")

    # --- copies ---

    async def test_what_was_let_go_is_missing_to_who_reads_it_and_to_nobody_else(self, world, backend):
        name = await upstream(world, backend)
        reads = with_init(world.shell("eval", "true"), {"paths": [f"{name}/outputs/report.html"]})
        other = world.shell("eval", "true")
        assert [list(await able(backend).missing(one)) for one in (reads, other)] == [[], []]
        key = world.shell("train", "true").key.run
        assert await backend.let_go(key, remove=False) > 0, "only weighed"
        assert list(await backend.missing(reads)) == []
        assert await backend.let_go(key, remove=True) > 0
        assert await backend.let_go(key, remove=True) == 0, "twice is once"
        assert [list(await backend.missing(one)) for one in (reads, other)] == [[name], []]

    async def test_what_comes_back_is_as_it_was_and_is_read(self, world, backend):
        name = await upstream(world, backend)
        files = {"report.html": b"x", "models/deep/best": b"model"}
        await able(backend).let_go(world.shell("train", "true").key.run, remove=True)
        await backend.restore(name, entries(files, ["models/deep/best"]), content(files))
        look = f"test -x models/deep/best && {LOOK}"
        order = with_init(
            world.shell("eval", look), {"paths": [f"{name}/outputs/models", f"{name}/outputs/report.html"]}
        )
        assert list(await world.open().missing(order)) == []
        end = await ended(world, backend, order)
        assert (end.exit_code, dict(end.outputs)) == (0, {"f__models_deep_best": "model", "f__report_html": "x"})

    async def test_what_is_there_stays_as_it_is(self, world, backend):
        name = await upstream(world, backend)
        files = {"report.html": b"other"}
        await able(backend).restore(name, entries(files), content(files))
        found = await backend.artifact(world.shell("train", "true").key, "report.html")
        assert b"".join([piece async for piece in found.pieces]) == b"x"

    async def test_what_breaks_off_on_its_way_back_is_still_missing(self, world, backend):
        name = await upstream(world, backend)
        reads = with_init(world.shell("eval", "true"), {"paths": [f"{name}/outputs/report.html"]})
        await able(backend).let_go(world.shell("train", "true").key.run, remove=True)
        files = {"report.html": b"xyz"}
        with pytest.raises(Transient, match="the store is away"):
            await backend.restore(name, entries(files), content(files, breaks=True))
        assert list(await backend.missing(reads)) == [name]
        await backend.restore(name, entries(files), content(files))
        assert list(await backend.missing(reads)) == []


def able(backend: Backend) -> Backend:
    """The backend, which claims these abilities."""
    assert isinstance(backend, Restorer)
    assert isinstance(backend, Dropper)
    return backend


async def ended(world: BringingWorld, backend: Backend, order: Order) -> Observation:
    """Run an order to its end."""
    await world.intend(order)
    assert await backend.ensure(order) is Ensured.CREATED
    return await phase(world, backend, order.key, Phase.ENDED)


async def upstream(world: BringingWorld, backend: Backend) -> str:
    """A run that left something; the name of its folder."""
    order = world.shell("train", LEAVES)
    assert (await ended(world, backend, order)).exit_code == 0
    return folder_of(order.key)


def _filled(value, outputs: str):
    if isinstance(value, dict):
        return {name: _filled(inner, outputs) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, outputs) for inner in value]
    return value.replace("{o}", outputs)
