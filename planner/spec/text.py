"""Bytes to text: what a spec file may consist of before its YAML is looked at.

UTF-8 with or without a byte order mark, without control characters, up to a size. In a `.json` file tabs may indent
and surrogate pairs may be escaped, as JSON allows and YAML does not; both are rewritten so that lines stay the same.
This module must never look at the structure of the text.
"""

from __future__ import annotations

import re

from planner.errors import Place, Problem

__all__ = ["MAX_BYTES", "UNSPEAKABLE", "decode"]

MAX_BYTES = 1_000_000

UNSPEAKABLE = re.compile("[\x00\ud800-\udfff]")
"""What no text of a spec holds, escaped or not: NUL and halves of characters."""

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def decode(path: str, data: bytes) -> str | Problem:
    """The text of a file, or why it is none."""
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}"
        return Problem("PL-103", message, Place(path), hint="split it into several files")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "replace")
        return Problem("PL-107", "not UTF-8 text", _place(path, good, len(good)), hint="save the file as UTF-8")
    if found := _FORBIDDEN.search(text):
        message = f"control character U+{ord(found[0]):04X}"
        return Problem("PL-101", message, _place(path, text, found.start()), hint="remove it, or escape it in quotes")
    return _from_json(text) if path.endswith(".json") else text


def _from_json(text: str) -> str:
    def join(found: re.Match[str]) -> str:
        high, low = int(found[2], 16), int(found[3], 16)
        return f"{found[1]}\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08X}"

    return _SURROGATES.sub(join, text.replace("\t", " "))


def _place(path: str, text: str, index: int) -> Place:
    lines = _BREAK.split(text[:index])
    return Place(path, len(lines), len(lines[-1]) + 1)
