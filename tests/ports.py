"""Ports for what a test serves: given once, to one worker, and none that the kernel gives to a connection meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

__all__ = ["free_port"]

# Below the ports that daemons lease to services, which are below those of connections.
_FIRST, _EACH, _WORKERS = 12_000, 500, 16
_turns = itertools.count()


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on.

    Raises:
        AssertionError: somebody listens on each of those that this worker may give.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    for turn in itertools.islice(_turns, _EACH):
        port = _FIRST + worker * _EACH + turn % _EACH
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind((host, port))
            return port
    raise AssertionError("no port is free")
