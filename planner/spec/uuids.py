"""Ids of the form that RFC 9562 gives them, in the spellings that the reference reads (reference, section 8.1)."""

from __future__ import annotations

import re

__all__ = ["uuid_of"]

_UUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")


def uuid_of(text: str) -> str | None:
    """The id with dashes, in small letters; None for a text that is none. Braces and `urn:uuid:` are left out."""
    bare = text[:60].strip().lower().removeprefix("urn:uuid:")
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    found = _UUID.fullmatch(bare) if len(text) <= 60 else None
    return "-".join(found.groups()) if found else None
