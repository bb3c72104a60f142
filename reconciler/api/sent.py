"""Events that somebody sends: what a body may say, checked before anything is looked at. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from planner.canon import Json
from planner.model.events import SENDABLE
from planner.spec.events import EVENT_KINDS
from planner.spec.words import listed, nearest
from reconciler.api import problems

__all__ = ["ANYBODY", "LARGEST_EVENT", "Sent", "read"]

LARGEST_EVENT = 64 * 1024
"""Bytes of the body of an event."""

ANYBODY = "project"
"""The `ref` of an event whose sender gives none."""

_DEEPEST = 32
_NAME = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
_OWN = ("ops", "runs", "repository")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event as it was sent.

    Attributes:
        kind: one of `SENDABLE`.
        ref: the name that sender and listener agree on.
        ident: the id that its sender gave it; "" for none: then each time that it is sent is another event.
        data: whatever the sender says of it.
    """

    kind: str
    ref: str
    ident: str
    data: Mapping[str, Json]


def read(text: str) -> Sent:
    """The event of a body.

    Raises:
        ApiError: it is no event that can be sent; the message says what to write.
    """
    body = _object(text)
    if unknown := sorted(set(body) - {"kind", "ref", "id", "data"}):
        raise problems.bad(f"unknown member `{unknown[0][:40]}`; an event has kind, ref, id and data")
    kind, ref, ident, data = body.get("kind"), body.get("ref", ANYBODY), body.get("id", ""), body.get("data", {})
    if not isinstance(kind, str):
        raise problems.bad(f"an event has a `kind`: one of {listed(SENDABLE)}")
    if kind not in SENDABLE:
        raise problems.bad(_refused(kind))
    if not isinstance(ref, str) or not _NAME.fullmatch(ref):
        raise problems.bad("`ref` is a name of at most 200 printable characters")
    if ref.partition(".")[0] in _OWN:
        raise problems.bad(f"events of `{ref[:40]}` are Plumbline's own, and not sent")
    if not isinstance(ident, str) or (ident and not _NAME.fullmatch(ident)):
        raise problems.bad("`id` is a text of at most 200 printable characters")
    if not isinstance(data, dict):
        raise problems.bad("`data` is an object")
    if _depth(data) > _DEEPEST:
        raise problems.bad(f"`data` is nested more than {_DEEPEST} deep")
    return Sent(kind, ref, ident, data)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise problems.bad("the body is not JSON") from None
    if not isinstance(value, dict):
        raise problems.bad("the body must be a JSON object")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and the infinities, which are no JSON


def _refused(kind: str) -> str:
    if kind in EVENT_KINDS:
        return f"`{kind}` cannot be sent: use {listed(SENDABLE)}"
    near = nearest(kind, SENDABLE)
    meant = f"did you mean `{near}`?" if near else f"use {listed(SENDABLE)}"
    return f"unknown kind `{kind[:40]}` of an event; {meant}"


def _depth(value: Json) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [item for one in level for item in _below(one)]
    return deepest


def _below(value: Json) -> list[Json]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
