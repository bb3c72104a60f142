"""The objects of one kind in one namespace, as the API server last told of them, trimmed to what is needed.

Lists, then watches from there; lists again when the server has forgotten where we were, when it turns out to be older
than what we have seen, and when it has been silent for longer than it ever is. Decides nothing about what it holds.
What it must never do: say that something is gone because a connection was lost.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio

from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.denied import Denied, items_of
from reconciler.errors import Transient
from reconciler.telemetry import log

__all__ = ["ListWatch", "Watched"]

Object = dict[str, Any]

PAGE = 500
"""Objects of one answer to a list."""
LASTS = 290
"""Seconds that the server is asked to keep a watch open, with as much again of chance at most."""
SILENCE = 150.0
"""Seconds without a line, bookmarks included, after which a watch is dead: the server sends one each minute."""
AT_ONCE = 1.0
"""Seconds that a watch lasts at least, or tells something: one that does neither is opened again after a pause."""
RELIST = 1800.0
"""Seconds after which all is listed again, whatever the watch said: it makes up for whatever was missed."""
_BACKOFF = (0.5, 30.0)
_TOLD = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched.

    Attributes:
        path: of the collection, such as `/apis/batch/v1/namespaces/ml/jobs`.
        selector: labels that the objects have.
        trim: of an object as the server tells it, what is kept of it.
        may_lack: whether there may be no such kind, or no right to it: it is asked for again after `RELIST` only, or
            when there is reason to think that there is by now (`wake`).
    """

    path: str
    selector: str
    trim: Callable[[Object], Object]
    may_lack: bool = False


