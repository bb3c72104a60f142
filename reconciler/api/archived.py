"""The log of an attempt whose backend has none any more: as the store has it. It writes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from planner.model.records import RunRecord
from reconciler.core import Core
from reconciler.errors import Transient
from reconciler.stores import copies

__all__ = ["or_stored"]


async def or_stored(
    core: Core, run: RunRecord, number: int, pieces: AsyncIterator[bytes], tail: int | None
) -> AsyncIterator[bytes]:
    """What the backend has of the log of an attempt, else what the store has.

    Args:
        core: of the daemon.
        run: whose attempt it is.
        number: of the attempt.
        pieces: what the backend has.
        tail: only so many last lines; None for all.
    """
    said = False
    async for piece in pieces:
        said = True
        yield piece
    if said:
        return
    try:
        stored = _stored(core, run, number)
        async for piece in stored if tail is None else _last(stored, tail):
            yield piece
    except Transient as error:
        yield f"[its log is in the store, which does not give it now: {error.message}]\n".encode()


async def _stored(core: Core, run: RunRecord, number: int) -> AsyncIterator[bytes]:
    storage, copy = core.storage, run.copy
    if storage is None or copy is None or copy.owed or copy.store != storage.store.url:
        return
    place = storage.place_of(run.key)
    manifest = await copies.known(storage.store, place)
    for log in manifest.logs if manifest is not None else ():
        if log.attempt == number:
            async for piece in copies.log_of(storage.store, place, log):
                yield piece


async def _last(pieces: AsyncIterator[bytes], tail: int) -> AsyncIterator[bytes]:
    """The last lines, of which the very last need not be ended."""
    kept: deque[bytes] = deque(maxlen=tail)
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        kept.extend(line + b"\n" for line in lines)
    if rest:
        kept.append(rest)
    for line in kept:
        yield line
