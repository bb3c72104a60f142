"""The daemon: builds the adapters, holds the state folder's lock, and runs everything until it is told to end.

The only module that constructs adapters. It decides nothing about runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio import to_thread

from planner.desire.view import Identity
from planner.model.run import Stamp
from reconciler import resting
from reconciler.backends.machine.trimming import TreesCache
from reconciler.backing import backend_of
from reconciler.clock import WallClock
from reconciler.clones import GitClones
from reconciler.compiler import SourceCompiler, project_name
from reconciler.compiling import seldom
from reconciler.configured import channels_of, clones_of, config_of, exposed, lookup_of, policy_of, store_of
from reconciler.configured_forge import check_forge, forge_of
from reconciler.configured_previews import hear, previews_of
from reconciler.core import Core, Ports
from reconciler.edition import edition
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ledger.database import EarlierTerm
from reconciler.ledger.sql import SqlLedger
from reconciler.ledgers import is_known, open_ledger
from reconciler.lock import locked
from reconciler.lookout import look_out
from reconciler.loop import Loop, LoopSettings
from reconciler.outside import References
from reconciler.ports import Backend
from reconciler.servers import answer, servers
from reconciler.settings import DaemonSettings, load_settings
from reconciler.source import remote
from reconciler.source.access import access_to
from reconciler.source.repository import GitSource
from reconciler.telemetry import configure_logging, log
from reconciler.told import SIGNALS, Signals, unless_told
from reconciler.trees import SourceTrees

if TYPE_CHECKING:
    from reconciler.leading import Leads

__all__ = ["Daemon", "build", "run", "serve"]

_DRAIN_SECONDS = 20.0
_SAY_SECONDS = 5.0
"""Of these for the forge, which may take statuses slowly: the rest is said after the next start."""
_OF_MACHINE = tuple(f"backends.{backend}.{name}" for backend in ("local", "engine") for name in ("runsAtOnce", "ports"))
_LIVE = ("budgets.", "firstSync", "resync", "grace", *_OF_MACHINE)
"""Settings that change at once when the file is read again; all others are read at the start only."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """Everything that one daemon consists of."""

    settings: DaemonSettings
    core: Core
    loop: Loop
    source: GitSource
    backend: Backend
    clones: GitClones
    ledger: SqlLedger
    path: Path | None = None


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


async def build(settings: DaemonSettings, made: contextlib.AsyncExitStack, leads: Leads | None = None) -> Daemon:
    """Make the adapters and the core; the state folder is held by the caller, and closing `made` closes them.

    Args:
        settings: what is to be built.
        made: closes it.
        leads: where there is an election, that it is won.

    Raises:
        Unusable: something of it cannot be had, in one sentence.
    """
    clock, store = WallClock(), store_of(settings)
    source = _source(settings)
    made.push_async_callback(_close, source)
    project = await _project(settings, source)
    ledger = await _ledger(settings, project, leads)
    made.push_async_callback(_close, ledger)
    project = (await ledger.project()).name or project
    identity = Identity(settings.instance, project)
    owner = Stamp(ledger.ident, await ledger.sequence(), settings.instance, project)
    clones = clones_of(settings)
    backend, warnings = await backend_of(settings, owner, SourceTrees(source), clones)
    made.push_async_callback(_close, backend)
    outside = References(ledger, lookup_of(settings), clock)
    forge = forge_of(settings, source, clock, made)
    config = config_of(settings, identity)
    compiler = SourceCompiler(source, config, outside)
    ports = Ports(ledger, backend, source, compiler, forge, clock, store)
    policy = policy_of(settings, identity, (*warnings, *exposed(settings)))
    core = Core(ports, policy, await to_thread.run_sync(edition))
    core.compiling = config
    core.election = leads.view if leads is not None else None
    caches = (TreesCache(settings.runs_folder), clones)
    previews = previews_of(settings, source, forge, SourceCompiler(source, config, outside), clock)
    loop = Loop(core, LoopSettings(channels=channels_of(settings), caches=caches, previews=previews))
    return Daemon(settings, core, loop, source, backend, clones, ledger)


async def _ledger(settings: DaemonSettings, project: str, leads: Leads | None) -> SqlLedger:
    while True:
        try:
            return await open_ledger(settings, project, leads.term if leads is not None else None)
        except EarlierTerm as error:
            # The cluster of before is gone, and the ledger is not: the lease has to catch up.
            if leads is None:
                raise
            await leads.raise_above(error.seen)


class _Closable(Protocol):
    async def close(self) -> None: ...


async def _close(adapter: _Closable) -> None:
    """Close an adapter, also when that is because all is cancelled."""
    with anyio.CancelScope(shield=True):
        await adapter.close()


def _source(settings: DaemonSettings) -> GitSource:
    followed = remote.parse(settings.repository.url)
    access = access_to(followed, settings.repository.access)
    origin = remote.Origin(followed, settings.repository.branch, access)
    try:
        return GitSource(origin, settings.state_folder / "mirror", settings.instance)
    except ValueError as error:
        raise Unusable(f"repository.branch cannot be followed: {error}") from None


async def _project(settings: DaemonSettings, source: GitSource) -> str:
    """The project's name at first contact: what `.plumbline.yaml` says, else the configuration. The ledger fixes it.

    Raises:
        Unusable: the repository cannot be read, or its newest commit is refused, and nothing is known of it yet.
    """
    fallback = settings.repository.project or remote.parse(settings.repository.url).name
    if await is_known(settings):
        return fallback
    unknown = "nothing is known of the repository yet, and"
    try:
        commit = await source.fetch()
        return await project_name(source, commit, fallback) if commit else fallback
    except Transient as error:
        if settings.repository.project:
            return fallback
        raise Unusable(f"{unknown} it cannot be read: {error.message}") from None
    except Refused as error:
        raise Unusable(f"{unknown} its newest commit is refused: {error.message}; push one without that") from None


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


def _reload(daemon: Daemon) -> None:
    """Take over from the configuration file what may change while running; say what needs a restart."""
    if daemon.path is None:
        log.info("no configuration file to read again")
        return
    try:
        new = load_settings(daemon.path)
        # What needs a restart must be right, too: that restart may come when nobody looks.
        _source(new), lookup_of(new), store_of(new)
        check_forge(new)
        policy = policy_of(new, daemon.core.policy.identity, daemon.core.policy.warnings)
    except Unusable as error:
        log.error("the configuration stays as it was", reason=error.message)
        return
    daemon.core.policy = replace(policy, branch=daemon.core.policy.branch)
    log.info("configuration read again", needs_restart=_needs_restart(daemon.settings, new))
    # Roots that wait for a place look again: there may be more of them now.
    for name in ("source", "survey", *(f"root:{root}" for root in daemon.core.line.roots)):
        daemon.core.queue.add(name)


def _needs_restart(now: DaemonSettings, wanted: DaemonSettings) -> list[str]:
    """Names of the settings that differ from those that the daemon was started with, and are not live."""
    before, after = (dict(_flat(settings.model_dump(by_alias=True))) for settings in (now, wanted))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    return sorted(name for name in changed if not name.startswith(_LIVE))


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{below}", item) for below, item in _flat(value))
        else:
            yield name, value


async def _until_told(daemon: Daemon, signals: Signals) -> None:
    """Return at SIGTERM or SIGINT. SIGHUP reads the configuration again and looks at the repository."""
    async for number in signals:
        if number != signal.SIGHUP:
            return
        _reload(daemon)
