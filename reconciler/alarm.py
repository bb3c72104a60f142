"""The end of a process that does not end by itself: a thread, as the event loop may be what is stuck.

Decides nothing about when. What it must never do: tidy up, or wait for anybody who does.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

__all__ = ["Alarm"]

_CODE = 3


def _end(words: str) -> None:
    os.write(2, f"plumbline: {words}\n".encode())
    os._exit(_CODE)


class Alarm:
    """Rings at an instant, unless that is put off before."""

    def __init__(self, words: str, ring: Callable[[str], None] = _end) -> None:
        """Rings never, until `set`.

        Args:
            words: said when it rings, one sentence.
            ring: what ringing is; the end of this process when left out.
        """
        self._words = words
        self._ring = ring
        self._changed = threading.Condition()
        self._at: float | None = None
        self._thread: threading.Thread | None = None

    def set(self, at: float) -> None:
        """Ring at `at`, in seconds of the monotonic clock, and no more when it was set to before."""
        with self._changed:
            self._at = at
            if self._thread is None:
                self._thread = threading.Thread(target=self._wait, name="alarm", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Never ring any more, unless it is set again."""
        with self._changed:
            self._at = None
            self._changed.notify()

    def _wait(self) -> None:
        with self._changed:
            while True:
                left = None if self._at is None else self._at - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            self._at, self._thread = None, None
        self._ring(self._words)
