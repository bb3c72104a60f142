"""What an API server says instead of what was asked for, and what follows from it: again later, or never."""

from __future__ import annotations

import json
from typing import Any

from reconciler.errors import Refused, Transient

__all__ = ["Denied", "answer_of", "items_of"]

_LONGEST_PAUSE = 60
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Denied(Exception):  # noqa: N818  named by what the server did, as `Transient` and `Refused` are
    """The server answered, and not with what was asked for.

    Attributes:
        code: HTTP status.
        reason: one word of the API, such as `AlreadyExists`; "" where it gave none.
        message: its own words.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message

    @property
    def absent(self) -> bool:
        """Whether there is no such object, or no such kind."""
        return self.code == 404

    @property
    def taken(self) -> bool:
        """Whether there is an object of that name already."""
        return self.code == 409 and self.reason == "AlreadyExists"

    @property
    def changed(self) -> bool:
        """Whether it was changed meanwhile, so that it has to be read again."""
        return self.code == 409 and self.reason != "AlreadyExists"

    @property
    def expired(self) -> bool:
        """Whether what was asked for is too old to be told, or newer than what the server has."""
        return self.code == 410 or self.reason in {"Expired", "Gone"} or "Too large resource version" in self.message

    def settled(self, doing: str) -> Refused | Transient:
        """What follows where the caller has nothing better: never for the same input, or later.

        What a person of the cluster can grant is waited for: a right, a namespace, room in a quota. What a rule of
        the cluster says of the object itself is said again to the same object.

        Args:
            doing: what was tried, such as "job train-1 cannot be made".
        """
        words = f"{doing}: {self.message or self.reason or f'the API server answered {self.code}'}"
        ruled = "admission webhook" in self.message or "ValidatingAdmissionPolicy" in self.message
        if self.code in {400, 405, 413, 415, 422} or (self.code == 403 and ruled):
            return Refused(words)
        return Transient(words)


def answer_of(code: int, text: bytes) -> dict[str, Any]:
    """The object that the server answered with.

    Raises:
        Denied: it said no.
        Transient: it is busy, and may have done what was asked or not; or something else answered in its place.
    """
    found = _parsed(text)
    if code < 400:
        if found is None:
            raise Transient(f"the API server did not answer: what came ({code}) is no object")
        return found
    found = found or {}
    message = str(found.get("message") or text[:500].decode(errors="replace").strip())
    reason = str(found.get("reason") or "")
    denied = Denied(code, reason, message)
    if code in _BUSY and not denied.expired:
        raise Transient(f"the API server is busy: {message or reason or code}", _asked_pause(found))
    raise denied


def items_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of an answer to a list.

    Raises:
        Transient: it is none: to take it for an empty one would be to take everything for gone.
    """
    if "items" not in page:
        raise Transient("the API server did not answer: what came is no list")
    return list(page["items"] or ())


def _asked_pause(found: dict[str, Any]) -> float | None:
    """Seconds for which the server asks to be left alone, as it says beside the header: a minute at most."""
    details = found.get("details")
    seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return float(min(seconds, _LONGEST_PAUSE)) if isinstance(seconds, int) and seconds > 0 else None


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return None
    return dict(found) if isinstance(found, dict) else None
