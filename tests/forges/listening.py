"""A forge of the tests at a port of loopback, for daemons and for what a connection really does."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.forges.forge import FakeForge, packed
from tests.forges.state import Asked

__all__ = ["listening"]


@contextlib.contextmanager
def listening(forge: FakeForge) -> Iterator[str]:
    """Answer for `forge`; the address of its API."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(body or b"null"))
            with turn:
                reply, pause = forge.reply(asked)
            if isinstance(reply, Exception) or pause:
                self._reset()
                return
            data, sent = packed(reply, headers.get("accept-encoding", ""))
            self.send_response(reply.status)
            for name, value in {**sent, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # who has read enough hangs up
                self.wfile.write(data)

        def _reset(self) -> None:
            """Break the connection as a machine does that goes away."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 -- names of the standard library

        def log_message(self, *words: object) -> None:
            """Say nothing."""

        def finish(self) -> None:
            """A connection that was broken has nothing to flush."""
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    forge.spelling.origin = origin
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{origin}{forge.spelling.base}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
