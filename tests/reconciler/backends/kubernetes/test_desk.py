"""What pods bring is kept without a gap, and their code is what the repository has, whoever unpacks it."""

import stat
import tarfile

import pytest

from planner import keys
from planner.model.gang import CodeTree
from reconciler.backends.kubernetes import agent
from reconciler.backends.kubernetes.desk import Desk
from reconciler.backends.progress import MOST_NAMES
from reconciler.errors import Refused

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class Repository:
    """Trees by object id: a folder with a program, a link and a file."""

    def __init__(self):
        self.exports = 0

    async def export(self, tree, dest):
        self.exports += 1
        if tree.is_file:
            dest.write_text("print(1)\n")
            return
        (dest / "sub").mkdir(parents=True)
        (dest / "sub" / "data.txt").write_text("data")
        (dest / "run.sh").write_text("#!/bin/sh\n")
        (dest / "run.sh").chmod(0o755)
        (dest / "latest").symlink_to("sub/data.txt")


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "left", Repository(), tmp_path / "trees")


async def unpacked(desk, tree, into):
    with tarfile.open(await desk.code(tree)) as archive:
        agent.unpack(archive, into)


async def test_a_tree_arrives_as_it_is(desk, tmp_path):
    await unpacked(desk, CodeTree("src", "a" * 40, "src"), tmp_path / "work")
    assert (tmp_path / "work/sub/data.txt").read_text() == "data"
    assert (tmp_path / "work/latest").readlink().as_posix() == "sub/data.txt"
    assert (tmp_path / "work/run.sh").stat().st_mode & stat.S_IXUSR
    assert not (tmp_path / "work/sub/data.txt").stat().st_mode & stat.S_IXUSR


async def test_a_file_arrives_under_its_name(desk, tmp_path):
    await unpacked(desk, CodeTree("src/main.py", "b" * 40, "src/main.py", is_file=True), tmp_path / "work/src")
    assert (tmp_path / "work/src/main.py").read_text() == "print(1)\n"


async def test_an_archive_is_made_once(desk):
    tree = CodeTree("src", "a" * 40, "src")
    first = await desk.code(tree)
    made = first.stat().st_mtime_ns
    assert await desk.code(tree) == first
    assert (first.stat().st_mtime_ns, desk._trees.exports) == (made, 1)


async def test_metrics_are_appended_once_and_without_a_gap(desk):
    assert await desk.take_metrics("train-1", 0, b"abc") == 3
    assert await desk.take_metrics("train-1", 0, b"abc") == 3, "sent twice"
    assert await desk.take_metrics("train-1", 1, b"bcdef") == 6, "what overlaps counts once"
    assert await desk.take_metrics("train-1", 9, b"xyz") == 6, "a gap is not taken"
    assert (desk._left / "train-1" / "metrics").read_bytes() == b"abcdef"


async def test_what_was_brought_of_metrics_is_told_while_it_comes(desk):
    key = keys.generation("train", 1).at_attempt(1)
    names = {key: "train-1"}
    assert await desk.progress(names) == {}
    first, half = b'{"name": "loss", "value": 0.5}\n', b'{"name": "loss", '
    await desk.take_metrics("train-1", 0, first + half)
    assert (await desk.progress(names))[key]["loss"].count == 1
    await desk.take_metrics("train-1", len(first + half), b'"value": 0.25}\n')
    found = (await desk.progress(names))[key]["loss"]
    assert (found.count, found.last, found.high) == (2, 0.25, 0.5)
    assert await desk.progress({}) == {}


async def test_events_of_the_tracking_library_are_kept_by_metric_and_told(desk):
    key = keys.generation("train", 1).at_attempt(1)
    events = b"step|timestamp|metric\n0|2026-11-26 06:00:00+00:00|0.5\n1|2026-11-26 06:00:01+00:00|0.25"
    assert await desk.take_metrics("train-1", 0, events, "val__loss x") == len(events)
    await desk.progress({key: "train-1"})
    found = (await desk.progress({key: "train-1"}))[key]["val__loss x"]
    assert (found.count, found.last, found.step) == (2, 0.25, 1)
    points = [point async for piece in desk.points("train-1", ended=True) for point in piece]
    assert [(point.name, point.value) for point in points] == [("val__loss x", 0.5), ("val__loss x", 0.25)]


@pytest.mark.parametrize("name", ["../../other/metrics", "a/b", "x" * 201, "\0", "\ud800"])
async def test_what_names_no_metric_is_not_kept(desk, name, tmp_path):
    with pytest.raises(Refused):
        await desk.take_metrics("train-1", 0, b"x", name)
    assert not list(tmp_path.rglob("*.plx"))


async def test_of_very_many_metrics_of_that_library_the_first_are_kept(desk):
    for number in range(MOST_NAMES):
        await desk.take_metrics("train-1", 0, b"x", f"m{number}")
    with pytest.raises(Refused):
        await desk.take_metrics("train-1", 0, b"x", "one-more")
    assert await desk.take_metrics("train-1", 1, b"y", "m0") == 2


async def test_the_first_end_counts(desk):
    assert await desk.output("train-1") is None
    await desk.take_end("train-1", b"answer=42\n")
    await desk.take_end("train-1", b"answer=43\n")
    assert await desk.output("train-1") == b"answer=42\n"
    await desk.forget("train-1")
    assert await desk.output("train-1") is None


async def test_a_place_has_one_name_and_another_one_has_another(desk, tmp_path):
    name = await desk.place()
    assert name
    assert await Desk(tmp_path / "left", Repository(), tmp_path / "trees").place() == name, "as another daemon finds it"
    assert await Desk(tmp_path / "right", Repository(), tmp_path / "trees").place() not in {"", name}
