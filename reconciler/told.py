"""What service managers and people send a daemon: signals, and work that a signal may end before it is done."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Coroutine
from typing import TypeVar

import anyio

__all__ = ["SIGNALS", "Signals", "unless_told"]

T = TypeVar("T")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""TERM and INT end a daemon; HUP has it read its configuration again."""

Signals = AsyncIterator[signal.Signals]
"""Those that came, as they come."""


async def unless_told(work: Coroutine[None, None, T], signals: Signals) -> T | None:
    """What `work` gives; None when SIGTERM or SIGINT came first. SIGHUP changes nothing: the file was just read."""
    done: list[T] = []
    failed: list[Exception] = []

    async def do_it(scope: anyio.CancelScope) -> None:
        try:
            done.append(await work)
        except Exception as error:  # noqa: BLE001 -- raised again below, outside of the group
            failed.append(error)
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(do_it, group.cancel_scope)
        async for number in signals:
            if number != signal.SIGHUP:
                group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    return done[0] if done else None
