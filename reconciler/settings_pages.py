"""Where the pages for browsers are, and at which address people reach them: part of the configuration. Asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Section
from reconciler.settings_api import HostPort, is_loopback, may

__all__ = ["Pages", "clashes_of_pages"]

_LONGEST = 200
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_HINT = "such as https://plumbline.example.org, with a path where a proxy puts them below one"


def _url(value: str) -> str:
    """The address without a slash at its end, as paths are put behind it."""
    text = value.rstrip("/")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.netloc.rpartition("@")[2]
    except ValueError:
        raise fault("PL-204", "{field} must be an http or https URL", _HINT) from None
    if "@" in parts.netloc:
        raise fault("PL-204", "{field} must not have a name or password: it is shown to everybody", _HINT)
    named = host.removesuffix(f":{port}") if port is not None else host
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(named) or port == 0 or len(text) > _LONGEST:
        raise fault("PL-204", "{field} must be an http or https URL", _HINT)
    # Of the text, as urlsplit leaves out tabs and line ends without a word.
    if not _PATH.fullmatch(parts.path) or not text.isprintable() or "?" in text or "#" in text:
        raise fault("PL-204", "{field} ends with its path, of plain letters", _HINT)
    return text


class Pages(Section):
    """Pages that show commits, operations and runs in a browser."""

    url: Annotated[str, AfterValidator(_url)] | None = None
    """Address at which browsers reach them: what commits say links to it. Without it nothing is linked to."""
    listen: HostPort | None = None
    """`host:port` where they are answered; off when left out. It speaks HTTP without TLS."""

    @property
    def address(self) -> str:
        """Where people find them, as far as the configuration says; "" where they are off."""
        return "" if self.listen is None else self.url or f"http://{self.listen}"

    @property
    def asks(self) -> bool:
        """Whether who reads them must have a token: not where only this machine can reach them."""
        return _asks(self.listen, self.url)


def clashes_of_pages(said: Said) -> Iterator[Clash]:
    """What else of a configuration must be so where there are pages: somebody who may read them."""
    pages, api = (said[name] if isinstance(said[name], Mapping) else {} for name in ("pages", "api"))
    listen, url = pages.get("listen"), pages.get("url")
    if not isinstance(listen, str) or not _asks(listen, url if isinstance(url, str) else None):
        return
    if not may(api.get("tokens"), "read"):
        message = "pages that others reach need a token of `api.tokens` with the scope `read`: nobody could read them"
        hint = "make one with `plumbline event token NAME --scope read`"
        yield ("pages", "api"), fault("PL-202", message, hint, ("pages",))


def _asks(listen: str | None, url: str | None) -> bool:
    hosts = [listen.rpartition(":")[0].strip("[]")] if listen else []
    hosts += [urlsplit(url).hostname or ""] if url else []
    return not all(map(is_loopback, hosts))
