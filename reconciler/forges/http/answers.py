"""Requests to a forge and its answers, as values. Asks nothing and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.canon import Json

__all__ = ["Answer", "Request"]

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What a forge is asked.

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE; all but GET are writes, which are paced.
        path: below the address of the API, with a slash before it, or a whole URL of the same host.
        params: of the query.
        body: sent as JSON; None for none.
        means: statuses beyond 2xx that the caller has a use for: such an answer is returned and not raised.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    means: frozenset[int] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether it changes something there."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge answered.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
        value: the JSON of the body; None where there is none, or it is not JSON.
        size: bytes of the body as it was read.
    """

    status: int
    headers: Mapping[str, str]
    value: Json = None
    size: int = 0

    @property
    def good(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """What the forge says of it, on one short line of plain letters; "" for nothing."""
        line = " ".join("".join(map(_plain, _said(self.value))).split())
        return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _said(value: Json) -> str:
    """The message of an error, in the forms that GitHub, GitLab and Gitea give it."""
    if not isinstance(value, Mapping):
        return ""
    first = value.get("message") or value.get("error_description") or value.get("error") or ""
    text = _flat(first)
    errors = value.get("errors")
    more = ", ".join(filter(None, map(_flat, errors[:3]))) if isinstance(errors, list) else ""
    return f"{text}: {more}" if text and more else text or more


def _flat(value: Json) -> str:
    match value:
        case str():
            return value[:500]
        case list():
            return ", ".join(_flat(item) for item in value[:3])
        case Mapping():
            if isinstance(value.get("message"), str):
                return str(value["message"])[:500]
            pairs = list(value.items())[:3]
            return ", ".join(f"{name} {_flat(item)}".strip() for name, item in pairs)
        case None:
            return ""
        case _:
            return str(value)[:50]


def _plain(letter: str) -> str:
    return letter if letter.isprintable() else " "
