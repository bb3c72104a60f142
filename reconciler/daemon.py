"""The daemon: builds the adapters, holds the state folder's lock, and runs everything until it is told to end.

The only module that constructs adapters. It decides nothing about runs.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from planner.admit import Limits
from planner.compile import CompileConfig
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.model.run import Stamp
from reconciler.backends.local.backend import LocalBackend
from reconciler.backends.local.settings import MEBIBYTE, Containment, LocalSettings
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler, project_name
from reconciler.core import Core, Policy, Ports
from reconciler.errors import Transient, Unusable
from reconciler.forges.memory import SilentForge
from reconciler.forges.notes import NotesForge
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.lock import locked
from reconciler.loop import Loop
from reconciler.ports import Forge
from reconciler.servers import answer, servers
from reconciler.settings import DaemonSettings, load_settings
from reconciler.source import remote, watch
from reconciler.source.access import access_to
from reconciler.source.poll import LOCAL, Moved, News, Nudge, Pace, Unreachable, watch_head
from reconciler.source.repository import GitSource
from reconciler.telemetry import configure_logging, log
from reconciler.trees import SourceTrees

__all__ = ["Daemon", "build", "run", "serve"]

_DRAIN_SECONDS = 20.0
_LIVE = ("budgets.", "firstSync", "resync", "grace", "backends.local.runsAtOnce", "backends.local.ports")
"""Settings that change at once when the file is read again; all others are read at the start only."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """Everything that one daemon consists of."""

    settings: DaemonSettings
    core: Core
    loop: Loop
    source: GitSource
    backend: LocalBackend
    path: Path | None = None


def run(settings: DaemonSettings, path: Path | None = None) -> None:
    """Run a daemon until SIGTERM or SIGINT; `path` is the file that SIGHUP reads again.

    Raises:
        Unusable: the machine or the configuration does not allow it.
    """
    json = settings.log == "json" if settings.log else not os.isatty(2)
    configure_logging(json=json, level=settings.log_level)
    try:
        anyio.run(serve, settings, path)
    except BaseExceptionGroup as group:
        unusable = group.subgroup(Unusable)
        if unusable is None:
            raise
        # One sentence says what happened; the groups around it are our own structure.
        raise _first(unusable) from None


def _first(group: BaseExceptionGroup[Unusable]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def serve(settings: DaemonSettings, path: Path | None = None) -> None:
    """The same, inside a running event loop."""
    with locked(settings.state_folder):
        daemon = replace(await build(settings), path=path)
        for warning in daemon.core.policy.warnings:
            log.warning(warning)
        try:
            await _serve(daemon)
        finally:
            with anyio.CancelScope(shield=True):
                await daemon.backend.close()
                await daemon.source.close()
                await daemon.core.ledger.close()
        log.info("ended; what runs goes on")


async def build(settings: DaemonSettings) -> Daemon:
    """Make the adapters and the core; the state folder is held by the caller.

    Raises:
        Unusable: something of it cannot be had, in one sentence.
    """
    state, clock = settings.state_folder, WallClock()
    source = _source(settings)
    project = await _project(settings, source)
    ledger = await SqliteLedger.open(state / "ledger.sqlite", settings.instance, project)
    project = (await ledger.project()).name or project
    identity = Identity(settings.instance, project)
    owner = Stamp(ledger.ident, await ledger.sequence(), settings.instance, project)
    backend = LocalBackend(_local(settings), owner, SourceTrees(source), clock)
    await backend.open()
    forge: Forge = NotesForge(source, clock) if settings.forge == "notes" else SilentForge()
    ports = Ports(ledger, backend, source, SourceCompiler(source, _config(settings, identity)), forge, clock)
    core = Core(ports, _policy(settings, identity, tuple(backend.warnings())))
    return Daemon(settings, core, Loop(core), source, backend)


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
        Unusable: the repository cannot be read, and nothing is known of it yet.
    """
    fallback = settings.repository.project or remote.parse(settings.repository.url).name
    if (settings.state_folder / "ledger.sqlite").exists():
        return fallback
    try:
        commit = await source.fetch()
        return await project_name(source, commit, fallback) if commit else fallback
    except Transient as error:
        if settings.repository.project:
            return fallback
        raise Unusable(f"nothing is known of the repository yet, and it cannot be read: {error.message}") from None


