"""A plain client of an API server, for tests: JSON in, JSON out, and the server's own words when it refuses.

It stands on nothing of the code under test.
"""

from __future__ import annotations

import base64
import ssl
import tempfile
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.pauses import pauses

PATIENCE = 90.0
"""Seconds that anything may take to become so."""


class RefusalError(Exception):
    """The server's answer was no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status


@dataclass(frozen=True)
class SignedIn:
    """What a kubeconfig says of its current context: `authority` is base64 of PEM, `trusted` has the certificate."""

    server: str
    authority: str
    trusted: ssl.SSLContext
    headers: dict[str, str]


def signed_in(kubeconfig: Path) -> SignedIn:
    """Read a kubeconfig of a certificate or a token."""
    document = yaml.safe_load(kubeconfig.read_text())
    context = _named(document["contexts"], document["current-context"])["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"]
    authority: str = cluster.get("certificate-authority-data") or _file(cluster["certificate-authority"])
    trusted = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
    headers = {}
    if "token" in user:
        headers["Authorization"] = f"Bearer {user['token']}"
    else:
        _identify(trusted, user)
    return SignedIn(cluster["server"], authority, trusted, headers)


class Api:
    """Speaks as the user of a kubeconfig: a certificate or a token."""

    def __init__(self, kubeconfig: Path, patience: float = 30) -> None:
        """`patience`: seconds for an answer."""
        way = signed_in(kubeconfig)
        self.server, self.authority = way.server, way.authority
        self._http = httpx.Client(
            base_url=way.server, verify=way.trusted, headers=way.headers, timeout=patience, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        return self.ask("GET", path, query=query)

    def create(self, path: str, body: dict[str, Any]) -> Any:
        return self.ask("POST", path, body)

    def apply(self, path: str, body: dict[str, Any], **query: str) -> Any:
        """Server-side apply."""
        headers = {"Content-Type": "application/apply-patch+yaml"}
        return self._answer("PATCH", path, body, query, headers).json()

    def merge(self, path: str, change: dict[str, Any]) -> Any:
        """Change some fields of what is there."""
        return self._answer("PATCH", path, change, {}, {"Content-Type": "application/merge-patch+json"}).json()

    def delete(self, path: str, **query: str) -> Any:
        return self.ask("DELETE", path, query=query)

    def text(self, path: str, **query: str) -> str:
        """What is no JSON: logs."""
        return self._answer("GET", path, None, query).text

    def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        """The answer's body. Raises RefusalError for any status but 2xx."""
        return self._answer(method, path, body, query or {}).json()

    def wait(self, path: str, accepts: Callable[[Any], bool], absent: Container[int] = (404,)) -> Any:
        """Read until what is there is accepted; it is given back. Where the status is one of `absent` it is None."""
        end = time.monotonic() + PATIENCE
        waits = pauses()
        while True:
            try:
                found = self.get(path)
            except RefusalError as error:
                if error.status not in absent:
                    raise
                found = None
            if accepts(found):
                return found
            if time.monotonic() > end:
                raise AssertionError(f"{path}: not in {PATIENCE:.0f} s; it is {found}")
            time.sleep(next(waits))

    def _answer(
        self, method: str, path: str, body: Any, query: dict[str, str], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        answer = self._http.request(method, path, json=body, params=query, headers=headers)
        if answer.is_error:
            try:
                words = answer.json()["message"]
            except (ValueError, KeyError, TypeError):
                words = answer.text
            raise RefusalError(answer.status_code, words)
        return answer


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["name"] == name)


def _file(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


def _identify(context: ssl.SSLContext, user: dict[str, Any]) -> None:
    """TLS takes a certificate and its key from a file only."""
    if "client-certificate" in user:
        context.load_cert_chain(user["client-certificate"], user["client-key"])
    elif "client-certificate-data" in user:
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            file.flush()
            context.load_cert_chain(file.name)
