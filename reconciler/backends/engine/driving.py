"""Brings one container where its claim wants it: made, started once, told to end, its end recorded.

An engine starts a container again that has ended, and nothing in its API says "only if it never ran". So a start is
sent at most once to a container, by its id, after it was noted. Whoever finds one noted and nothing begun (we died
between the two, the answer was lost) takes away the folder that it mounts: from then on that start cannot succeed any
more, and once it is seen that it did not before, the container is removed and another one is made. All of it happens
under the lock of the claim. What must never happen here: a start of a container that may have run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import anyio

from planner.model.status import StopReason
from reconciler.backends.engine import names
from reconciler.backends.engine.client import Denied, Engine, Question
from reconciler.backends.engine.pulling import Pulling
from reconciler.backends.engine.replica import Replica, request_stop, since_boot, stop_of
from reconciler.backends.engine.status import Box, Stage, box_of, start_failure
from reconciler.backends.machine import verdict

__all__ = ["Driving"]

START = 300.0
"""Seconds for a start: an engine copies an image's files first where its storage has no layers."""
EVENTS = 10.0
"""Seconds for what the engine remembers."""
RESTARTED = "the machine restarted"
REMOVED = "somebody removed its container"
GONE = "its container is gone, and nobody says why"


class Driving:
    """What is done to single containers."""

    def __init__(self, engine: Engine, pulling: Pulling, boot: str) -> None:
        """`boot` names this boot of the machine."""
        self._engine = engine
        self._pulling = pulling
        self._boot = boot

    async def look(self, called: str) -> Box | None:
        """The container of this name, or of this id; None where there is none.

        Raises:
            Transient: the engine does not say.
        """
        try:
            return box_of(await self._engine.call("GET", f"/containers/{quote(called)}/json"))
        except Denied as error:
            if error.absent:
                return None
            raise error.settled(f"the engine cannot look at container {called}") from None

    async def drive(self, replica: Replica) -> str:
        """Do what is to be done now; returns what keeps it from starting, or "".

        Raises:
            Transient: the engine is away; what was done is found by the next call.
        """
        if replica.read("exit") is not None:
            return ""
        box = await self.look(replica.called)
        if box is not None and box.labels.get(names.CLAIM) != replica.claim.record["token"]:
            return f"container {replica.called} exists and is not ours: remove it, or give it another name"
        if box is not None and self._is_void(replica, box):
            await self._remove(box)
            box = None
        if box is None:
            return await self._absent(replica)
        if not box.has_run and replica.read("run") is None:
            return await self._begin(replica, box)
        return await self._begun(replica, box)

    # --- before it runs ---

    def _is_void(self, replica: Replica, box: Box) -> bool:
        """Whether it is certain that the program of this container never ran and never will."""
        void = replica.read("void")
        return void is not None and int(box.labels.get(names.MAKING, "0")) <= void["making"]

    async def _absent(self, replica: Replica) -> str:
        start, void = replica.read("start"), replica.read("void")
        if start is not None and (void is None or start["making"] > void["making"]):
            await self._lost(replica, removed=await self._is_removed(replica, start))
            return ""
        if stop_of(replica.claim) is not None:
            await self._never(replica)
            return ""
        return await self._make(replica)

    async def _make(self, replica: Replica) -> str:
        body = replica.body()
        if waits := await self._pulling.wanted(body["Image"], replica.record["pull"], replica.claim.key):
            return waits
        try:
            made = await self._engine.call("POST", "/containers/create", body, query={"name": replica.called})
        except Denied as error:
            return await self._not_made(replica, error)
        box = await self.look(str(made["Id"]))
        return await self._begin(replica, box) if box is not None else ""

    async def _not_made(self, replica: Replica, error: Denied) -> str:
        if error.absent:
            self._pulling.forget(replica.record["container"]["Image"])
        if error.status == 400 and "does not exist" not in error.message:  # else somebody may make it
            await self._end(replica, 126, f"the engine does not take its container: {error.message}")
            return ""
        return f"its container cannot be made: {error.message}"

    async def _begin(self, replica: Replica, box: Box) -> str:
        """Start a container that nobody started, or give it up where that is not certain."""
        if replica.read("start") is not None and self._is_sent(replica, box):
            return await self._give_up(replica, box)
        if stop_of(replica.claim) is not None:
            await self._never(replica)
            return ""
        making = int(box.labels.get(names.MAKING, "0"))
        await replica.note("start", {"id": box.id, "making": making, "at": time.time(), "boot": self._boot})
        try:
            await self._engine.call("POST", f"/containers/{box.id}/start", timeout=START)
        except Denied as error:
            return await self._not_started(replica, box, error)
        begun = await self.look(box.id)
        return await self._begun(replica, begun) if begun is not None and begun.has_run else ""

    def _is_sent(self, replica: Replica, box: Box) -> bool:
        start = replica.read("start")
        return start is not None and start["id"] == box.id

    async def _not_started(self, replica: Replica, box: Box, error: Denied) -> str:
        now = await self.look(box.id)
        if now is not None and now.has_run:
            return await self._begun(replica, now)
        code = start_failure(error.message)
        if code is not None:
            await self._end(replica, code, error.message)
            return ""
        return f"its container cannot be started: {error.message}"

    async def _give_up(self, replica: Replica, box: Box) -> str:
        """See that a start which was sent has no effect any more; then make another container.

        A start that comes from now on finds no folder to mount. One that came before holds the container's lock in the
        engine, and a look waits for it: so what is seen after the folder went, stays so.
        """
        if replica.making() <= int(box.labels.get(names.MAKING, "0")):
            await replica.rename()
        now = await self.look(box.id)
        if now is None:
            return ""
        if now.has_run:
            return await self._begun(replica, now)
        await replica.note("void", {"making": int(box.labels.get(names.MAKING, "0"))})
        await self._remove(now)
        return await self._absent(replica)

    async def _remove(self, box: Box) -> None:
        try:
            await self._engine.call("DELETE", f"/containers/{box.id}", query={"v": "true"})
        except Denied as error:
            if not error.absent:
                raise error.settled(f"container {box.id[:12]}, which never ran, cannot be removed") from None

    # --- while it runs, and after ---

    async def _begun(self, replica: Replica, box: Box) -> str:
        if replica.read("run") is None:
            begun = box.started_at or time.time()
            # Of the boot in which its start was sent: the machine may have restarted before anybody looked.
            boot = (replica.read("start") or {}).get("boot", self._boot)
            await replica.note("run", {"id": box.id, "at": begun, "boot": boot, "image": box.image})
        if box.stage is Stage.RUNNING:
            await self._running(replica, box)
        else:
            await self._ended(replica, box)
        return ""

    async def _running(self, replica: Replica, box: Box) -> None:
        claim, run = replica.claim, replica.read("run") or {}
        limit = claim.record["timeout"]
        if limit is not None and time.time() >= run["at"] + limit:
            await request_stop(claim, claim.record["grace"], StopReason.TIMEOUT)
        stop = stop_of(claim)
        if stop is None:
            return
        if since_boot() >= stop["due"]:
            await self._signal(box, "KILL")
        elif replica.read("term") is None:
            await self._signal(box, "TERM")
            await replica.note("term", {"at": time.time()})
            return
        else:
            return
        now = await self.look(box.id)
        if now is not None and now.stage is Stage.EXITED:
            await self._ended(replica, now)

    async def _signal(self, box: Box, name: str) -> None:
        try:
            await self._engine.call("POST", f"/containers/{box.id}/kill", query={"signal": name})
        except Denied as error:
            # It ended meanwhile, which the next look tells; or it is stuck, and is told again.
            if error.status >= 500 and "improper" not in error.message and "not running" not in error.message:
                raise error.settled(f"container {box.id[:12]} cannot be told to end") from None

    async def _ended(self, replica: Replica, box: Box) -> None:
        run = replica.read("run") or {}
        if box.stage is Stage.CREATED or (run["boot"] != self._boot and self._is_cut_off(box)):
            record = {"code": None, "reason": StopReason.NODE_LOST, "stopped": False, "message": RESTARTED}
            await replica.end({**record, "at": time.time()})
            return
        message = "out of memory" if box.out_of_memory else box.message
        await self._end(replica, box.code, message, at=box.ended_at)

    def _is_cut_off(self, box: Box) -> bool:
        """Whether the end of a container of an earlier boot was written after it, by an engine that found it dead."""
        began = time.time() - since_boot()
        return box.code is None or box.ended_at is None or (box.code in {137, 255} and box.ended_at >= began)

    async def _end(self, replica: Replica, code: int | None, message: str, *, at: float | None = None) -> None:
        stop = stop_of(replica.claim)
        reason = StopReason.TIMEOUT if stop is not None and stop["reason"] == StopReason.TIMEOUT else StopReason.EXITED
        end = {"code": code, "reason": reason, "stopped": stop is not None, "message": message}
        await replica.end({**end, "at": at or time.time()})

    async def _never(self, replica: Replica) -> None:
        end = {"code": None, "reason": StopReason.EXITED, "stopped": True, "message": verdict.NEVER}
        await replica.end({**end, "at": time.time()})

    # --- gone without us ---

    async def _lost(self, replica: Replica, *, removed: bool) -> None:
        reason = StopReason.DELETED if removed else StopReason.LOST
        stopped = stop_of(replica.claim) is not None
        end = {"code": None, "reason": reason, "stopped": stopped, "message": REMOVED if removed else GONE}
        if stopped and removed:
            end["reason"] = StopReason.EXITED  # it was to end, whoever did it
        await replica.end({**end, "at": time.time()})

    async def _is_removed(self, replica: Replica, start: Mapping[str, Any]) -> bool:
        """Whether the engine remembers that somebody removed the container; it forgets with time."""
        claim = replica.claim.record
        query = {
            "since": str(int(claim["made_at"])),
            "until": str(int(time.time()) + 1),
            "filters": f'{{"label":["{names.CLAIM}={claim["token"]}"]}}',
        }
        said = b""
        with anyio.move_on_after(EVENTS):
            async with self._engine.stream(Question("/events", query=query)) as pieces:
                async for piece in pieces:
                    said += piece
        ident = str(start["id"]).encode()
        lines = [line for line in said.splitlines() if ident in line]
        return any(f'"Action":"{word}"'.encode() in line for line in lines for word in ("destroy", "remove"))
