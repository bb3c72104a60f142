"""The daemon's servers: the JSON API on its Unix socket, and what the configuration asks for over TCP.

Opens sockets and hands them to uvicorn; decides nothing about what is answered.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from reconciler.api.app import create_app
from reconciler.api.event_listener import events_app
from reconciler.api.health import health_app
from reconciler.api.pods import pods_app
from reconciler.api.service import Service
from reconciler.core import Core
from reconciler.errors import Unusable
from reconciler.loop import Loop
from reconciler.pages.app import pages_app
from reconciler.ports_pods import Desk
from reconciler.settings import DaemonSettings
from reconciler.webhooks.door import door_of
from reconciler.webhooks.listener import webhooks_app

__all__ = ["SOCKET", "Served", "answer", "server_of", "servers", "tcp_socket", "unix_socket"]

Served = tuple[uvicorn.Server, socket.socket]
"""A server and the socket that it answers on."""

SOCKET = "plumbline.sock"
"""In a state folder: where people ask."""
_MOST_SENDERS = 100
_MOST_READERS = 100
_MOST_FORGES = 500
"""Connections for webhooks: a forge opens one for each, and turns off a hook that is not answered."""


def servers(core: Core, loop: Loop, settings: DaemonSettings) -> Iterator[Served]:
    """The API on its Unix socket, and over TCP what the configuration wants: health, events, webhooks, pages, pods.

    Raises:
        Unusable: an address cannot be taken.
    """
    service = Service(core, loop, settings)
    yield server_of(create_app(service)), unix_socket(settings.state_folder / SOCKET)
    if settings.api.health:
        yield server_of(health_app(core, loop)), tcp_socket(settings.api.health, "api.health")
    if settings.api.events:
        app = events_app(service, settings.api.tokens)
        yield server_of(app, most=_MOST_SENDERS), tcp_socket(settings.api.events, "api.events")
    if settings.webhooks is not None:
        app = webhooks_app(loop.hints, loop.metrics, door_of(settings, core.clock))
        yield server_of(app, most=_MOST_FORGES), tcp_socket(settings.webhooks.listen, "webhooks.listen")
    if settings.pages.listen:
        yield server_of(pages_app(service), most=_MOST_READERS), tcp_socket(settings.pages.listen, "pages.listen")
    agent = settings.backends.kubernetes.agent
    if isinstance(core.backend, Desk) and agent is not None and agent.listen:
        yield server_of(pods_app(core, core.backend)), tcp_socket(agent.listen, "backends.kubernetes.agent.listen")


def server_of(app: ASGIApp, most: int | None = None) -> uvicorn.Server:
    """A server of `app`, for at most so many connections at once."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=most,
        server_header=False,
    )
    return uvicorn.Server(config)


def unix_socket(path: Path) -> socket.socket:
    """A listening socket at `path`; the state folder's lock says that nobody else listens there."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Through /proc, as a socket's path may have 107 characters only.
        listener.bind(f"/proc/self/fd/{here}/{path.name}")
    except OSError as error:
        raise Unusable(f"cannot make the socket {path}: {error.strerror}") from None
    finally:
        os.close(here)
    path.chmod(0o600)
    listener.listen(128)
    return listener


def tcp_socket(address: str, what: str) -> socket.socket:
    """A listening socket at `host:port`; `what` is the setting that says so.

    Raises:
        Unusable: the address cannot be taken.
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=128)
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unusable(f"cannot listen on {address} ({what}): {reason}") from None


async def answer(served: Served) -> None:
    """Answer until cancelled."""
    server, listener = served
    # Signals are ours: uvicorn's own handling would end the process without a drain.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    await server.serve(sockets=[listener])
