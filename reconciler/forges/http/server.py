"""Where a forge's API is and how it is reached, from the configuration. Nothing of the environment is used."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from reconciler.errors import Unusable

__all__ = ["Server"]

_CONNECTIONS = 10


@dataclass(frozen=True, slots=True)
class Server:
    """An API of a forge.

    Attributes:
        url: address of the API, without a slash at its end: http or https, no credential in it.
        proxies: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`.
        certificates: file of the certificate authorities that are trusted instead of the system's.
        seconds: how long one request may take, its answer read.
        largest: bytes of an answer that are taken.
    """

    url: str
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificates: Path | None = None
    seconds: float = 15.0
    largest: int = 8 * 1024 * 1024

    @property
    def host(self) -> str:
        """Host and port: what stands in messages."""
        return urlsplit(self.url).netloc

    def open(self) -> httpx.AsyncClient:
        """A client; it is closed by the caller.

        Raises:
            Unusable: the certificates or the proxy cannot serve.
        """
        try:
            return httpx.AsyncClient(
                verify=self._trusted(),
                proxy=self.proxy,
                trust_env=False,
                follow_redirects=False,
                timeout=self.seconds,
                limits=httpx.Limits(max_connections=_CONNECTIONS),
            )
        except (ssl.SSLError, OSError) as error:
            why = getattr(error, "strerror", None) or "it holds no certificate in PEM form"
            raise Unusable(f"cannot use forge.certificates {self.certificates}: {why}") from None
        except (httpx.InvalidURL, ValueError):
            # Its address may hold a password.
            raise Unusable("a proxy of the forge is no URL, such as http://proxy.example.org:3128") from None

    def _trusted(self) -> ssl.SSLContext | bool:
        if self.certificates is None:
            return ssl.create_default_context()
        return ssl.create_default_context(cafile=str(self.certificates))

    @property
    def proxy(self) -> str | None:
        """The proxy that leads there; None where it is reached directly."""
        parts = urlsplit(self.url)
        said = {name.lower(): value for name, value in self.proxies.items() if value}
        if _is_excepted(parts.hostname or "", parts.port, said.get("no_proxy", "")):
            return None
        found = said.get(f"{parts.scheme}_proxy") or said.get("all_proxy")
        return found if not found or "://" in found else f"http://{found}"


def _is_excepted(host: str, port: int | None, listed: str) -> bool:
    """Whether a list of hosts, as in `no_proxy`, has a host: by its name, a domain above it, or `*`."""
    for entry in filter(None, (item.strip().lower() for item in listed.split(","))):
        name, _, own_port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
        name = name.removeprefix("*").lstrip(".")
        if own_port and own_port != str(port or ""):
            continue
        if entry == "*" or host == name or (name and host.endswith(f".{name}")):
            return True
    return False
