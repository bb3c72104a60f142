"""The forge of the configuration: its adapter, with what its settings mean to that.

Says at the start what cannot work. Asks the forge nothing: one that is away must not keep the daemon from its work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from planner.outbox import Budget
from reconciler.configured_api import app_of, check_app, repository_of, server_of, token_of
from reconciler.forges.memory import SilentForge
from reconciler.forges.notes import NotesForge
from reconciler.ports import Clock, Forge
from reconciler.settings import DaemonSettings
from reconciler.settings_forge import ForgeSettings
from reconciler.source.repository import GitSource

if TYPE_CHECKING:
    from reconciler.forges.http.client import Client
    from reconciler.forges.http.forge import HttpForge
    from reconciler.forges.http.pacing import Pace
    from reconciler.forges.http.transport import Manner

__all__ = ["check_forge", "forge_of", "url_of"]


def forge_of(settings: DaemonSettings, source: GitSource, clock: Clock, made: AsyncExitStack) -> Forge:
    """The forge; closing `made` lets go of its connections.

    Raises:
        Unusable: what it needs is not said, or a file that is named cannot serve.
    """
    match settings.forge.kind:
        case "notes":
            return NotesForge(source, clock)
        case "none":
            return SilentForge()
        case "github":
            forge = _github(settings, clock)
        case "gitlab":
            forge = _gitlab(settings, clock)
        case "gitea":
            forge = _gitea(settings, clock)
    made.push_async_callback(_close, forge)
    return forge


async def _close(forge: HttpForge) -> None:
    """Also when that is because all is cancelled."""
    with anyio.CancelScope(shield=True):
        await forge.close()


def check_forge(settings: DaemonSettings) -> None:
    """That the forge of these settings could be built, without building it.

    Raises:
        Unusable: see `forge_of`.
    """
    if settings.forge.kind not in {"notes", "none"}:
        server_of(settings)
        repository_of(settings)
        if settings.forge.app is None:
            token_of(settings)
        else:
            check_app(settings.forge.app)


def url_of(settings: DaemonSettings) -> Callable[[str, str], str]:
    """The page of a commit, or of an operation where one is named; "" where nobody said where pages are."""
    base = settings.pages.url

    def url(commit: str, root: str) -> str:
        if base is None:
            return ""
        return f"{base}/operations/{quote(root, safe='')}" if root else f"{base}/commits/{commit}"

    return url


def _github(settings: DaemonSettings, clock: Clock) -> HttpForge:
    # Slow to load, and most daemons never need it.
    from reconciler.forges.github import checked, checks, manner, pulls, queue, remarks, statuses  # noqa: PLC0415
    from reconciler.forges.http.client import Client  # noqa: PLC0415
    from reconciler.forges.http.credentials import TokenCredential  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415
    from reconciler.forges.http.pacing import Pace  # noqa: PLC0415
    from reconciler.forges.http.statuses import HttpStatuses  # noqa: PLC0415

    said, server, repository = settings.forge, server_of(settings), repository_of(settings)
    app = app_of(settings, clock) if said.app is not None else None
    credential = app or TokenCredential(token_of(settings))
    client = Client(server, manner.manner(_pace(said, Pace())), credential, clock)
    own = pulls.by_token(client) if said.app is None else pulls.by_app(said.app.id)
    told = HttpStatuses(
        client, statuses.GitHubShape(repository, url_of(settings)), Budget(roots=said.writes.operations)
    )
    heard = remarks.GitHubRemarks(client, repository, app=app is not None)
    forge = HttpForge(told, pulls.GitHubPulls(client, repository, own), app, heard)
    forge.queue = queue.GitHubQueue(client, repository)
    if app is not None:
        forge.checks = checks.GitHubChecks(client, repository, url_of(settings))
    granted = (lambda: app.permissions) if app is not None else None
    forge.checked = lambda wanted: checked.checked(client, repository, wanted, granted)
    return forge


def _gitlab(settings: DaemonSettings, clock: Clock) -> HttpForge:
    from reconciler.forges.gitlab import checked, manner, pulls, remarks, statuses, trains  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415
    from reconciler.forges.http.statuses import HttpStatuses  # noqa: PLC0415

    said, repository = settings.forge, repository_of(settings)
    client = _client(settings, manner.manner(_pace(said, manner.PACE)), clock)
    merging = pulls.GitLabPulls(client, repository)
    queue = trains.GitLabTrains(client, repository)
    refs = lambda commit: queue.refs.get(commit) or merging.refs.get(commit, "")  # noqa: E731
    shape = statuses.GitLabShape(repository, url_of(settings), refs)
    told = HttpStatuses(client, shape, Budget(roots=said.writes.operations))
    forge = HttpForge(told, merging, remarks=remarks.GitLabRemarks(client, repository))
    forge.queue = queue
    forge.checked = lambda wanted: checked.checked(client, repository, wanted)
    return forge


def _gitea(settings: DaemonSettings, clock: Clock) -> HttpForge:
    from reconciler.forges.gitea import checked, manner, pulls, remarks, statuses  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415

    said, repository = settings.forge, repository_of(settings)
    client = _client(settings, manner.manner(_pace(said, manner.PACE)), clock)
    shape = statuses.GiteaShape(repository, url_of(settings))
    told = statuses.GiteaStatuses(client, shape, Budget(roots=said.writes.operations))
    forge = HttpForge(told, pulls.GiteaPulls(client, repository), remarks=remarks.GiteaRemarks(client, repository))
    forge.checked = lambda wanted: checked.checked(client, repository, wanted)
    return forge


def _client(settings: DaemonSettings, manner: Manner, clock: Clock) -> Client:
    """A client that is opened by a token."""
    from reconciler.forges.http.client import Client  # noqa: PLC0415
    from reconciler.forges.http.credentials import TokenCredential  # noqa: PLC0415

    return Client(server_of(settings), manner, TokenCredential(token_of(settings)), clock)


def _pace(said: ForgeSettings, usual: Pace) -> Pace:
    """The pace of a forge, where nothing else is said."""
    return replace(usual, minute=said.writes.minute or usual.minute, hour=said.writes.hour or usual.hour)
