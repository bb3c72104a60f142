"""Receiving an event that somebody sends: it counts once, and starts what listens to it."""

from __future__ import annotations

import secrets

from planner import keys
from planner.canon import Json
from planner.model.events import OutsideEvent, ident_of
from planner.spec.words import listed
from reconciler.api import problems, views
from reconciler.api.sent import Sent
from reconciler.core import Core
from reconciler.events import Events

__all__ = ["receive"]

_SHOWN = 10


async def receive(core: Core, events: Events, sent: Sent, sender: str) -> dict[str, Json]:
    """Record an event, and tell what it starts.

    Args:
        core: the daemon's parts.
        events: who listens.
        sent: it, checked.
        sender: the name of a token, or of a user of the machine: ids of one sender are not those of another.

    Raises:
        ApiError: nothing listens to it.
        Transient: it could not be recorded; sending it again is safe if it has an id.
    """
    said = sent.ident or secrets.token_hex(8)
    event = OutsideEvent(
        ident=ident_of("sent", sender, said),
        kind=sent.kind,
        ref=sent.ref,
        at=core.clock.now(),
        data=sent.data,
        about=said,
        by=sender,
    )
    told = await events.receive(event)
    if told is None:
        raise problems.missing(_nobody(events, sent))
    known = told.event
    if told.seen and (known.kind, known.ref) != (sent.kind, sent.ref):
        raise problems.conflict(
            f"the id `{said}` is that of another event, {known.kind} of {known.ref}: give a new one"
        )
    passed = [name for name in told.operations if await _is_suspended(core, name)]
    started = [name for name in told.operations if name not in passed]
    return {
        "id": said,
        "state": "seen before" if told.seen else "accepted",
        "operations": [*started],
        "runs": [str(keys.event(name, known.ident)) for name in started],
        "suspended": [*passed],
    }


async def _is_suspended(core: Core, name: str) -> bool:
    now = core.clock.now()
    suspensions = ((await core.ledger.root(name)).record.suspended, (await core.ledger.project()).suspended)
    return any(views.is_suspended(suspension, now) for suspension in suspensions)


def _nobody(events: Events, sent: Sent) -> str:
    senders = events.senders(sent.kind)
    heard = f"its operations listen to {sent.kind} of {listed(senders[:_SHOWN])}" if senders else "none listens to any"
    return f"no operation listens to {sent.kind} of `{sent.ref}`: {heard}"
