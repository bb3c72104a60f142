"""A forge of one repository for pods: git over https, with a password, as real ones are."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

USER, TOKEN = "robot", "a token for nothing else"


class _Smart(BaseHTTPRequestHandler):
    """Hands every request of somebody who has the token to git http-backend."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self._body()
        asked = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != asked:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="forge"'}, b"")
            return
        path, _, query = self.path.partition("?")
        told = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": USER,
            "REMOTE_ADDR": self.client_address[0],
        }
        env = {**cast("Forge", self.server).environment, **told}
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=env, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self._answer(int(fields.pop("Status", "200 OK").split()[0]), fields, answer)

    do_POST = do_GET  # noqa: N815 -- the name that http.server calls

    def _answer(self, status: int, fields: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        pass


class Forge(ThreadingHTTPServer):
    """Serves a bare repository, for reading and for pushes."""

    def __init__(self, host: str, bare: Path, certificate: tuple[Path, Path]) -> None:
        super().__init__((host, 0), _Smart)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        # The handshake is its thread's: a probe that says nothing must not hold up the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(bare.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        subprocess.run(["git", "config", "http.receivepack", "true"], cwd=bare, check=True)
        self.url = f"https://{host}:{self.server_port}/{bare.name}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
