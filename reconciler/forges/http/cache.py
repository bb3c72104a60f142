"""Answers to GETs by their ETag, so that what did not change is neither sent nor counted by the forge again.

Small and bounded, and only a cache: whatever is not in it is asked for anew.
"""

from __future__ import annotations

from collections import OrderedDict

from reconciler.forges.http.answers import Answer

__all__ = ["Cache"]

_MOST_BYTES = 8 * 1024 * 1024
_MOST = 256


class Cache:
    """The newest answers, by URL with its query."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0

    def tag(self, url: str) -> str:
        """The ETag of what is kept of `url`; "" for nothing."""
        kept = self._kept.get(url)
        return kept.headers["etag"] if kept is not None else ""

    def same(self, url: str) -> Answer | None:
        """What is kept of `url`, which the forge says is still so."""
        if url in self._kept:
            self._kept.move_to_end(url)
        return self._kept.get(url)

    def keep(self, url: str, answer: Answer) -> None:
        """Keep an answer, where it has an ETag and fits; what was used longest ago goes for it."""
        self._drop(url)
        if not answer.headers.get("etag") or answer.size > self._most_bytes // 4:
            return
        self._kept[url] = answer
        self._bytes += answer.size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, url: str) -> None:
        gone = self._kept.pop(url, None)
        if gone is not None:
            self._bytes -= gone.size
