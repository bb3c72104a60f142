"""Standard output as a place where writing can fail, whatever is written: help, an answer, progress of the demo.

A reader that went away ends the program quietly with 141, a full disk or a closed output with 3 and one sentence.
Python and typer sort both as something else, and only after they have printed a traceback.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

from reconciler.cli.failure import Code, Failure

__all__ = ["watched"]

_STREAMS = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))
"""How a standard stream that is closed is opened again: so that writing an answer fails, and complaints are dropped."""


class _Output(io.BufferedWriter):
    """Standard output. Once writing has failed, the rest is dropped: the first failure is the one to be told.

    It stands above the layer that counts what was written: Ctrl-C between a write and its count would write twice.
    """

    lost = False

    def write(self, data: Any) -> int:
        """Write.

        Raises:
            Failure: it cannot be written, the first time. No OSError, which typer and the interpreter take for theirs.
        """
        count = memoryview(data).nbytes
        if not self.lost:
            with self._told():
                count = super().write(data)
        return count

    def flush(self) -> None:
        """Write what is left.

        Raises:
            Failure: it cannot be written, the first time.
        """
        if not self.lost:
            with self._told():
                super().flush()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.lost = True
            raise Failure(Code.PIPE, "") from None
        except OSError as error:
            self.lost = True
            raise Failure(Code.ENVIRONMENT, f"cannot write to standard output: {error.strerror}") from None


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Have standard output tell its failures as `Failure`; all of it is written when the block ends.

    Raises:
        Failure: something could not be written.
    """
    _fill_gaps()
    before = sys.stdout
    sys.stdout = io.TextIOWrapper(
        _Output(io.FileIO(1, "wb", closefd=False)),
        encoding=before.encoding if before else "utf-8",
        errors=before.errors if before else None,
        line_buffering=os.isatty(1),
    )
    try:
        yield
    finally:
        sys.stdout.flush()


def _fill_gaps() -> None:
    """Open standard streams that were closed: the next file that is opened would be taken for one of them."""
    for number, mode in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken: this one, as those below are open.
            os.open(os.devnull, mode)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 -- for the life of the program
