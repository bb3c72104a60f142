"""Where the pages for browsers are, and at which address people reach them: part of the configuration. Asks nobody."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from planner.spec.clashes import fault
from planner.spec.shape import Section

__all__ = ["Pages"]

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
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(named) or len(text) > _LONGEST:
        raise fault("PL-204", "{field} must be an http or https URL", _HINT)
    if not _PATH.fullmatch(parts.path) or "?" in text or "#" in text:
        raise fault("PL-204", "{field} ends with its path, of plain letters", _HINT)
    return text


class Pages(Section):
    """Pages that show commits, operations and runs in a browser."""

    url: Annotated[str, AfterValidator(_url)] | None = None
    """Address at which browsers reach them: what commits say links to it. Without it nothing is linked to."""
