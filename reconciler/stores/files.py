"""A store as a file system of fsspec: a folder, a bucket, memory, or whatever a package of fsspec's knows.

Every call is made in a thread and cut into pieces, so that nobody waits for a store and a daemon that ends does not
either. What a store says is never believed to be for good but "no such file": whatever else fails is tried again.
fsspec is imported when a store is opened, as most daemons and all commands need none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.from_thread
from anyio.lowlevel import current_token

from reconciler.errors import Refused, Transient, Unusable

__all__ = ["FileStore", "open_store"]

T = TypeVar("T")

PIECE = 8 << 20
"""Bytes that are sent or fetched at once; S3 takes no smaller parts than 5 MiB of a file in several."""
THREADS = 16
SECONDS = 120.0
"""How long one request may take, with what a package repeats of it."""
_LONGEST = 300
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "file": {"auto_mkdir": True},
    "local": {"auto_mkdir": True},
    # A store that hangs is asked again by us, so one question is short, and it is not repeated in between.
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 1}}},
}
_PACKAGES = {"s3": "s3", "s3a": "s3"}
"""By protocol, the extra of ours that brings its package."""


def open_store(url: str, options: Mapping[str, Any]) -> FileStore:
    """The store at `url`, without asking it for anything.

    Args:
        url: protocol, place and folder, such as `s3://bucket/prefix`.
        options: of fsspec's file system, secrets among them.

    Raises:
        Unusable: no installed package knows the protocol, or it does not take these options.
    """
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # noqa: PLC0415 -- lazily: see the head

    protocol = url.partition("://")[0]
    merged = {**_DEFAULTS.get(protocol, {}), **options}
    try:
        files, root = url_to_fs(url, skip_instance_cache=True, use_listings_cache=False, **merged)
    except ImportError as error:
        extra = _PACKAGES.get(protocol)
        what = f"pip install 'plumbline-gitops[{extra}]'" if extra else f"install its package ({error})"
        raise Unusable(f"artifactsStore.url {url}: no file system for {protocol}:// is installed: {what}") from None
    except Exception as error:  # noqa: BLE001 -- whatever a package says of its options
        raise Unusable(f"artifactsStore cannot be opened: {_words(error)}") from None
    place = str(root).rstrip("/")
    return FileStore(url, files, place, _base(protocol, place))


def _base(protocol: str, root: str) -> str:
    """What must be there before anything is stored, and is never made: a folder that is not mounted is no empty one."""
    match protocol:
        case "file" | "local":
            return root
        case "s3" | "s3a" | "gs" | "gcs":
            return root.partition("/")[0]
        case _:
            return ""


class FileStore:
    """`reconciler.ports_store.Store` over a file system of fsspec below the folder `root`, which is in `base`."""

    def __init__(self, url: str, files: Any, root: str, base: str = "") -> None:
        self._url = url
        self._files = files
        self._root = root
        self._base = base
        self._limiter = anyio.CapacityLimiter(THREADS)

    @property
    def url(self) -> str:
        """See `Store.url`."""
        return self._url

    async def write(self, path: str, pieces: AsyncIterator[bytes]) -> None:
        """See `Store.write`. A file of one piece goes in one request, a larger one in parts."""
        await self._check_base()
        where = self._at(path)
        buffer = bytearray()
        handle: Any = None
        try:
            async for piece in pieces:
                buffer += piece
                if len(buffer) < PIECE:
                    continue
                if handle is None:
                    handle = await self._do(partial(self._create, where))
                await self._do(partial(handle.write, bytes(buffer)))
                buffer.clear()
            if handle is None:
                await self._do(partial(self._files.pipe_file, where, bytes(buffer)))
                return
            await self._do(partial(handle.write, bytes(buffer)))
            await self._do(handle.close)
            handle = None
        finally:
            if handle is not None:
                with anyio.CancelScope(shield=True), contextlib.suppress(Transient):
                    await self._do(partial(_abandon, handle))

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """See `Store.read`."""
        try:
            handle = await self._thread(partial(self._files.open, self._at(path), "rb", cache_type="none"))
        except FileNotFoundError:
            await self._check_base()
            raise Refused(f"{self._url}/{path} does not exist") from None
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 -- as in `_do`
            raise Transient(_words(error)) from None
        try:
            while piece := await self._do(partial(handle.read, PIECE)):
                yield piece
        finally:
            with contextlib.suppress(Exception):
                handle.close()

    async def remove(self, path: str) -> None:
        """See `Store.remove`."""
        try:
            await self._thread(partial(self._files.rm, self._at(path), recursive=True))
        except FileNotFoundError:
            await self._check_base()
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 -- as in `_do`
            raise Transient(_words(error)) from None

    async def _check_base(self) -> None:
        """What is not there may be so because all of it is away: then nothing is concluded from it."""
        if self._base and not await self._do(partial(self._files.exists, self._base)):
            raise Transient(f"{self._base} does not exist: make it, or mount it")

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _create(self, where: str) -> Any:
        return self._files.open(where, "wb", block_size=PIECE)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await self._thread(work)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 -- of a package that we do not know: it is tried again
            raise Transient(_words(error)) from None

    async def _thread(self, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread that nobody waits for once this is cancelled, or the process ends."""
        found: list[T] = []
        failed: list[Exception] = []
        done, token = anyio.Event(), current_token()

        def do() -> None:
            try:
                found.append(work())
            except Exception as error:  # noqa: BLE001 -- raised again below
                failed.append(error)
            with contextlib.suppress(Exception):  # nobody is there any more
                anyio.from_thread.run_sync(done.set, token=token)

        async with self._limiter:
            threading.Thread(target=do, name="store", daemon=True).start()
            try:
                with anyio.fail_after(SECONDS):
                    await done.wait()
            except TimeoutError:
                raise Transient(f"no answer within {SECONDS:g} s") from None
        if failed:
            raise failed[0]
        return found[0]


def _abandon(handle: Any) -> None:
    """Let go of a file that is not whole, and do not send what is left of it."""
    try:
        handle.discard()
        handle.closed = True
    except (AttributeError, RuntimeError, NotImplementedError):
        handle.close()  # a file of this machine: the part stays, and nothing says that it is whole


def _words(error: BaseException) -> str:
    """What a package says, on one line and not endless."""
    said = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
