"""Whose the runs below a state folder are: of which ledger, and how far that ledger had come (design: "Safety").

One small file beside the index. A ledger that is not the one which made the runs, or is older than they are, must not
act on them: it would take their names for its own. This module must never look at a run.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from planner.model.run import Stamp
from reconciler.backends.machine import records
from reconciler.errors import Unusable

__all__ = ["Ownership"]

_LENGTH = 256
_WAY_OUT = (
    "put the right ledger back; or move the whole state folder away and start anew, "
    'as docs/local-backend.md says under "Another ledger"'
)


class Ownership:
    """The ledger that made the runs of one instance and project, and the newest sequence that one of them carries."""

    def __init__(self, path: Path, owner: Stamp) -> None:
        self._path = path
        self._owner = owner
        self._sequence = 0
        self._turn = threading.Lock()

    def claim(self) -> None:
        """Take the runs as ours.

        Raises:
            Unusable: another ledger made them, or ours did when it was further than it is now.
        """
        found = self._read()
        if found is not None and found["ledger"] != self._owner.ledger:
            raise Unusable(
                f"the runs below {self._path.parent.parent} are those of ledger {found['ledger'][:12]}, "
                f"and this is ledger {self._owner.ledger[:12]}, which does not know them: {_WAY_OUT}"
            )
        if found is not None and found["sequence"] > self._owner.sequence:
            raise Unusable(
                f"the ledger is older than the runs below {self._path.parent.parent} (it knows {self._owner.sequence} "
                f"facts, they go up to {found['sequence']}), so it was restored from a backup: {_WAY_OUT}"
            )
        self._sequence = found["sequence"] if found is not None else 0
        if found is None:
            self._write()

    def note(self, sequence: int) -> None:
        """A run is made at `sequence` of the ledger."""
        with self._turn:  # starts come in many threads
            if sequence <= self._sequence:
                return
            self._sequence = sequence
            try:
                # In place, as every start comes here. Whoever reads it meanwhile finds one or the other.
                handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._write()
                return
            try:
                os.pwrite(handle, self._text(), 0)
            finally:
                os.close(handle)

    def _read(self) -> records.Record | None:
        try:
            return records.read(self._path)
        except ValueError:
            return None  # torn by a power cut: the file is not synced, as it only ever matters beside another loss

    def _write(self) -> None:
        # Not synced: it matters only beside another loss. Its own name, as two daemons of one state may meet here.
        spill = self._path.with_name(f".{self._path.name}.{os.urandom(6).hex()}")
        with os.fdopen(os.open(spill, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(self._text())
        spill.replace(self._path)

    def _text(self) -> bytes:
        """As long for any sequence, so that the end of an older text is never left."""
        text = json.dumps({"ledger": self._owner.ledger, "sequence": self._sequence})
        return text.ljust(_LENGTH).encode()
