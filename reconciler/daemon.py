"""The daemon: holds the state folder's lock, and serves what was built until it is told to end.

It decides nothing about runs, and never waits for ever at the end: draining has a deadline.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from reconciler import resting
from reconciler.building import Daemon, build
from reconciler.compiling import seldom
from reconciler.configured_previews import hear
from reconciler.errors import Refused, Transient, Unusable
from reconciler.lock import locked
from reconciler.lookout import look_out
from reconciler.reloading import reread
from reconciler.servers import answer, servers
from reconciler.settings import DaemonSettings
from reconciler.telemetry import configure_logging, log
from reconciler.told import SIGNALS, Signals, unless_told

if TYPE_CHECKING:
    from reconciler.leading import Leads

__all__ = ["run", "serve"]

_DRAIN_SECONDS = 20.0
_SAY_SECONDS = 5.0
"""Of these for the forge, which may take statuses slowly: the rest is said after the next start."""


def run(settings: DaemonSettings, path: Path | None = None) -> None:
    """Run a daemon until SIGTERM or SIGINT; `path` is the file that SIGHUP reads again.

    Raises:
        Unusable: the machine or the configuration does not allow it.
    """
    json = settings.log == "json" if settings.log else not os.isatty(2)
    configure_logging(json=json, level=settings.log_level)
    seldom()
    try:
        anyio.run(serve, settings, path)
    except BaseExceptionGroup as group:
        said = group.subgroup((Unusable, Transient))
        if said is None:
            raise
        # One sentence says what happened; the groups around it are our own structure.
        raise _first(said) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def serve(settings: DaemonSettings, path: Path | None = None) -> None:
    """The same, inside a running event loop."""
    # From here on no signal ends the process by itself: the first fetch may take minutes, and its git must end too.
    with locked(settings.state_folder), anyio.open_signal_receiver(*SIGNALS) as signals:
        if settings.election is None:
            await _live(settings, path, signals, None)
            return
        from reconciler.leading import lead  # noqa: PLC0415  one daemon alone has no use for it

        await lead(settings, signals, lambda leads: _live(settings, path, signals, leads))


async def _live(settings: DaemonSettings, path: Path | None, signals: Signals, leads: Leads | None) -> None:
    """Be the daemon, until told to end."""
    async with contextlib.AsyncExitStack() as made:
        daemon = await unless_told(build(settings, made, leads), signals)
        if daemon is None:
            log.info("ended before it had started")
            return
        for warning in daemon.core.policy.warnings:
            log.warning(warning)
        if leads is not None:
            await leads.begin()
        await _serve(replace(daemon, path=path), signals)
    log.info("ended; what runs goes on")


async def _serve(daemon: Daemon, signals: Signals) -> None:
    listening = list(servers(daemon.core, daemon.loop, daemon.settings))
    async with anyio.create_task_group() as group:
        for served in listening:
            group.start_soon(answer, served)
        poll = daemon.settings.repository.poll.total_seconds()
        group.start_soon(look_out, daemon.source, daemon.loop, poll)
        group.start_soon(daemon.clones.run)
        group.start_soon(daemon.ledger.keep)
        group.start_soon(hear, daemon.settings, daemon.core, daemon.loop.pulls)
        group.start_soon(daemon.loop.run)
        log.info("started", instance=daemon.settings.instance, project=daemon.core.policy.identity.project)
        await _until_told(daemon, signals)
        await _drain(daemon)
        group.cancel_scope.cancel()


async def _drain(daemon: Daemon) -> None:
    """Start nothing more, finish what is being done, and say what was not said yet; within a deadline."""
    daemon.core.draining = True
    log.info("draining")
    with anyio.move_on_after(_DRAIN_SECONDS):
        await daemon.core.queue.close()
        with contextlib.suppress(Transient, Refused), anyio.move_on_after(_SAY_SECONDS):
            await _say(daemon)
        with contextlib.suppress(Transient):
            await resting.keep(daemon.core)


async def _say(daemon: Daemon) -> None:
    """Tell the forge what it was not told yet, as fast as it takes it."""
    while True:
        wait = await daemon.loop.publisher.post()
        if wait is None:
            return
        await anyio.sleep(wait)


async def _until_told(daemon: Daemon, signals: Signals) -> None:
    """Return at SIGTERM or SIGINT. SIGHUP reads the configuration again and looks at the repository."""
    async for number in signals:
        if number != signal.SIGHUP:
            return
        reread(daemon)
