"""Questions to the program of a container: at its port on this machine, or by a command inside.

Nothing is decided here. Whatever a program answers, and however late, is an answer or none.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import httpx

from reconciler.backends.engine.client import Denied, Engine, Question

__all__ = ["get", "reaches", "run"]

LONGEST = 1 << 16
"""Bytes of an answer that are read."""


async def run(engine: Engine, ident: str, command: Sequence[str]) -> int | None:
    """The exit code of a command in a container; None where it could not be run.

    Raises:
        Transient: the engine is away.
    """
    try:
        wanted = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        made = await engine.call("POST", f"/containers/{ident}/exec", wanted)
        # Attached, as Podman does not tell the end of one that nobody listens to.
        attached = Question(f"/exec/{made['Id']}/start", "POST", {"Detach": False, "Tty": False})
        async with engine.stream(attached) as pieces:
            async for _ in pieces:
                pass
        found = await engine.call("GET", f"/exec/{made['Id']}/json")
    except Denied:
        return None  # the container has just ended, or has no such program
    code = found.get("ExitCode")
    return code if isinstance(code, int) and found.get("Running") is False else None


async def reaches(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        return False
    await stream.aclose()
    return True


async def get(port: int, path: str) -> tuple[int, bytes] | None:
    """Status and beginning of the answer to a GET at a port of this machine; None where there was none."""
    url = f"http://127.0.0.1:{port}/{path.lstrip('/')}"
    try:
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            http.stream("GET", url, timeout=None) as answer,
        ):
            text = b""
            async for piece in answer.aiter_bytes():
                text += piece
                if len(text) >= LONGEST:
                    break
            return answer.status_code, text
    except httpx.HTTPError:
        return None
