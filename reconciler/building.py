"""Building a daemon: every adapter of its settings, the core and the loop, which nobody has started yet.

The only module that constructs adapters. It decides nothing about runs, and begins nothing that would have to be ended
otherwise than by closing what it made.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import anyio
from anyio import to_thread

from planner.desire.view import Identity
from planner.model.run import Stamp
from reconciler.backends.machine.trimming import TreesCache
from reconciler.backing import backend_of
from reconciler.clock import WallClock
from reconciler.clones import GitClones
from reconciler.compiler import SourceCompiler, project_name
from reconciler.configured import channels_of, clones_of, config_of, exposed, lookup_of, policy_of, store_of
from reconciler.configured_forge import forge_of
from reconciler.configured_previews import previews_of
from reconciler.configured_source import source_of
from reconciler.core import Core, Ports
from reconciler.edition import edition
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ledger.database import EarlierTerm
from reconciler.ledger.sql import SqlLedger
from reconciler.ledgers import is_known, open_ledger
from reconciler.loop import Loop, LoopSettings
from reconciler.outside import References
from reconciler.ports import Backend
from reconciler.settings import DaemonSettings
from reconciler.source import remote
from reconciler.source.repository import GitSource
from reconciler.trees import SourceTrees

if TYPE_CHECKING:
    from reconciler.leading import Leads

__all__ = ["Daemon", "build"]


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
    source = source_of(settings, settings.state_folder / "mirror", clock, made)
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
