"""The repository that is followed, of the configuration: its address, its branch and what opens it.

Git has tokens of the App of GitHub where the API is on the repository's own host and nothing else opens it: tokens of
their own, which may read this repository's contents and nothing more. Asks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from reconciler.configured_api import api_of, app_of, check_app, host_of, repository_of
from reconciler.errors import Unusable
from reconciler.ports import Clock
from reconciler.settings import DaemonSettings
from reconciler.source import refs, remote
from reconciler.source.access import access_to
from reconciler.source.repository import GitSource
from reconciler.webhooks.door import full_name

if TYPE_CHECKING:
    from reconciler.forges.github.app import AppCredential

__all__ = ["check_source", "is_opened_by_app", "source_of"]

_USER = "x-access-token"
"""Whom GitHub takes a token of an App from."""
_PERMISSIONS: Mapping[str, str] = MappingProxyType({"contents": "read"})
"""What git's tokens may. Notes are pushed only where there is no App: `forge: notes`."""


def source_of(settings: DaemonSettings, folder: Path, clock: Clock, made: AsyncExitStack) -> GitSource:
    """The repository, with its copy below `folder`; closing `made` lets go of it. Nothing is asked of it yet.

    Raises:
        Unusable: the address or the branch cannot be followed, or a file that opens it cannot serve, in one sentence.
    """
    origin = _origin(settings)
    if is_opened_by_app(settings):
        tokens = app_of(settings, clock, _PERMISSIONS)
        made.push_async_callback(_close, tokens)
        origin = replace(origin, access=replace(origin.access, username=_USER, tokens=tokens))
    source = GitSource(origin, folder, settings.instance)
    made.push_async_callback(_close, source)
    return source


def check_source(settings: DaemonSettings) -> None:
    """That the repository of these settings could be followed, without following it.

    Raises:
        Unusable: see `source_of`.
    """
    _origin(settings)
    if is_opened_by_app(settings):
        assert settings.forge.app is not None
        check_app(settings.forge.app)


def is_opened_by_app(settings: DaemonSettings) -> bool:
    """Whether git has tokens of the App: over https, where no file opens it, and the App's tokens are for it.

    Raises:
        Unusable: the address is not allowed, or the forge's settings do not say what the repository is called there.
    """
    followed = remote.parse(settings.repository.url)
    if settings.forge.app is None or settings.repository.access.token_file is not None:
        return False
    if followed.protocol not in {"https", "http"} or not _is_its_host(settings):
        return False
    # The tokens reach this repository alone; forges do not tell upper from lower case in names.
    return repository_of(settings).lower() == full_name(settings.repository.url).lower()


def _is_its_host(settings: DaemonSettings) -> bool:
    """Whether the API is that of the repository's own host, or of its subdomain `api`, as on `ghe.com`."""
    there = urlsplit(remote.parse(settings.repository.url).url)
    url = settings.forge.url or api_of(settings.forge.kind, host_of(settings.repository.url))
    api = urlsplit(url)
    return api.scheme == there.scheme and api.netloc.lower() in {there.netloc.lower(), f"api.{there.netloc.lower()}"}


def _origin(settings: DaemonSettings) -> remote.Origin:
    followed = remote.parse(settings.repository.url)
    branch, access = settings.repository.branch, settings.repository.access
    try:
        if branch is not None:
            refs.check_ref(f"refs/heads/{branch}")
    except ValueError as error:
        raise Unusable(f"repository.branch cannot be followed: {error}") from None
    return remote.Origin(followed, branch, access_to(followed, access))


async def _close(closable: GitSource | AppCredential) -> None:
    """Also when that is because all is cancelled."""
    with anyio.CancelScope(shield=True):
        await closable.close()
