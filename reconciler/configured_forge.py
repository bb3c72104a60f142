"""The forge of the configuration: what its settings mean, and what the repository's say where they are left out.

Says at the start what cannot work. Asks the forge nothing: one that is away must not keep the daemon from its work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import anyio

from planner.outbox import Budget
from reconciler.errors import Unusable
from reconciler.forges.memory import SilentForge
from reconciler.forges.notes import NotesForge
from reconciler.ports import Clock, Forge
from reconciler.settings import DaemonSettings, environment
from reconciler.settings_forge import ForgeSettings, is_full_name
from reconciler.source import remote
from reconciler.source.repository import GitSource
from reconciler.webhooks.door import full_name

if TYPE_CHECKING:
    from reconciler.forges.http.client import Client
    from reconciler.forges.http.forge import HttpForge
    from reconciler.forges.http.pacing import Pace
    from reconciler.forges.http.server import Server
    from reconciler.forges.http.transport import Manner

__all__ = ["check_forge", "forge_of", "url_of"]

_OF_TWO = {"github": "GitHub", "gitea": "Gitea"}
"""Forges whose repositories have an owner and nothing above; GitLab has groups in groups."""


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
            _secret_file(settings.forge.app.key_file, "forge.app.keyFile")


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
    from reconciler.forges.github import checks, manner, pulls, remarks, statuses  # noqa: PLC0415
    from reconciler.forges.github.app import AppCredential, Installed, Signer, check_cryptography  # noqa: PLC0415
    from reconciler.forges.http.client import Client  # noqa: PLC0415
    from reconciler.forges.http.credentials import Credential, TokenCredential, token_in_file  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415
    from reconciler.forges.http.pacing import Pace  # noqa: PLC0415
    from reconciler.forges.http.statuses import HttpStatuses  # noqa: PLC0415

    said, server, repository = settings.forge, server_of(settings), repository_of(settings)
    pace = _pace(said, Pace())
    app: AppCredential | None = None
    credential: Credential
    if said.app is None:
        credential = TokenCredential(token_of(settings))
    else:
        check_cryptography()
        key = token_in_file(_secret_file(said.app.key_file, "forge.app.keyFile"), "forge.app.keyFile")
        installed = Installed(said.app.id, repository, said.app.installation, key)
        asking = Client(server, manner.manner(Pace(0.0, 0, 0)), Signer(installed, clock), clock)
        credential = app = AppCredential(asking, installed, clock)
    client = Client(server, manner.manner(pace), credential, clock)
    own = pulls.by_token(client) if said.app is None else pulls.by_app(said.app.id)
    told = HttpStatuses(
        client, statuses.GitHubShape(repository, url_of(settings)), Budget(roots=said.writes.operations)
    )
    heard = remarks.GitHubRemarks(client, repository, app=app is not None)
    forge = HttpForge(told, pulls.GitHubPulls(client, repository, own), app, heard)
    if app is not None:
        forge.checks = checks.GitHubChecks(client, repository, url_of(settings))
    return forge


def _gitlab(settings: DaemonSettings, clock: Clock) -> HttpForge:
    from reconciler.forges.gitlab import manner, pulls, remarks, statuses  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415
    from reconciler.forges.http.statuses import HttpStatuses  # noqa: PLC0415

    said, repository = settings.forge, repository_of(settings)
    client = _client(settings, manner.manner(_pace(said, manner.PACE)), clock)
    merging = pulls.GitLabPulls(client, repository)
    shape = statuses.GitLabShape(repository, url_of(settings), lambda commit: merging.refs.get(commit, ""))
    told = HttpStatuses(client, shape, Budget(roots=said.writes.operations))
    return HttpForge(told, merging, remarks=remarks.GitLabRemarks(client, repository))


def _gitea(settings: DaemonSettings, clock: Clock) -> HttpForge:
    from reconciler.forges.gitea import manner, pulls, remarks, statuses  # noqa: PLC0415
    from reconciler.forges.http.forge import HttpForge  # noqa: PLC0415

    said, repository = settings.forge, repository_of(settings)
    client = _client(settings, manner.manner(_pace(said, manner.PACE)), clock)
    shape = statuses.GiteaShape(repository, url_of(settings))
    told = statuses.GiteaStatuses(client, shape, Budget(roots=said.writes.operations))
    return HttpForge(told, pulls.GiteaPulls(client, repository), remarks=remarks.GiteaRemarks(client, repository))


def _client(settings: DaemonSettings, manner: Manner, clock: Clock) -> Client:
    """A client that is opened by a token."""
    from reconciler.forges.http.client import Client  # noqa: PLC0415
    from reconciler.forges.http.credentials import TokenCredential  # noqa: PLC0415

    return Client(server_of(settings), manner, TokenCredential(token_of(settings)), clock)


def _pace(said: ForgeSettings, usual: Pace) -> Pace:
    """The pace of a forge, where nothing else is said."""
    return replace(usual, minute=said.writes.minute or usual.minute, hour=said.writes.hour or usual.hour)


def server_of(settings: DaemonSettings) -> Server:
    """Where the API is and how it is reached.

    Raises:
        Unusable: nobody said where it is, or a file cannot be read.
    """
    from reconciler.forges.http.server import Server  # noqa: PLC0415

    said, access = settings.forge, settings.repository.access
    url = said.url or api_of(said.kind, host_of(settings.repository.url))
    if not url:
        raise Unusable(f"forge.url is missing: {settings.repository.url} does not say where the API of the forge is")
    certificates = said.certificates or access.certificates
    if certificates is not None:
        certificates = _file(certificates, "forge.certificates")
    return Server(url, said.proxies or access.proxies, certificates)


def api_of(kind: str, host: str) -> str:
    """Where a kind of forge has its API on a host; "" for no host."""
    if not host:
        return ""
    if kind == "github":
        return "https://api.github.com" if host in {"github.com", "ssh.github.com"} else f"https://{host}/api/v3"
    if kind == "gitlab":
        return f"https://{'gitlab.com' if host == 'altssh.gitlab.com' else host}/api/v4"
    return f"https://{host}/api/v1" if kind == "gitea" else ""


def host_of(url: str) -> str:
    """The host of a repository, with its port where it is not the usual one of https; "" for one on this machine.

    Raises:
        Unusable: the address is not allowed.
    """
    followed = remote.parse(url)
    if followed.protocol == "file":
        return ""
    if "://" not in followed.url:
        return followed.url.partition(":")[0].rpartition("@")[2].lower()
    parts = urlsplit(followed.url)
    port = f":{parts.port}" if followed.protocol == "https" and parts.port not in {None, 443} else ""
    return f"{parts.hostname or ''}{port}"


def repository_of(settings: DaemonSettings) -> str:
    """The full name of the repository.

    Raises:
        Unusable: nobody said it.
    """
    name = settings.forge.repository or full_name(settings.repository.url)
    if name.count("/") < 1:
        raise Unusable("forge.repository is missing: the repository's full name on its forge, such as team/models")
    if not is_full_name(name):
        # It becomes part of addresses: `..` would lead to another endpoint of the API.
        raise Unusable("forge.repository is missing: the repository's URL does not say its name, such as team/models")
    if settings.forge.kind in _OF_TWO and name.count("/") != 1:
        raise Unusable(f"forge.repository must be OWNER/NAME on {_OF_TWO[settings.forge.kind]}, not {name}")
    return name


def token_of(settings: DaemonSettings) -> Callable[[], str]:
    """What reads the token.

    Raises:
        Unusable: nobody said where it is, or it is not there.
    """
    from reconciler.forges.http.credentials import token_in_file, token_in_variable  # noqa: PLC0415

    said, variables = settings.forge, environment()
    if said.token_variable:
        _named(variables, said.token_variable)
        return token_in_variable(variables, said.token_variable, "forge.tokenVariable")
    setting = "forge.tokenFile" if said.token_file else "repository.access.tokenFile"
    path = said.token_file or _of_repository(settings, said)
    if path is None:
        hint = f"write forge.tokenFile or forge.tokenVariable; docs/{said.kind}.md has how to make a token"
        raise Unusable(f"nothing opens the API of the forge: {hint}")
    return token_in_file(_secret_file(path, setting), setting)


def _of_repository(settings: DaemonSettings, said: ForgeSettings) -> Path | None:
    """The token of the repository: only where the API is on its host, as it goes nowhere else."""
    own = api_of(said.kind, host_of(settings.repository.url))
    return settings.repository.access.token_file if said.url in {None, own} else None


def _named(variables: Mapping[str, str], name: str) -> None:
    if not variables.get(name, "").strip():
        raise Unusable(f"forge.tokenVariable: the daemon has no variable {name}")


def _secret_file(path: Path, setting: str) -> Path:
    path = _file(path, setting)
    if path.stat().st_mode & 0o007:
        raise Unusable(f"{setting} {path} can be read by others: chmod 600 {path}")
    return path


def _file(path: Path, setting: str) -> Path:
    path = path.expanduser().absolute()
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise Unusable(f"cannot read {setting} {path}: {error.strerror}") from None
    return path
