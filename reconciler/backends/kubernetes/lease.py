"""A Lease as replicas read and write it. Pure: objects in, objects out; reads no clock.

What it must never do: change anything of a Lease but what an election is about, as people may have labelled it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.backends.kubernetes import names

__all__ = ["Claim", "Held", "made", "raised", "read", "released", "renewed", "taken"]

Object = dict[str, Any]

TERM = f"{names.PREFIX}term"
"""Annotation: the least term of who has it, where the version of the object is not enough."""
ADDRESSES = f"{names.PREFIX}addresses"
"""Annotation: where the holder answers, by what it answers there."""

_DIGITS = 19
"""What has as many is no number of anybody's, and a ledger could not keep it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a replica writes when it takes a Lease.

    Attributes:
        identity: who it is; of no other process ever.
        addresses: where it answers others than people, by what: `pods`, `events`.
        duration: whole seconds that nothing must be heard of it before others may take the Lease.
    """

    identity: str
    addresses: Mapping[str, str]
    duration: int


@dataclass(frozen=True, slots=True)
class Held:
    """A Lease as it was read.

    Attributes:
        holder: who has it; "" for nobody.
        mark: changes whenever its holder does anything.
        duration: seconds that its holder asked for; None where it says nothing that makes sense.
        since: when its holder took it, as it stands there.
        addresses: where its holder answers.
        term: a number that is greater than that of every earlier holder.
        body: the whole object, to be changed and written back.
    """

    holder: str
    mark: tuple[str, ...]
    duration: float | None
    since: str
    addresses: Mapping[str, str]
    term: int
    body: Object = field(repr=False)


def read(body: Object) -> Held:
    """What a Lease says, whoever wrote it."""
    spec, meta = _mapping(body.get("spec")), _mapping(body.get("metadata"))
    holder = str(spec.get("holderIdentity") or "")
    mark = tuple(str(spec.get(name)) for name in ("holderIdentity", "renewTime", "acquireTime", "leaseTransitions"))
    duration = float(_number(spec.get("leaseDurationSeconds")))
    # Versions of a cluster only ever grow, also over an object that was deleted and made again; the annotation is for
    # a cluster that was made anew around the same ledger.
    term = max(_number(meta.get("resourceVersion")), _least_term(body))
    since = str(spec.get("acquireTime") or "")
    return Held(holder, mark, duration or None, since, _addresses(body), term, body)


def made(name: str, claim: Claim, now: datetime, before: Held | None = None) -> Object:
    """A new Lease, where there is none; `before` is the one that was there, if its holder makes it again."""
    noted = {TERM: str(_least_term(before.body))} if before is not None and _least_term(before.body) else {}
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "annotations": noted},
        "spec": {"leaseTransitions": 0},
    }
    return _held_by(body, claim, now)


def taken(found: Held, claim: Claim, now: datetime) -> Object:
    """The Lease `found` with another holder."""
    term = _least_term(found.body)
    body = _noted(found.body, {TERM: str(term + 1)} if term else {})
    transitions = _number(_mapping(body.get("spec")).get("leaseTransitions")) + 1
    return _held_by(_with(body, leaseTransitions=transitions), claim, now)


def renewed(mine: Held, now: datetime) -> Object:
    """The Lease `mine`, heard of now."""
    return _with(mine.body, renewTime=_instant(now))


def raised(mine: Held, above: int, now: datetime) -> Object:
    """The Lease `mine` with a term that is greater than `above`."""
    return renewed(read(_noted(mine.body, {TERM: str(above + 1)})), now)


def released(mine: Held, now: datetime) -> Object:
    """The Lease `mine`, with nobody who has it."""
    return _with(
        _noted(mine.body, {ADDRESSES: "{}"}), holderIdentity="", renewTime=_instant(now), leaseDurationSeconds=1
    )


def _held_by(body: Object, claim: Claim, now: datetime) -> Object:
    at = _instant(now)
    held = {"holderIdentity": claim.identity, "leaseDurationSeconds": claim.duration, "acquireTime": at}
    where = json.dumps(dict(claim.addresses), sort_keys=True)
    return _with(_noted(body, {ADDRESSES: where}), **held, renewTime=at)


def _with(body: Object, **changes: Any) -> Object:
    return {**body, "spec": {**_mapping(body.get("spec")), **changes}}


def _noted(body: Object, notes: Mapping[str, str]) -> Object:
    meta = _mapping(body.get("metadata"))
    return {**body, "metadata": {**meta, "annotations": {**_mapping(meta.get("annotations")), **notes}}}


def _least_term(body: Object) -> int:
    return _number(_mapping(_mapping(body.get("metadata")).get("annotations")).get(TERM))


def _addresses(body: Object) -> Mapping[str, str]:
    written = _mapping(_mapping(body.get("metadata")).get("annotations")).get(ADDRESSES)
    try:
        return {str(name): str(where) for name, where in _mapping(json.loads(str(written))).items()}
    except ValueError:
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    """A whole number that is not negative; 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


def _instant(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
