"""Where the next page of a list is, by the `Link` header (RFC 8288). Asks nothing."""

from __future__ import annotations

import re

__all__ = ["following"]

_LINK = re.compile(r"<([^<>]*)>\s*((?:;\s*[^,;]+)*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)""", re.IGNORECASE)


def following(header: str) -> str | None:
    """The URL of the next page; None where this is the last."""
    for url, params in _LINK.findall(header[:8192]):
        if _NEXT.search(params):
            return str(url)
    return None
