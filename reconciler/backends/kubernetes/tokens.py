"""Tokens by which the agent of an attempt asks the daemon: each names its attempt, and nothing but that attempt.

They are made of the key and a secret of the daemon, so none is kept anywhere, and a restart knows them all. Whether the
attempt still has anything to ask for is for whoever answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path

from planner import keys
from planner.keys import Key
from planner.model.run import Stamp
from reconciler.errors import Unusable

__all__ = ["Tokens", "given_secret", "secret_at"]

_BYTES = 32


class Tokens:
    """Tokens of one instance and project."""

    def __init__(self, secret: bytes, owner: Stamp) -> None:
        """Keep `secret`; the ledger's id is part of it, so that a token is no good for another one."""
        self._secret = secret
        self._of = f"{owner.ledger}/{owner.instance}/{owner.project}"

    def of(self, key: Key) -> str:
        """The token of an attempt."""
        return f"{base64.urlsafe_b64encode(str(key).encode()).decode().rstrip('=')}.{self._sign(str(key))}"

    def key_of(self, token: str) -> Key | None:
        """The attempt of a token; None for one that we never made."""
        head, _, sign = token.partition(".")
        try:
            text = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()
        except (binascii.Error, ValueError):
            return None
        return keys.key_of(text) if hmac.compare_digest(sign.encode(), self._sign(text).encode()) else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, f"{self._of}\0{text}".encode(), hashlib.sha256).hexdigest()


def secret_at(path: Path) -> bytes:
    """The secret in a file that nobody else can read, made on first use.

    Raises:
        Unusable: others can read it, or it cannot be read or made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(fd, "wb") as file:
                file.write(os.urandom(_BYTES))
                file.flush()
                os.fsync(file.fileno())
        return _read(path, "600", "remove it, and a new one is made")
    except OSError as error:
        raise Unusable(f"the secret of pods' tokens cannot be had at {path}: {error.strerror}") from None


def given_secret(path: Path) -> bytes:
    """The secret in a file that a person made. Its group may read it, as in a mounted Secret; others may not.

    Raises:
        Unusable: others can read it, or it cannot be read.
    """
    try:
        return _read(path, "o=", "put a longer one there, the same for all replicas")
    except OSError as error:
        raise Unusable(f"agent.tokenKeyFile: {path} cannot be read: {error.strerror}") from None


def _read(path: Path, closed: str, otherwise: str) -> bytes:
    found, mode = path.read_bytes(), path.stat().st_mode
    if mode & 0o007:
        raise Unusable(f"{path} can be read by others: chmod {closed} {path}")
    if len(found) < _BYTES:
        raise Unusable(f"{path} holds no secret of {_BYTES} bytes: {otherwise}")
    return found
