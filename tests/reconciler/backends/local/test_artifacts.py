"""Artifacts: what is written down of them at a run's end, and how they are read, whatever a program made of them."""

import io
import json
import os
import tarfile

import pytest

from planner.model.run import Phase
from reconciler.backends import below
from reconciler.backends.machine import artifacts
from reconciler.errors import Refused
from tests.reconciler.backends.local.test_surroundings import phase

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

LEAVES = """cd $PLUMBLINE_ARTIFACTS/outputs
mkdir -p models/deep; printf model > models/deep/best; printf x > report.html; : > empty"""


async def left(machine, backend, text=LEAVES, attempt=1):
    order = machine.shell("train", text, attempt=attempt)
    await backend.ensure(order)
    return order, await phase(machine, backend, order.key, Phase.ENDED)


async def fetched(backend, key, path):
    content = await backend.artifact(key, path)
    return content.kind, b"".join([piece async for piece in content.pieces])


async def test_what_a_run_left_is_in_its_end(machine):
    backend = machine.open()
    order, end = await left(machine, backend)
    found = end.artifacts
    assert (found.names, found.files, found.size, found.more) == (("empty", "models", "report.html"), 3, 6, False)
    assert found.folder == str(machine.settings.runs / order.key.run.dns_name("default", "demo") / "artifacts")


async def test_a_run_that_left_nothing_has_a_folder_all_the_same(machine):
    backend = machine.open()
    order, end = await left(machine, backend, "true")
    assert (end.artifacts.names, end.artifacts.files) == ((), 0)
    assert await backend.artifacts(order.key) == []
    assert not list(machine.settings.runs.glob("*/artifacts-*.json"))


async def test_they_are_listed_with_digests_and_fetched(machine):
    backend = machine.open()
    order, _ = await left(machine, backend)
    await backend.clean(order.key)
    found = {one.path: one for one in await backend.artifacts(order.key)}
    assert list(found) == ["empty", "report.html", "models", "models/deep", "models/deep/best"]
    assert found["models/deep/best"].digest == "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
    assert (found["models"].kind, found["models"].digest) == ("folder", "")
    assert [one.path for one in await backend.artifacts(order.key, "models/deep/best")] == ["models/deep/best"]
    assert await fetched(backend, order.key, "models/deep/best") == ("file", b"model")
    kind, data = await fetched(backend, order.key, "models")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert kind == "folder"
        assert archive.getnames() == ["deep", "deep/best"]
        assert archive.extractfile("deep/best").read() == b"model"


async def test_a_file_that_was_changed_later_has_no_digest_and_the_first_list_stays(machine):
    backend = machine.open()
    order, _ = await left(machine, backend)
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    (home / "artifacts/outputs/report.html").write_text("changed")
    (home / "artifacts/outputs/later").write_text("later")
    end = await phase(machine, machine.open(), order.key, Phase.ENDED)
    assert end.artifacts.names == ("empty", "models", "report.html")
    digests = {one.path: one.digest for one in await backend.artifacts(order.key)}
    assert (digests["report.html"], digests["later"]) == ("", "")
    assert digests["empty"] != ""


@pytest.mark.parametrize(
    "path", ["../../secret", "/etc/passwd", "link", "link/passwd", "pipe", "nothing", "models/../../x", "a\0b"]
)
async def test_nothing_but_files_and_folders_of_the_run_is_read(machine, path):
    backend = machine.open()
    text = f"{LEAVES}\nln -s /etc link; ln -s /etc/passwd models/passwd; mkfifo pipe"
    order, end = await left(machine, backend, text)
    with pytest.raises(Refused, match="has no such artifact"):
        await backend.artifact(order.key, path)
    assert end.artifacts.files == 3
    _, data = await fetched(backend, order.key, "")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {"link", "pipe", "models/passwd"}.isdisjoint(archive.getnames())


async def test_an_outputs_folder_that_leads_away_is_empty(machine):
    backend = machine.open()
    order, end = await left(machine, backend, "cd $PLUMBLINE_ARTIFACTS; rmdir outputs; ln -s /etc outputs")
    assert end.artifacts.names == ()
    with pytest.raises(Refused):
        await backend.artifacts(order.key)


async def test_an_end_waits_while_its_artifacts_cannot_be_written_down(machine, monkeypatch):
    backend = machine.open()
    full = OSError(28, "No space left on device")

    def fails(*_):
        raise full

    with monkeypatch.context() as patched:
        patched.setattr(artifacts.records, "write_once", fails)
        order = machine.shell("train", LEAVES)
        await backend.ensure(order)
        while not (seen := (await backend.observe([order.key])).objects[order.key]).message:
            await machine.wait()
        assert seen.phase is Phase.RUNNING
        assert seen.message == "it has ended, and waits for its artifacts to be listed: No space left on device"
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.artifacts.files == 3


def test_what_is_too_much_is_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "MOST_ENTRIES", 5)
    monkeypatch.setattr(artifacts, "LARGEST_HASHED", 1)
    outputs = tmp_path / "artifacts" / "outputs"
    outputs.mkdir(parents=True)
    for number in range(7):
        (outputs / f"f{number}").write_bytes(b"x" * (number + 1))
    found = artifacts.taken(tmp_path, 1)
    assert (found.files, found.more) == (5, True)
    listed = json.loads((tmp_path / "artifacts-1.json").read_text())["entries"]
    assert [bool(one.get("sha256")) for one in listed] == [one["size"] <= 1 for one in listed]


def test_an_archive_of_a_file_that_shrinks_is_whole(tmp_path, monkeypatch):
    outputs = tmp_path / "artifacts" / "outputs"
    outputs.mkdir(parents=True)
    (outputs / "a").write_bytes(b"x" * 1000)
    (outputs / "b").write_bytes(b"y")
    whole = below.pieces

    def cut(handle, size):
        if size == 1000:
            os.truncate(outputs / "a", 10)
        return whole(handle, size)

    monkeypatch.setattr(below, "pieces", cut)
    data = b"".join(artifacts.content(tmp_path, artifacts.kept_at(tmp_path, "")))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.extractfile("a").read() == b"x" * 10 + b"\0" * 990
        assert archive.extractfile("b").read() == b"y"
