"""What is brought into pods is what a run of this machine has in its folder, and what cannot be is refused alike."""

import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from planner import keys
from planner.model.artifacts import Earlier
from planner.model.gang import CodeTree, Container, Gang, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.kubernetes import agent
from reconciler.backends.kubernetes.bringing import Bringing, Sources
from reconciler.backends.kubernetes.desk import Desk
from reconciler.backends.machine import inits
from reconciler.errors import Refused, Transient
from reconciler.ports import Order
from reconciler.ports_pods import Brought, Part, Wanted
from tests.reconciler.backends.local.test_clones import URL, Repositories
from tests.reconciler.backends.local.test_init import WRONG, filled
from tests.reconciler.backends.local.test_restoring import content, entries

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

OWNER = Stamp("l", 1, "i", "p")


class Repository:
    async def export(self, tree, dest):
        dest.mkdir()
        (dest / "main.py").write_text("print(1)\n")


class Desks:
    """The desk of a daemon, and what it brings."""

    def __init__(self, base: Path) -> None:
        self.left, self.cache = base / "left", base / "trees"
        self.repositories = Repositories({URL: "one", "code": "two"})
        self.desk = Desk(self.left, Repository(), self.cache)

    def open(self, clones=None) -> Bringing:
        return Bringing(Sources(self.left, Repository(), clones or self.repositories, self.cache), OWNER)

    async def leave(self, order: Order, files: dict[str, bytes]) -> str:
        """What a run left, as its agent brought it; its folder as others name it."""
        await self.open().ready(order)
        for path, data in files.items():
            await self.desk.take_artifact(name(order), Brought(path, 1000.0, path == "run.sh"), pieces(data))
        return (await self.desk.taken(name(order), order.key.attempt)).folder


async def pieces(data: bytes):
    yield data


@pytest.fixture
def desks(tmp_path):
    return Desks(tmp_path)


def name(order):
    return order.key.run.dns_name("i", "p")


def order(root, *init, code=(), params=None, earlier=None, key=None):
    key = key or keys.generation(root, 1).at_attempt(1)
    gang = Gang((Replica("main", 1, Container(image="i"), {"init": list(init)}),), code=tuple(code))
    run = BoundRun(key.run, "job", "d1:0", gang, {"params": params or {}}, earlier=earlier)
    return Order(key, run, Leases(), OWNER)


async def unpacked(bringing, made, wanted, into):
    archive = b"".join([piece async for piece in await bringing.bring(made, wanted)])
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|") as found:
        agent.unpack(found, into)
    return {
        str(path.relative_to(into)): path.read_bytes().decode() for path in sorted(into.rglob("*")) if path.is_file()
    }


async def everything(bringing, made, into):
    await bringing.ready(made)
    found = {}
    for number in range(len(made.run.gang.replicas[0].pod["init"])):
        found |= await unpacked(bringing, made, Wanted(Part.INIT, number), into)
    return found


async def test_entries_are_put_where_the_other_backends_put_them(desks, tmp_path):
    folder = await desks.leave(order("train"), {"models/best": b"model", "run.sh": b"#!/bin/sh\n"})
    short = folder.split("/")[3]
    made = order(
        "eval",
        {"file": {"content": "hi", "filename": "run.sh", "chmod": "u+x"}, "path": "conf"},
        {"dockerfile": {"image": "python:3.12"}, "path": "image"},
        {"paths": [f"{folder}/outputs/models/best", [f"{short}/outputs/run.sh", "again/copy"]]},
        {"artifacts": {"dirs": [f"{folder}/outputs/models"]}, "path": "below"},
        {"tensorboard": {"runs": [[short, "r-1"], ["later-1", "later"]]}},
        {"git": {"url": URL}},
        {"connection": "code", "path": "below"},
    )
    found = await everything(desks.open(), made, tmp_path / "work")
    assert found.pop("image/Dockerfile").startswith("FROM python:3.12\n")
    assert found == {
        "conf/run.sh": "hi",
        "best": "model",
        "again/copy": "#!/bin/sh\n",
        "below/models/best": "model",
        "tensorboard/r-1/models/best": "model",
        "tensorboard/r-1/run.sh": "#!/bin/sh\n",
        "lib/code.py": "tree-one",
        "below/code/code.py": "tree-two",
    }
    for path, executable in {"conf/run.sh": True, "again/copy": True, "best": False}.items():
        assert os.access(tmp_path / "work" / path, os.X_OK) is executable or os.geteuid() == 0
        assert bool((tmp_path / "work" / path).stat().st_mode & 0o100) is executable
    assert (tmp_path / "work/tensorboard/later").is_dir()


