"""A forge of one repository for pods: git over https, with a password, as real ones are."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.git_http import Smart

USER, TOKEN = "robot", "a token for nothing else"


class _Smart(Smart):
    """Serves who has the token."""

    protocol_version = "HTTP/1.1"
    user = USER

    def serve(self, body: bytes) -> None:
        asked = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") == asked:
            super().serve(body)
        else:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="forge"'}, b"")


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