def _local(settings: DaemonSettings) -> LocalSettings:
    local = settings.backends.local
    return LocalSettings(
        root=settings.state_folder / "local",
        runs=settings.runs_folder,
        environments={image: path.expanduser().absolute() for image, path in local.environments.items()},
        user=local.user,
        allow_root=local.allow_root,
        slots=local.slots,
        env=local.env,
        log_cap=local.log_megabytes * MEBIBYTE,
        containment=Containment(local.containment),
    )


def _config(settings: DaemonSettings, identity: Identity) -> CompileConfig:
    local = settings.backends.local
    return CompileConfig(
        project=identity.project,
        instance=identity.instance,
        backend=settings.backend,
        environments=frozenset(local.environments) or None,
        slots=local.slots or None,
    )


def _policy(settings: DaemonSettings, identity: Identity, warnings: tuple[str, ...]) -> Policy:
    local = settings.backends.local
    is_local = remote.parse(settings.repository.url).path is not None
    return Policy(
        identity=identity,
        branch=settings.repository.branch or "",
        budgets=Budgets(starts=settings.budgets.starts, gpus=settings.budgets.gpus),
        limits=Limits(runs=local.runs_at_once, slots=local.slots, ports=(local.ports[0], local.ports[1])),
        resync=settings.resync.total_seconds(),
        grace=settings.grace.total_seconds(),
        hold_first=(settings.first_sync or ("run" if is_local else "hold")) == "hold",
        warnings=warnings,
    )


async def _serve(daemon: Daemon) -> None:
    listening = list(servers(daemon.core, daemon.loop, daemon.settings))
    async with anyio.create_task_group() as group:
        for served in listening:
            group.start_soon(answer, served)
        group.start_soon(_watch, daemon)
        group.start_soon(daemon.loop.run)
        log.info("started", instance=daemon.settings.instance, project=daemon.core.policy.identity.project)
        await _until_told(daemon)
        await _drain(daemon)
        group.cancel_scope.cancel()


async def _drain(daemon: Daemon) -> None:
    """Start nothing more, finish what is being done, and say what was not said yet; within a deadline."""
    daemon.core.draining = True
    log.info("draining")
    with anyio.move_on_after(_DRAIN_SECONDS):
        await daemon.core.queue.close()
        with contextlib.suppress(Transient):
            await daemon.loop.publisher.post()


def _reload(daemon: Daemon) -> None:
    """Take over from the configuration file what may change while running; say what needs a restart."""
    if daemon.path is None:
        log.info("no configuration file to read again")
        return
    try:
        new = load_settings(daemon.path)
    except Unusable as error:
        log.error("the configuration stays as it was", reason=error.message)
        return
    policy = _policy(new, daemon.core.policy.identity, daemon.core.policy.warnings)
    daemon.core.policy = replace(policy, branch=daemon.core.policy.branch)
    log.info("configuration read again", needs_restart=_needs_restart(daemon.settings, new))
    # Roots that wait for a place look again: there may be more of them now.
    for name in ("source", "survey", *(f"root:{root}" for root in daemon.core.starved)):
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


async def _until_told(daemon: Daemon) -> None:
    """Return at SIGTERM or SIGINT. SIGHUP reads the configuration again and looks at the repository."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for number in signals:
            if number != signal.SIGHUP:
                return
            _reload(daemon)


async def _watch(daemon: Daemon) -> None:
    """Have the repository looked at whenever its branch moved."""
    path = daemon.source.origin.remote.path
    nudge = Nudge()
    pace = replace(LOCAL if path is not None else Pace(), interval=daemon.settings.repository.poll.total_seconds())
    hints = watch.changes(path) if path is not None else None

    def tell(news: News) -> None:
        match news:
            case Moved():
                daemon.core.queue.add("source")
            case Unreachable():
                daemon.loop.commits.failing = news.reason
                log.warning("repository cannot be asked", reason=news.reason, retry_in=round(news.retry_in, 1))

    asked = _Asked(daemon.source, daemon.loop)
    await watch_head(asked, tell, nudge, (pace, random.Random()), hints)  # noqa: S311 -- jitter, no secret


@dataclass(frozen=True, slots=True)
class _Asked:
    """The source as it is polled: an answer counts as one also when nothing moved."""

    source: GitSource
    loop: Loop

    async def head(self) -> str | None:
        """See `GitSource.head`."""
        head = await self.source.head()
        self.loop.commits.answered()
        self.loop.metrics.polled()
        return head
