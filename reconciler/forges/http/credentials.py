"""What opens a forge: read when it is needed, never kept in a message.

A token may be changed any time where it lies; a forge that says 401 gets the one that is there now, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from reconciler.errors import Refused

__all__ = ["Credential", "TokenCredential", "token_in_file", "token_in_variable"]

_LARGEST = 8192


class Credential(Protocol):
    """What is sent with each request."""

    async def secret(self, *, renewed: bool = False) -> str:
        """The token; "" where none is sent.

        Args:
            renewed: the forge did not take the one of before.

        Raises:
            Refused: there is none, and a person must see to it.
            Transient: it cannot be had now.
        """
        ...


class TokenCredential:
    """A token that somebody made at the forge; `read` has it, blocking, and is asked at each use."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    async def secret(self, *, renewed: bool = False) -> str:  # noqa: ARG002 -- it is read anew each time
        """See `Credential.secret`."""
        token = (await to_thread.run_sync(self._read)).strip()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Refused("the token of the forge has letters that no token has: write the token alone, on one line")
        return token


def token_in_file(path: Path, setting: str) -> Callable[[], str]:
    """Reads a token from a file that `setting` names.

    The reader raises Refused where that is none.
    """

    def read() -> str:
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(_LARGEST)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise Refused(f"cannot read {setting} {path}: {why}") from None
        if not text.strip():
            raise Refused(f"{setting} {path} is empty: write the token into it")
        return text

    return read


def token_in_variable(environment: Mapping[str, str], name: str, setting: str) -> Callable[[], str]:
    """Reads a token from a variable that `setting` names.

    The reader raises Refused where that is none.
    """

    def read() -> str:
        if not environment.get(name, "").strip():
            raise Refused(f"the daemon has no variable {name}, which {setting} names: set it and start the daemon anew")
        return environment[name]

    return read
