"""Folders of runs that went: which ones a run reads, and how they come back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planner.model.artifacts import Artifact
from reconciler.errors import Transient
from reconciler.keeper import Dropper, Restorer
from tests.reconciler.backends.local.test_init import LOOK, outputs_of, upstream, with_init

pytestmark = [pytest.mark.process, pytest.mark.anyio]

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def entries(files: Mapping[str, bytes], executable: Sequence[str] = ()) -> list[Artifact]:
    return [Artifact(name, "file", len(data), AT, "", name in executable) for name, data in files.items()]


def content(files: Mapping[str, bytes]):
    async def pieces(entry: Artifact) -> AsyncIterator[bytes]:
        for byte in files[entry.path]:
            yield bytes([byte])

    return pieces


def facts_of(path: Path) -> tuple[int, float]:
    return path.stat().st_mode & 0o777, path.stat().st_mtime


async def test_a_run_names_the_folders_that_it_reads_and_that_are_gone(machine):
    backend = machine.open()
    assert isinstance(backend, Restorer)
    folder, _ = await upstream(machine, backend)
    home = Path(folder).parent
    by_path = with_init(machine.shell("eval", "true"), {"paths": [f"{folder}/outputs/report.html"]})
    by_name = with_init(machine.shell("eval", "true"), {"artifacts": {"files": [f"{home.name}/outputs/report.html"]}})
    by_link = with_init(machine.shell("eval", "true"), {"tensorboard": {"runs": [[home.name, "train"]]}})
    order = machine.shell("eval", "true")
    upstreams = {"upstream": {"train": {"status": "succeeded", "outputs": {}, "artifacts": folder}}}
    by_context = replace(order, run=replace(order.run, context={**order.run.context, **upstreams}))
    by_words = machine.shell("eval", f"cat {folder}/outputs/report.html")
    reading = (by_path, by_name, by_link, by_context, by_words)
    assert [await backend.missing(one) for one in (*reading, order)] == [[]] * 6
    shutil.rmtree(folder)
    assert [await backend.missing(one) for one in (*reading, order)] == [[home.name]] * 5 + [[]]


@pytest.mark.parametrize(
    "entry",
    [{"paths": ["/etc/passwd"]}, {"paths": ["../x"]}, {"file": {"content": "x"}}, "nonsense"],
    ids=str,
)
async def test_what_no_run_has_left_is_not_missing(machine, entry):
    assert await machine.open().missing(with_init(machine.shell("eval", "true"), entry)) == []


async def test_a_folder_comes_back_as_it_was_and_is_read(machine):
    backend = machine.open()
    folder, _ = await upstream(machine, backend)
    name = Path(folder).parent.name
    shutil.rmtree(Path(folder).parent)
    files = {"report.html": b"x", "models/deep/best": b"model"}
    await backend.restore(name, entries(files, ["models/deep/best"]), content(files))
    assert facts_of(Path(folder, "outputs/models/deep/best")) == (0o700, AT.timestamp())
    order = with_init(machine.shell("eval", LOOK), {"paths": [f"{folder}/outputs/report.html"]})
    assert await outputs_of(machine, backend, order) == {"f__report_html": "x"}


async def test_what_is_here_stays_as_it_is(machine):
    backend = machine.open()
    folder, key = await upstream(machine, backend)
    files = {"report.html": b"older"}
    await backend.restore(Path(folder).parent.name, entries(files), content(files))
    assert [one.size for one in await backend.artifacts(key, "report.html")] == [1]
    assert [path.name for path in Path(folder).parent.glob(".*")] == []


async def test_a_fetch_that_fails_leaves_nothing(machine):
    backend = machine.open()
    folder, _ = await upstream(machine, backend)
    home = Path(folder).parent
    shutil.rmtree(folder)

    async def torn(entry: Artifact) -> AsyncIterator[bytes]:
        yield b"half"
        raise Transient("the store went away")

    with pytest.raises(Transient, match="the store went away"):
        await backend.restore(home.name, entries({"report.html": b"x"}), torn)
    assert not [path for path in home.iterdir() if "artifacts" in path.name and path.is_dir()]


async def test_what_there_is_a_copy_of_goes_whole_and_comes_back(machine):
    backend = machine.open()
    assert isinstance(backend, Dropper)
    folder, key = await upstream(machine, backend)
    had = {path.name: path.read_bytes() for path in (Path(folder) / "outputs").iterdir() if path.is_file()}
    assert await backend.let_go(key, remove=False) > 0
    assert [path.name for path in Path(folder).parent.glob("artifacts")] == ["artifacts"]
    assert await backend.let_go(key, remove=True) > 0
    assert await backend.let_go(key, remove=True) == 0
    assert [path.name for path in Path(folder).parent.glob("artifacts")] == []
    assert not list(Path(folder).parent.glob(".artifacts*"))
    await backend.restore(Path(folder).parent.name, entries(had), content(had))
    assert {path.name: path.read_bytes() for path in (Path(folder) / "outputs").iterdir()} == had


async def test_what_a_copy_does_not_have_stays_with_all_beside_it(machine):
    backend = machine.open()
    folder, key = await upstream(machine, backend)
    (Path(folder) / "notes").write_text("beside the outputs")
    assert await backend.let_go(key, remove=True) == 0
    assert (Path(folder) / "outputs").is_dir()


async def test_a_removal_that_was_cut_off_is_finished(machine):
    backend = machine.open()
    folder, key = await upstream(machine, backend)
    shutil.move(folder, f"{folder.removesuffix('artifacts')}.artifacts.going.ab12")
    assert await backend.let_go(key, remove=True) == 0
    assert not list(Path(folder).parent.glob(".artifacts*"))
