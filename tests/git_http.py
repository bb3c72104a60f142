"""Git over HTTP, as forges speak it, for tests of more than one part."""

from __future__ import annotations

import http.server
import subprocess
from collections.abc import Mapping


class Smart(http.server.BaseHTTPRequestHandler):
    """Hands every request to git http-backend, in the environment that its server has.

    Attributes:
        user: whose requests these are.
    """

    user = "ada"

    def do_GET(self) -> None:
        self.serve(self.body())

    def do_POST(self) -> None:
        self.do_GET()

    def serve(self, body: bytes) -> None:
        """Answer as git does."""
        path, _, query = self.path.partition("?")
        environment = self.server.environment | {  # type: ignore[attr-defined]
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": self.user,
            "REMOTE_ADDR": self.client_address[0],
        }
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.answer(int(fields.pop("Status", "200 OK").split()[0]), fields, answer)

    def answer(self, status: int, fields: Mapping[str, str], body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """What the request brings."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_args: object) -> None:
        pass
