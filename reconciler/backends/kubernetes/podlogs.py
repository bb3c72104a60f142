"""What the program of a pod wrote, as the API server gives it: stamped lines without their stamps, each byte once.

A connection that is cut is opened again at the instant of the last line; what was given already is left out by its
stamp. What it must never do: wait for a pod whose log nobody follows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio

from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.kinds import PODS
from reconciler.backends.together import together
from reconciler.errors import Transient

__all__ = ["Lines", "PodLog", "logs_of", "read"]

AGAIN = 0.5
"""Seconds before a log that is followed is asked for again."""
_NO_LOG = frozenset({400, 404})
"""The container has not started, or its pod is gone."""


class Lines:
    """Takes the stamps off a log's lines, however it is cut into pieces, and leaves out what was had before."""

    def __init__(self) -> None:
        self.last = ""
        """The stamp of the last line. The kubelet writes all with nine digits, so they sort as text."""
        self._head: bytes | None = b""  # what came of a line before its stamp was whole; None in the middle of a line
        self._until = ""
        self._given: int | None = None  # bytes of the last line, while it has no end
        self._skip: int | None = 0  # bytes of this line that were given before; None for all of it

    def begin(self) -> None:
        """What follows is read anew, from the instant of the last line on."""
        self._head, self._until = b"", self.last

    def read(self, piece: bytes) -> bytes:
        """What is new in `piece`, without stamps. A carriage return ends no line: programs write it as they like."""
        parts = piece.split(b"\n")
        lines = [part + b"\n" for part in parts[:-1]] + parts[-1:]
        return b"".join(self._part(line) for line in lines if line)

    def _part(self, part: bytes) -> bytes:
        if self._head is not None:
            self._head += part
            stamp, space, part = self._head.partition(b" ")
            if not space:
                return b""
            self._head = None
            self._begin_line(stamp.decode(errors="replace"))
        ends = part.endswith(b"\n")
        if ends:
            self._head = b""
        if self._skip is None:
            return b""
        fresh, self._skip = part[self._skip :], max(0, self._skip - len(part))
        self._given = None if ends else (self._given or 0) + len(fresh)
        return fresh

    def _begin_line(self, stamp: str) -> None:
        if stamp > self._until:
            self._skip = self._given = 0
        else:
            self._skip = self._given if stamp == self._until else None
        self.last = max(self.last, stamp)


@dataclass(frozen=True, slots=True)
class PodLog:
    """The log of one container of a pod.

    Attributes:
        api: the server.
        namespace: of the pod.
        pod: its name.
        container: whose output it is.
    """

    api: Api
    namespace: str
    pod: str
    container: str

    async def pieces(self, *, tail: int | None, over: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
        """The log, until what `over` says was true before all of it was read; at once where it is.

        Raises:
            Transient: it cannot be read now.
        """
        lines = Lines()
        while True:
            ended = await over()
            async for piece in self._once(lines, tail=tail, follow=not ended):
                if fresh := lines.read(piece):
                    yield fresh
                tail = None
            if ended:
                return
            await anyio.sleep(AGAIN)
            lines.begin()

    async def _once(self, lines: Lines, *, tail: int | None, follow: bool) -> AsyncIterator[bytes]:
        query = {
            "container": self.container,
            "timestamps": "true",
            "follow": "true" if follow else None,
            "tailLines": tail,
            "sinceTime": lines.last or None,
        }
        try:
            async with self.api.stream(PODS.path(self.namespace, self.pod, "log"), query, "*/*") as stream:
                async for piece in stream.iter_any():
                    yield piece
        except Denied as error:
            if error.code not in _NO_LOG:
                raise Transient(str(error.settled(f"the log of pod {self.pod} cannot be read"))) from None
        except (aiohttp.ClientError, OSError) as error:
            if not follow:  # what is followed is opened again
                raise self.api.unreached(error) from error


def logs_of(api: Api, namespace: str, pods: Sequence[Mapping[str, Any]]) -> Sequence[PodLog]:
    """What the programs of pods wrote."""
    return [PodLog(api, namespace, pod["metadata"]["name"], layout.MAIN) for pod in pods]


def read(logs: Sequence[PodLog], *, tail: int | None, over: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """Logs of several pods side by side, each stretch headed by the pod's name where there is more than one."""
    return together({log.pod: log.pieces(tail=tail, over=over) for log in logs})
