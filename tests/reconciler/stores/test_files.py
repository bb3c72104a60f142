"""Stores of fsspec by their port: a folder, memory, and a server of S3's protocol."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import anyio
import fsspec
import pytest

from reconciler.errors import Refused, Transient, Unusable
from reconciler.stores import files
from reconciler.stores.files import FileStore, open_store
from tests.reconciler.stores.support import FullFileSystem, make_bucket, pieces, s3_server, s3_store

pytestmark = [pytest.mark.process, pytest.mark.anyio]

MIB = 1 << 20


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as (url, _):
        make_bucket(url)
        yield url


@pytest.fixture(params=["file", "memory", "s3"])
def store(request, tmp_path) -> FileStore:
    match request.param:
        case "file":
            (tmp_path / "kept").mkdir()
            return open_store(f"file://{tmp_path}/kept", {})
        case "memory":
            return open_store(f"memory://kept{os.urandom(4).hex()}", {})
        case _:
            return s3_store(request.getfixturevalue("endpoint"), f"s3://bucket/{os.urandom(4).hex()}")


async def content(store: FileStore, path: str) -> bytes:
    return b"".join([piece async for piece in store.read(path)])


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="empty"),
        pytest.param([b"a", b"b"], id="small"),
        pytest.param([b"x" * MIB] * 19 + [b"end"], id="in-several-parts"),
        pytest.param([b"x" * 8 * MIB], id="exactly-one-part"),
    ],
)
async def test_a_file_is_read_as_it_was_written(store, parts):
    await store.write("run/outputs/a b/ü.bin", pieces(*parts))
    assert await content(store, "run/outputs/a b/ü.bin") == b"".join(parts)


async def test_a_second_write_replaces_the_first(store):
    await store.write("run/a", pieces(b"first, and longer"))
    await store.write("run/a", pieces(b"second"))
    assert await content(store, "run/a") == b"second"


async def test_what_is_not_there_is_refused(store):
    with pytest.raises(Refused, match="does not exist"):
        await content(store, "run/nothing")


async def test_a_folder_goes_with_all_in_it_and_twice_is_once(store):
    for name in ("run/a", "run/deep/er/b", "other/c"):
        await store.write(name, pieces(b"x"))
    for _ in range(2):
        await store.remove("run")
    for name in ("run/a", "run/deep/er/b"):
        with pytest.raises(Refused):
            await content(store, name)
    assert await content(store, "other/c") == b"x"


async def test_a_single_file_goes(store):
    await store.write("run/a", pieces(b"x"))
    await store.write("run/b", pieces(b"x"))
    await store.remove("run/a")
    with pytest.raises(Refused):
        await content(store, "run/a")
    assert await content(store, "run/b") == b"x"


async def test_a_source_that_fails_in_the_middle_leaves_no_whole_file(endpoint):
    store = s3_store(endpoint, "s3://bucket/torn")

    async def torn():
        yield b"x" * 9 * MIB
        raise Transient("the disk failed")

    with pytest.raises(Transient, match="the disk failed"):
        await store.write("a", torn())
    with pytest.raises(Refused):
        await content(store, "a")
    assert not store._files.list_multipart_uploads("bucket")


async def test_no_space_is_to_be_tried_again():
    fsspec.register_implementation("full", FullFileSystem, clobber=True)
    store = open_store("full://kept", {})
    for parts in ([b"x"], [b"x" * 9 * MIB]):
        with pytest.raises(Transient, match="No space left on device"):
            await store.write("a", pieces(*parts))


async def test_a_store_that_hangs_is_left_alone(monkeypatch):
    go, store = threading.Event(), open_store("memory://hangs", {})
    monkeypatch.setattr(files, "SECONDS", 0.05)
    monkeypatch.setattr(store._files, "pipe_file", lambda *_: go.wait(20))
    with pytest.raises(Transient, match=r"no answer within 0\.05 s"):
        await store.write("a", pieces(b"x"))
    with anyio.move_on_after(0.01) as scope:
        monkeypatch.setattr(files, "SECONDS", 20.0)
        await store.write("a", pieces(b"x"))
    # Whoever is cancelled does not wait for it, and neither does the end of the process.
    assert scope.cancelled_caught
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "store")
    go.set()


async def test_a_server_that_is_away_is_to_be_tried_again():
    with s3_server() as (url, _):
        store = s3_store(url)
    for call in (store.write("a", pieces(b"x")), content(store, "a"), store.remove("a")):
        with pytest.raises(Transient) as told:
            await call
        assert "\n" not in told.value.message


@pytest.fixture(params=["a-folder-that-is-not-mounted", "a-bucket-that-is-not-there"])
def away(request, tmp_path) -> FileStore:
    if request.param == "a-folder-that-is-not-mounted":
        return open_store(f"file://{tmp_path}/mnt/kept", {})
    return s3_store(request.getfixturevalue("endpoint"), "s3://nowhere/kept")


async def test_where_all_of_it_is_away_nothing_is_concluded(away, tmp_path):
    for call in (away.write("a", pieces(b"x")), content(away, "a"), away.remove("a")):
        with pytest.raises(Transient, match="does not exist: make it, or mount it"):
            await call
    assert not (tmp_path / "mnt").exists()


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        pytest.param("nosuch://x", {}, "Protocol not known: nosuch", id="protocol"),
        pytest.param("file:///x", {"auto_mkdir": True, "nonsense": 1, "loop": object()}, None, id="taken"),
    ],
)
def test_what_cannot_be_opened(url, options, said):
    if said is None:
        assert open_store(url, options).url == url
        return
    with pytest.raises(Unusable, match=said):
        open_store(url, options)


def test_a_package_that_is_missing_is_named(monkeypatch):
    def missing(*args: object, **kwargs: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(Unusable, match=r"pip install 'plumbline-gitops\[s3\]'"):
        open_store("s3://bucket", {})


def test_words_are_one_line_and_not_endless():
    assert len(files._words(RuntimeError("a\nb" * 1000))) == 300
