"""Files that cannot be read as specs and may be meant as some: too large, or in UTF-16 (design: "Discovery").

Says which of them are worth reading and whether they start like a spec. What is wrong with them is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.compile.given import Entry
from planner.spec.load import looks_like_spec
from planner.spec.text import MAX_BYTES

__all__ = ["is_hidden_spec", "is_large", "starts_like_spec", "unmarked", "worth_a_look"]

LARGEST = 8_000_000
"""Bytes of a file that is looked into; nobody writes a spec as large by hand, and sources hand out whole files only."""
ALL_LARGE = 64_000_000
"""Bytes of all large files of a tree that are looked into: data in YAML must not cost memory without end."""
_HEAD = 64_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def is_large(entry: Entry) -> bool:
    """Whether a file is over the size of a spec."""
    return entry.size > MAX_BYTES


def worth_a_look(files: Iterable[tuple[str, Entry]]) -> frozenset[str]:
    """Paths of the large files whose beginning counts: a function of the tree alone, YAML before JSON."""
    large = sorted((path.endswith(".json"), path, entry.size) for path, entry in files if is_large(entry))
    left, found = ALL_LARGE, set()
    for _, path, size in large:
        if size <= min(left, LARGEST):
            left -= size
            found.add(path)
    return frozenset(found)


def starts_like_spec(data: bytes) -> bool:
    """Whether the beginning of a file looks like a spec, in UTF-8 or UTF-16."""
    return looks_like_spec(_text(data[:_HEAD])) != "other"


def is_hidden_spec(data: bytes) -> bool:
    """Whether a file looks like a spec in UTF-16, which the reader does not read."""
    return data.startswith(_UTF16) and starts_like_spec(data)


def unmarked(data: bytes) -> bool:
    """Whether a file has none of the words that every spec has, so that nothing else need be asked."""
    text = _text(data)
    return b"version" not in text and b"kind" not in text


def _text(data: bytes) -> bytes:
    """The file as UTF-8 where a byte order mark says that it is UTF-16."""
    return data.decode("utf-16", "replace").encode() if data.startswith(_UTF16) else data
