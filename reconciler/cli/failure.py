"""How commands end: the exit codes, and what is said on the way out. Nobody sees a traceback.

0 fine · 1 runs failed, or changes with `--exit-code` · 2 invalid input · 3 environment · 4 our own fault.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from enum import IntEnum

import typer

from planner.canon import Json
from planner.errors import ProblemsError
from reconciler.errors import Refused, Transient, Unusable

__all__ = ["Code", "Failure", "explained"]


class Code(IntEnum):
    """Exit codes."""

    FINE = 0
    FAILED = 1
    INPUT = 2
    ENVIRONMENT = 3
    OURS = 4
    INTERRUPTED = 130
    PIPE = 141


class Failure(Exception):  # noqa: N818  the word that people use for it
    """A command cannot do what it was asked.

    Attributes:
        code: how the process ends.
        message: one sentence for people, or a few lines; "" where the code says it all.
        asleep: whether a service sleeps that was asked for.
        election: where the replica that was asked stands by, who leads.
    """

    def __init__(
        self, code: Code, message: str, *, asleep: bool = False, election: Mapping[str, Json] | None = None
    ) -> None:
        super().__init__(message)
        self.asleep = asleep
        self.election = election
        self.code = code
        self.message = message

    def tell(self) -> None:
        """Say it, if there is anything to say."""
        if self.message:
            typer.echo(f"plumbline: {self.message}", err=True)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Say what went wrong in words, and end with its exit code."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(Code.INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 -- the last place before the user: sorted here, and never lost
        failure = _sorted(error)
        failure.tell()
        raise typer.Exit(failure.code) from None


def _sorted(error: Exception) -> Failure:
    match error:
        case Failure():
            return error
        case Unusable() | Transient():
            return Failure(Code.ENVIRONMENT, error.message)
        case Refused():
            return Failure(Code.INPUT, error.message)
        case ProblemsError():
            return Failure(Code.INPUT, "\n".join(str(problem) for problem in error.problems))
        case _:
            return Failure(Code.OURS, _crash(error))


def _crash(error: Exception) -> str:
    words = " ".join(str(error).split())[:200]
    said = f"this is our fault, not yours: {type(error).__name__}{f': {words}' if words else ''}"
    try:
        handle, path = tempfile.mkstemp(prefix="plumbline-crash-", suffix=".txt")
        with os.fdopen(handle, "w") as file:
            file.write(f"{sys.argv}\n\n{''.join(traceback.format_exception(error))}")
    except OSError:
        return said
    return f"{said}; please report it with {path}"
