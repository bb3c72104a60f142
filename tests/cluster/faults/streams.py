"""What comes of a watch on its way through: line by line, with what its script does to it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from aiohttp import web

from tests.cluster.faults.plan import Fault, On, Script, What

__all__ = ["Broken", "Ended", "Stream"]

DELAY = 1.0
"""Seconds that an event comes late."""
_EXPIRED = {
    "type": "ERROR",
    "object": {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"},
}


class Broken(Exception):  # noqa: N818 -- no error: a fault
    """The watch is cut here."""


class Ended(Exception):  # noqa: N818 -- no error: a fault
    """The watch ends here, as a server ends it."""


class Stream:
    """One watch."""

    def __init__(self, script: Script, fault: Fault | None, out: web.StreamResponse) -> None:
        self._script = script
        self._fault = fault
        self._out = out
        self._told = 0
        self._late: set[asyncio.Task[None]] = set()

    async def carry(self, lines: aiohttp.StreamReader) -> None:
        """Pass on what comes until it ends.

        Raises:
            Broken: it is cut.
            Ended: it is over before its time.
        """
        try:
            async for line in lines:
                await self._line(line)
        finally:
            for task in self._late:
                task.cancel()

    async def _line(self, line: bytes) -> None:
        told = json.loads(line)
        if told["type"] not in {"ADDED", "MODIFIED", "DELETED"}:
            if not self._is(What.NO_BOOKMARKS):
                await self._out.write(line)
            return
        meta = told["object"]["metadata"]
        fault = self._script.met(On.EVENT, f"{told['type']} {told['object']['kind']} {meta['name']}")
        match fault.what if fault is not None else None:
            case What.DROPPED:
                return
            case What.REPEATED:
                await self._out.write(line + line)
            case What.DELAYED:
                task = asyncio.get_running_loop().create_task(self._later(line))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
            case What.EXPIRED:
                await self._out.write(json.dumps(_EXPIRED).encode() + b"\n")
                raise Ended
            case What.HALF:
                await self._out.write(line[: len(line) // 2])
                raise Ended
            case _:
                await self._out.write(line)
        self._told += 1
        if self._fault is not None and self._is(What.CUT) and self._told >= self._fault.more:
            raise Broken

    async def _later(self, line: bytes) -> None:
        await asyncio.sleep(DELAY)
        await self._out.write(line)

    def _is(self, what: What) -> bool:
        return self._fault is not None and self._fault.what is what