@pytest.mark.parametrize(("entry", "message"), [one for key, one in WRONG.items() if key not in {"a link", "a clone"}])
async def test_what_cannot_be_put_in_place_is_refused_with_the_same_words(desks, entry, message):
    folder = await desks.leave(order("train"), {"report.html": b"x", "models/deep/best": b"model"})
    made = order("eval", filled(entry, f"{folder}/outputs"))
    with pytest.raises(Refused) as refused:
        await desks.open().ready(made)
    assert filled(message, f"{folder}/outputs") in str(refused.value)


@pytest.mark.parametrize("taken", ["main.py", "main.py/x"])
async def test_what_is_there_already_is_not_replaced(desks, taken):
    made = order("eval", {"file": {"content": "a", "filename": taken}}, code=[CodeTree("src", "a" * 40, "")])
    with pytest.raises(Refused, match=r"init: main\.py is there already: give it another place"):
        await desks.open().ready(made)


async def test_a_run_stays_with_the_commit_of_its_first_attempt(desks, tmp_path):
    entry = {"git": {"url": URL, "revision": "main"}}
    assert await everything(desks.open(), order("eval", entry), tmp_path / "first") == {"lib/code.py": "tree-one"}
    desks.repositories.content[URL] = "changed"
    again = order("eval", entry, key=keys.generation("eval", 1).at_attempt(2))
    assert await everything(desks.open(), again, tmp_path / "second") == {"lib/code.py": "tree-one"}


async def test_what_cannot_be_had_now_is_waited_for(desks):
    desks.repositories.failing = Transient("waiting for the clone")
    with pytest.raises(Transient, match="waiting for the clone"):
        await desks.open().ready(order("eval", {"git": {"url": URL}}))
    desks.repositories.failing = Refused("evil.org is not among the hosts")
    with pytest.raises(Refused, match=r"init git: evil\.org is not among the hosts"):
        await desks.open().ready(order("eval", {"git": {"url": URL}}))


async def test_what_a_program_reads_of_other_runs_is_where_it_looks(desks, tmp_path):
    folder = await desks.leave(order("train"), {"model.bin": b"model", "large.bin": b"not asked for"})
    made = order("eval", params={"model": f"{folder}/outputs/model.bin", "gone": "/plumbline/runs/gone-1/artifacts"})
    bringing, into = desks.open(), tmp_path / "runs"
    assert await unpacked(bringing, made, Wanted(Part.RUNS, 0), into) == {}, "a run that left nothing"
    found = await unpacked(bringing, made, Wanted(Part.RUNS, 1), into)
    assert found == {f"{folder.removeprefix('/plumbline/runs/')}/outputs/model.bin": "model"}


async def test_nothing_but_what_the_order_names_is_given(desks):
    await desks.leave(order("train"), {"model.bin": b"model"})
    for part in (Part.RUNS, Part.INIT):
        with pytest.raises(Refused, match=r"reads no run 0|no entry 0"):
            await desks.open().bring(order("eval"), Wanted(part, 0))


async def test_what_went_away_since_is_refused_before_anything_is_given(desks):
    folder = await desks.leave(order("train"), {"model.bin": b"model"})
    made, bringing = order("eval", {"paths": [f"{folder}/outputs/model.bin"]}), desks.open()
    await bringing.ready(made)
    assert await bringing.let_go(keys.generation("train", 1), remove=True) > 0
    assert await bringing.missing(made) == [folder.split("/")[3]]
    with pytest.raises(Refused, match="does not exist"):
        await bringing.bring(made, Wanted(Part.INIT, 0))
    await bringing.restore(folder.split("/")[3], entries({"model.bin": b"model"}), content({"model.bin": b"model"}))
    assert await bringing.missing(made) == []


