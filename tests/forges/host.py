"""A host as GitHub is one: its API, and git over HTTP for whoever has a token of the App that may read contents.

At one port of loopback, in threads of this process: what a test sets on `Host` holds for the next request.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from reconciler.clock import WallClock
from reconciler.ports import Clock
from tests.forges.apps import AppForge, Apps
from tests.forges.forge import packed
from tests.forges.github import GitHubSpelling
from tests.forges.state import Asked
from tests.git_http import Smart

__all__ = ["Host", "hosted"]

_USER = "x-access-token"


class Host:
    """See the module.

    Attributes:
        origin: where it is.
        apps: gives the tokens.
        forge: its API.
        served: what git asked for with a token that was taken, by path.
        refused: what it asked for with one that was not.
        before: called before each request of git with its path.
    """

    def __init__(self, repository: str, clock: Clock) -> None:
        self.origin = ""
        self.apps = Apps(clock)
        self.forge = AppForge(GitHubSpelling(repository), self.apps)
        self.served: list[str] = []
        self.refused: list[str] = []
        self.before: Callable[[str], None] = lambda _: None

    def opens(self, authorization: str, path: str) -> bool:
        """Whether git may do this."""
        if not authorization.startswith("Basic "):
            return False
        user, _, token = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        self.apps.expire(self.forge.state)
        if user != _USER or token not in self.forge.state.tokens:
            self.refused.append(path)
            return False
        may = self.apps.live[token][1].get("contents", "")
        good = may == "write" or (may == "read" and "receive-pack" not in path)
        (self.served if good else self.refused).append(path)
        return good


class _Handler(Smart):
    def serve(self, body: bytes) -> None:
        host: Host = self.server.host  # type: ignore[attr-defined]
        if self.path.startswith(host.forge.spelling.base + "/"):
            self._api(host, body)
            return
        host.before(self.path)
        if host.opens(self.headers.get("Authorization", ""), self.path):
            super().serve(body)
        else:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"")

    def _api(self, host: Host, body: bytes) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(body or b"null"))
        with self.server.turn:  # type: ignore[attr-defined]
            reply, _ = host.forge.reply(asked)
        assert not isinstance(reply, Exception)
        data, sent = packed(reply, headers.get("accept-encoding", ""))
        self.answer(reply.status, sent, data)

    do_PATCH = Smart.do_GET  # noqa: N815  a name of the standard library


@contextlib.contextmanager
def hosted(
    folder: Path, environment: dict[str, str], repository: str = "team/models", clock: Clock | None = None
) -> Iterator[Host]:
    """Serve the repositories below `folder`, and the API of one that is called `repository`."""
    host = Host(repository, clock or WallClock())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    given = {**environment, "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1"}
    server.environment, server.host, server.turn = given, host, threading.Lock()  # type: ignore[attr-defined]
    host.origin = host.forge.spelling.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
