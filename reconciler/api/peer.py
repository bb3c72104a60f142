"""Who is at the other end of a Unix socket, by the kernel's word.

What a client says of itself counts only where the kernel says nothing (a test's transport, another platform).
"""

from __future__ import annotations

import pwd
import socket
import struct

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["SCOPE_KEY", "Peer", "name_of"]

SCOPE_KEY = "plumbline.peer"
_UCRED = struct.Struct("3i")


class Peer:
    """Middleware that puts the peer's user name into the scope, where it can be known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            # ASGI has no word for it: uvicorn's `receive` is a method of an object that knows its transport.
            transport = getattr(getattr(receive, "__self__", None), "transport", None)
            scope[SCOPE_KEY] = name_of(transport.get_extra_info("socket")) if transport is not None else ""
        await self._app(scope, receive, send)


def name_of(connected: object) -> str:
    """The user name at the other end of a Unix socket; "" where the kernel does not say."""
    family = getattr(connected, "family", None)
    getsockopt = getattr(connected, "getsockopt", None)
    if family != socket.AF_UNIX or getsockopt is None or not hasattr(socket, "SO_PEERCRED"):
        return ""
    try:
        _, uid, _ = _UCRED.unpack(getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    except OSError:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
