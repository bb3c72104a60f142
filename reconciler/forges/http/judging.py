"""What follows from an answer of a forge: go on, wait, or have a person change something.

One place for all forges: who asked for less is told by `Request.means`. Decides no single status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import Refused, Transient
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.waiting import Patience, after_of, is_limit, is_used_up

__all__ = ["Hints", "judge"]

_LATER = frozenset({408, 409, 423, 425})
"""Answers below 500 that are not the last word."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person can do, in the words of one forge.

    Attributes:
        forge: its name.
        host: its host and port.
        said: what to do, by status.
    """

    forge: str
    host: str
    said: Mapping[int, str] = field(default_factory=dict)


def judge(answer: Answer, request: Request, patience: Patience, hints: Hints, now: datetime) -> Answer:
    """`answer`, where it did what was asked or the caller has a use for it.

    Raises:
        Transient: not now; `after` is how long to wait.
        Refused: never, until a person changes something.
    """
    words = answer.words
    said = f"{hints.forge} at {hints.host} answers {answer.status}" + (f" ({words})" if words else "")
    if is_limit(answer.status, answer.headers, words):
        after = patience.limited(after_of(answer.headers, now))
        raise Transient(f"{said}: it has been asked too much, and is left alone for {after:.0f} s", after)
    if answer.status >= 500 or answer.status in _LATER:
        told = after_of(answer.headers, now)
        after = patience.limited(told) if told is not None else patience.down()
        raise Transient(said, after)
    patience.well(after_of(answer.headers, now) if is_used_up(answer.headers) else None)
    if answer.good or answer.status in request.means:
        return answer
    hint = hints.said.get(answer.status, "")
    raise Refused(f"{said} to {request.method} {request.path}" + (f"; {hint}" if hint else ""))