class ListWatch:
    """Holds what is watched, in memory."""

    def __init__(
        self, api: Api, watched: Watched, came: Callable[[Object], None], went: Callable[[Object], None]
    ) -> None:
        """Touches nothing; `run` begins.

        Args:
            api: the server.
            watched: what is watched.
            came: called with each object, trimmed, that is new or changed; must not block.
            went: likewise with each that is gone.
        """
        self._api = api
        self._watched = watched
        self._came = came
        self._went = went
        self.objects: dict[str, Object] = {}
        """By name."""
        self.trouble: str = ""
        """Why nothing is known yet, or not what is new; "" while all is well."""
        self.lost = 0
        """How many objects went so far."""
        self._synced = anyio.Event()
        self._version = ""
        self._listed_at = -RELIST
        self._told = True
        self._woken = anyio.Event()

    @property
    def synced(self) -> bool:
        """Whether a whole list was ever seen."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        """Return when a whole list was seen."""
        await self._synced.wait()

    async def run(self) -> None:
        """List and watch until cancelled."""
        pause = _BACKOFF[0]
        while True:
            try:
                if not self._version or time.monotonic() - self._listed_at > RELIST:
                    await self._list()
                await self._watch()
                self.trouble, pause = "", _BACKOFF[0]
            except Denied as error:
                if error.expired:
                    self._version = ""
                    if self._told:  # a server that forgets all the time is asked after a pause
                        self._told = False
                        continue
                self._note(str(error.settled(f"{self._watched.path} cannot be watched")))
                if self._watched.may_lack and (error.absent or error.code == 403):
                    await self._reason_to_ask()
                    continue
            except Transient as error:
                self._note(error.message)
            except Exception:  # noqa: BLE001 -- our own fault: what is known stays, and all is listed again
                log.exception("a watch crashed", path=self._watched.path)
                self._version = ""
                self._note(f"{self._watched.path} cannot be watched: an error of Plumbline's own, which its log has")
            if self.trouble:
                await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- spread, no secret
                pause = min(pause * 2, _BACKOFF[1])

    def put(self, told: Object) -> Object:
        """Take in an object that was read or written, unless a newer state of it is known; gives what is known."""
        return self._take(self._watched.trim(told))

    def wake(self) -> None:
        """Have it ask again at once where it waits for a kind, or a right, that it lacked."""
        self._woken.set()

    async def _reason_to_ask(self) -> None:
        self._version, self._woken = "", anyio.Event()
        with anyio.move_on_after(RELIST):
            await self._woken.wait()

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("what runs on the cluster cannot be watched", reason=trouble)
        self.trouble = trouble

    # --- list ---

    async def _list(self) -> None:
        found: dict[str, Object] = {}
        begun = time.monotonic()
        query: dict[str, object] = {"labelSelector": self._watched.selector, "limit": PAGE}
        while True:
            page = await self._api.call("GET", self._watched.path, query=query)
            for item in items_of(page):
                trimmed = self._watched.trim(item)
                found[trimmed["metadata"]["name"]] = trimmed
            head: Mapping[str, Any] = page.get("metadata") or {}
            if not head.get("continue"):
                break
            query["continue"] = head["continue"]
        before, self.objects = self.objects, found
        self._version = str(head.get("resourceVersion") or "")
        self._listed_at, self.trouble = begun, ""
        self._synced.set()
        for name in before.keys() - found.keys():
            self.lost += 1
            self._went(before[name])
        for name, item in found.items():
            if name not in before or before[name] != item:
                self._came(item)

    # --- watch ---

    async def _watch(self) -> None:
        query = {
            "labelSelector": self._watched.selector,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": LASTS + random.randrange(LASTS),  # noqa: S311 -- spread, no secret
        }
        begun, told = time.monotonic(), False
        async with self._api.stream(self._watched.path, query) as stream:
            self.trouble = ""
            async for line in self._lines(stream):
                self._event(_parsed(line))
                told = self._told = True
        if not told and time.monotonic() - begun < AT_ONCE:
            raise Transient(f"{self._watched.path} cannot be watched: the API server ends each watch at once")

    async def _lines(self, stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    line = await stream.readline()
            except TimeoutError:
                # A server that was restored to an earlier state says nothing until it is where this watch begins.
                self._version = ""
                raise Transient(f"{self._watched.path} was silent for {SILENCE:g} s: it is asked again") from None
            except (aiohttp.ClientError, OSError) as error:
                raise self._api.unreached(error) from error
            if not line:
                return
            if line.strip():
                yield line

    def _event(self, event: Object) -> None:
        item = event.get("object") or {}
        kind = event.get("type")
        if kind in _TOLD and _is_before(item["metadata"]["resourceVersion"], self._version):
            raise Denied(410, "Expired", "the API server goes on from an earlier version than it has told")
        match kind:
            case "ADDED" | "MODIFIED":
                self._take(self._watched.trim(item))
            case "DELETED":
                self._drop(self._watched.trim(item))
            case "BOOKMARK":
                pass
            case _:
                raise Denied(int(item.get("code") or 500), str(item.get("reason")), str(item.get("message")))
        self._version = str(item["metadata"]["resourceVersion"])

    def _take(self, fresh: Object) -> Object:
        name = fresh["metadata"]["name"]
        known = self.objects.get(name)
        if known is not None and not _newer(fresh, known):
            return known
        self.objects[name] = fresh
        self._came(fresh)
        return fresh

    def _drop(self, gone: Object) -> None:
        """Forget an object, unless its name is another one's by now."""
        name = gone["metadata"]["name"]
        known = self.objects.get(name)
        if known is None or known["metadata"]["uid"] == gone["metadata"]["uid"]:
            self.objects.pop(name, None)
            self.lost += 1
            self._went(gone)


def _parsed(line: bytes) -> Object:
    """An event as it was told.

    Raises:
        Transient: half of it was: the connection broke.
    """
    try:
        return dict(json.loads(line))
    except ValueError:
        raise Transient("the API server cannot be reached: a watch broke in the middle of a line") from None


def _is_before(fresh: str, known: str) -> bool:
    """Whether a version is an earlier one than another: no watch goes back, but where a cluster was restored."""
    try:
        return int(fresh) < int(known)
    except ValueError:
        return False


def _newer(fresh: Object, known: Object) -> bool:
    """Whether `fresh` tells of a later state than `known`.

    Versions are decimal numbers that grow, by the API's conventions since 1.35 and in fact ever since. After a restore
    of the cluster they begin lower again: an older version of the very same object is news only through a list.
    """
    if fresh["metadata"]["uid"] != known["metadata"]["uid"]:
        return True
    try:
        return int(fresh["metadata"]["resourceVersion"]) > int(known["metadata"]["resourceVersion"])
    except ValueError:
        return bool(fresh != known)
