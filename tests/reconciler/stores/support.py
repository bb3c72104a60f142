"""Stores to try things with: one that breaks on demand, and a server of S3's protocol."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from reconciler.errors import Refused, Transient
from reconciler.stores.files import FileStore, open_store

KEYS = {"key": "AKIATEST", "secret": "not-a-secret"}


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


class MemoryStore:
    """A store that fails with `failing` where that is set, and notes what was asked."""

    url = "memory://kept"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.failing = ""
        self.written: list[str] = []

    async def write(self, path: str, data: AsyncIterator[bytes]) -> None:
        content = b"".join([piece async for piece in data])
        self._check()
        self.files[path] = content
        self.written.append(path)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        self._check()
        if path not in self.files:
            raise Refused(f"{path} does not exist")
        yield self.files[path]

    async def remove(self, path: str) -> None:
        self._check()
        self.files = {
            name: data for name, data in self.files.items() if name != path and not name.startswith(f"{path}/")
        }

    def _check(self) -> None:
        if self.failing:
            raise Transient(self.failing)


class FullFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A file system of fsspec without space."""

    protocol = "full"
    cachable = False

    def pipe_file(self, *args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode == "rb":
            return super()._open(path, mode, **kwargs)
        raise OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def s3_server(port: int = 0) -> Iterator[tuple[str, int]]:
    """A server of S3's protocol on loopback: its URL and port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        host, bound = server.get_host_and_port()
        yield f"http://{host}:{bound}", bound
    finally:
        server.stop()


def s3_store(endpoint: str, url: str = "s3://bucket/kept") -> FileStore:
    # Its own client's defaults count for the test: a server that is away is noticed at once.
    quick = {"connect_timeout": 2, "read_timeout": 5, "retries": {"max_attempts": 0}}
    return open_store(url, {**KEYS, "endpoint_url": endpoint, "config_kwargs": quick})


def make_bucket(endpoint: str, name: str = "bucket") -> None:
    s3_store(endpoint)._files.mkdir(name)