def later(root, number, *, copy, attempt=1):
    run = keys.generation(root, 1)
    return order(root, earlier=Earlier(run.at_round(number - 1), copy), key=run.at_round(number).at_attempt(attempt))


@pytest.mark.parametrize("copy", [False, True], ids=["resume", "copy"])
async def test_a_round_finds_what_the_one_before_left(desks, tmp_path, copy):
    first, second = order("train"), later("train", 1, copy=copy)
    await desks.leave(first, {"ckpt/7": b"seven"})
    await desks.leave(second, {"ckpt/7": b"eight"})
    assert await unpacked(desks.open(), second, Wanted(Part.OWN), tmp_path / "own") == {"outputs/ckpt/7": "eight"}
    before = await desks.desk.artifact(name(first), "ckpt/7")
    assert b"".join([piece async for piece in before.pieces]) == (b"seven" if copy else b"eight")
    third = later("train", 2, copy=copy)
    await desks.open().ready(third)
    assert await unpacked(desks.open(), third, Wanted(Part.OWN), tmp_path / "third") == {"outputs/ckpt/7": "eight"}


async def test_a_round_whose_earlier_one_left_nothing_that_is_here_is_refused(desks):
    for copy in (False, True):
        made = later("train", 1, copy=copy)
        assert await desks.open().missing(made) == [keys.generation("train", 1).dns_name("i", "p")]
        with pytest.raises(Refused, match="the artifacts of train@g1 are gone"):
            await desks.open().ready(made)


async def test_an_attempt_finds_what_the_one_before_left_and_files_are_kept_once(desks, tmp_path):
    entry = {"file": {"content": "plain", "filename": "conf"}}
    await desks.leave(order("train", entry), {"ckpt": b"1"})
    again = order("train", entry, key=keys.generation("train", 1).at_attempt(2))
    await desks.open().ready(again)
    found = await unpacked(desks.open(), again, Wanted(Part.OWN), tmp_path / "own")
    assert found == {"outputs/ckpt": "1", "outputs/conf": "plain"}


async def test_a_copy_shares_no_file_that_is_written(desks, tmp_path):
    """A copy has its files by links: what `init` keeps with the outputs must not change the earlier round's."""
    await desks.leave(order("train"), {"conf": b"old"})
    made = later("train", 1, copy=True)
    pod = {"init": [{"file": {"content": "new", "filename": "conf"}}]}
    gang = replace(made.run.gang, replicas=(replace(made.run.gang.replicas[0], pod=pod),))
    made = replace(made, run=replace(made.run, gang=gang))
    await desks.open().ready(made)
    assert (desks.left / name(order("train")) / "artifacts/outputs/conf").read_text() == "old"
    assert (desks.left / name(made) / "artifacts/outputs/conf").read_text() == "new"


async def test_many_files_come_in_few_pieces(desks, tmp_path):
    folder = await desks.leave(order("train"), {"0": b""})
    outputs = desks.left / folder.split("/")[3] / "artifacts/outputs"
    for number in range(3000):
        (outputs / str(number)).write_text(str(number))
    made, bringing = order("eval", {"paths": [f"{folder}/outputs"]}), desks.open()
    await bringing.ready(made)
    given = [piece async for piece in await bringing.bring(made, Wanted(Part.INIT, 0))]
    assert len(given) < 20
    assert max(map(len, given)) < 2 << 20
    with tarfile.open(fileobj=io.BytesIO(b"".join(given)), mode="r|") as archive:
        assert sum(member.isfile() for member in archive) == 3000


async def test_a_look_that_outlives_its_time_is_not_begun_again(desks, monkeypatch):
    """Of a run that copies very many files: the effect that makes its pod has a deadline, and is tried again."""
    folder = await desks.leave(order("train"), {"0": b""})
    made, bringing, looks = order("eval", {"paths": [f"{folder}/outputs"]}), desks.open(), []
    puts = inits.puts

    def slow(*args):
        looks.append(args)
        anyio.from_thread.run_sync(scope.cancel)
        return puts(*args)

    monkeypatch.setattr(inits, "puts", slow)
    with anyio.CancelScope() as scope:
        await bringing.ready(made)
    assert scope.cancelled_caught
    await bringing.ready(made)
    assert len(looks) == 1
