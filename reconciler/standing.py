"""What a replica answers that does not lead: that it is alive and stands by, and who leads; the rest it passes on.

Decides nothing. What it must never do: answer for the leader.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planner.canon import Json
from reconciler.api import problems
from reconciler.api.problems import ApiError
from reconciler.elected import View, election_view
from reconciler.passing import pass_on
from reconciler.servers import SOCKET, Served, answer, server_of, tcp_socket, unix_socket

__all__ = ["Listening", "Standing"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a replica answers.

    Attributes:
        state: folder of its socket.
        health: `host:port`, or "".
        passed: the others, by what is listened for: `pods`, `events`, `webhooks`.
        own: where others reach it there.
    """

    state: Path
    health: str
    passed: Mapping[str, str]
    own: Collection[str]


class Standing:
    """The servers of a replica that stands by.

    Attributes:
        begins: whether it is about to lead.
    """

    def __init__(self, listening: Listening, view: View) -> None:
        """Opens nothing."""
        self.begins = False
        self._view = view
        self._passed = listening.passed
        self._own = listening.own
        self._listening = listening
        self._served: list[Served] = []
        self._passing = anyio.CancelScope()
        self._over = False
        self._closed = anyio.Event()

    async def run(self) -> None:
        """Answer until `stop`.

        Raises:
            Unusable: an address cannot be taken.
        """
        said = self._listening
        try:
            if self._over:
                return
            self._served.append((server_of(self._people()), unix_socket(said.state / SOCKET)))
            if said.health:
                self._served.append((server_of(self._health()), tcp_socket(said.health, "api.health")))
            async with anyio.create_task_group() as group:
                for served in self._served:
                    group.start_soon(answer, served)
                group.start_soon(self._pass_on)
        finally:
            for server, listener in self._served:
                # Where it was told to end before it had begun, it has left this open.
                for opened in getattr(server, "servers", ()):
                    opened.close()
                listener.close()
            self._closed.set()

    async def stop(self) -> None:
        """Give all addresses back."""
        self._over = True
        self._passing.cancel()
        for server, _ in self._served:
            server.should_exit = True
        await self._closed.wait()

    async def _pass_on(self) -> None:
        with self._passing:
            async with anyio.create_task_group() as group:
                for what, address in self._passed.items():
                    group.start_soon(pass_on, address, what, lambda what=what: self._address(what))

    def _address(self, what: str) -> str:
        leader = self._view.leader
        address = leader.addresses.get(what, "") if leader is not None else ""
        # What leads there was this process's place before: it is gone.
        return "" if address in self._own else address

    def _words(self) -> str:
        if self.begins:
            return "this replica is about to lead: ask again in a moment"
        leader = self._view.leader
        if self._view.unseen:
            return f"this replica stands by, and cannot tell who leads: {self._view.unseen}"
        if leader is None or not leader.name:
            return "this replica stands by, and nobody leads: ask again in a moment"
        return f"this replica stands by: {leader.name} leads since {leader.since}; ask there"

    def _people(self) -> Starlette:
        async def nothing(_: Request) -> Response:
            told: dict[str, Json] = {"standingBy": True, "election": election_view(self._view)}
            return problems.answer(ApiError(503, self._words(), told))

        return Starlette(routes=[Route("/{path:path}", nothing, methods=_METHODS)])

    def _health(self) -> Starlette:
        async def healthz(_: Request) -> Response:
            return JSONResponse({"status": "alive"})

        async def readyz(_: Request) -> Response:
            if self._view.unseen or self.begins:
                return JSONResponse({"status": "not ready", "reasons": [self._words()]}, 503)
            leader = self._view.leader
            return JSONResponse({"status": "standing by", "leader": leader.name if leader else ""})

        async def metrics(_: Request) -> Response:
            registry = CollectorRegistry()
            Gauge("plumbline_leader", "Whether this replica leads", registry=registry).set(0)
            return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

        return Starlette(
            routes=[
                Route("/healthz", healthz, methods=["GET"]),
                Route("/readyz", readyz, methods=["GET"]),
                Route("/metrics", metrics, methods=["GET"]),
            ]
        )
