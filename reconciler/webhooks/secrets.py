"""The secrets of webhooks, as the configuration names them: in files and variables, never in the configuration itself.

Files are read anew at every delivery, so that a secret is rotated by changing a file. What it must never do: show one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.errors import Unusable
from reconciler.settings_webhooks import WebhookSecret
from reconciler.telemetry import log
from reconciler.webhooks.signatures import Secret

__all__ = ["SHORTEST", "Secrets"]

SHORTEST = 16
"""Characters of a secret at least: nothing else keeps somebody from guessing it."""

_SIGNING = "whsec_"
_OTHERS = 0o007
"""Rights that others must not have on a file of a secret."""


class Secrets:
    """Secrets of which a delivery is signed with one; more than one while they are rotated."""

    def __init__(self, named: Sequence[WebhookSecret], variables: Mapping[str, str]) -> None:
        """Reads each once.

        Raises:
            Unusable: one cannot be read, can be read by others, or is too short.
        """
        self._fixed: list[Secret] = []
        self._files: dict[Path, str] = {}
        self._said: dict[Path, str] = {}
        for number, secret in enumerate(named):
            setting = f"webhooks.secrets[{number}]"
            if secret.file is not None:
                path = secret.file.expanduser().absolute()
                self._files[path] = setting
                _read(path, setting)
            else:
                variable = secret.variable or ""
                if not variables.get(variable):
                    raise Unusable(f"{setting}: the daemon has no variable {variable}")
                self._fixed.append(_secret(variables[variable], setting))

    def now(self) -> tuple[Secret, ...]:
        """All of them, as they are now. What cannot be read at the moment is said in the log, once, and left out."""
        return (*self._fixed, *self._in_files())

    def _in_files(self) -> Iterator[Secret]:
        for path, setting in self._files.items():
            try:
                yield _read(path, setting)
            except Unusable as error:
                if self._said.get(path) != error.message:
                    log.warning("a secret of webhooks is not there", reason=error.message)
                self._said[path] = error.message
            else:
                self._said.pop(path, None)


def _read(path: Path, setting: str) -> Secret:
    try:
        text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unusable(f"{setting}: cannot read {path}: {why}") from None
    if mode & _OTHERS:
        raise Unusable(f"{setting}: {path} can be read by others: chmod 600 {path}")
    return _secret(text, setting)


def _secret(text: str, setting: str) -> Secret:
    text = text.strip()
    if len(text) < SHORTEST:
        raise Unusable(f"{setting} has fewer than {SHORTEST} characters: make one with `openssl rand -hex 32`")
    if not text.startswith(_SIGNING):
        return Secret(text.encode())
    try:
        key = base64.b64decode(text.removeprefix(_SIGNING), validate=True)
    except binascii.Error:
        raise Unusable(f"{setting} begins with {_SIGNING} and is no signing token of GitLab: copy it anew") from None
    return Secret(text.encode(), key)
