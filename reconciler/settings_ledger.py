"""Where the ledger is, where it is not a file of the state folder: part of the configuration. Opens nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Duration, Section

__all__ = ["LedgerServer"]

_URL = re.compile(r"postgres(?:ql)?://[^\s#\x00-\x1f]+")
_SECRET = {"password", "sslpassword"}
_NAMED = "name what holds it in passwordFile or passwordVariable"


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        hint = "such as postgresql://plumbline@db.example.org/plumbline?sslmode=verify-full"
        raise fault("PL-204", "{field} must be a URL of PostgreSQL", hint)
    place, _, query = value.partition("://")[2].partition("?")
    named = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if ":" in place.partition("/")[0].rpartition("@")[0] or named & _SECRET:
        raise fault("PL-204", "{field} must not hold a password", _NAMED)
    return value


class LedgerServer(Section):
    """A database of PostgreSQL. Its password is named here and never held."""

    url: Annotated[str, AfterValidator(_url)]
    """As libpq takes it: `postgresql://USER@HOST/DATABASE`, with its parameters, such as `sslmode`, behind a `?`."""
    password_file: Path | None = None
    """File that holds the password; read at each connection, so that it may be changed any time."""
    password_variable: str | None = None
    """Variable of the daemon's environment that holds the password."""
    wait: Duration = timedelta(seconds=10)
    """How long a start waits for the server, and for another daemon that has the ledger."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """One password."""
        if len(said.given("passwordFile", "passwordVariable")) > 1:
            message = "a password comes from a file or from a variable"
            yield ("passwordFile", "passwordVariable"), fault("PL-209", message, "keep one", ("passwordVariable",))
