"""The API of the forge of the configuration: where it is, what the repository is called there, and what opens it.

What `forge` leaves out is what `repository` says. Says at the start what cannot work. Asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.errors import Unusable
from reconciler.ports import Clock
from reconciler.settings import DaemonSettings, environment
from reconciler.settings_forge import ForgeSettings, GitHubApp, is_full_name
from reconciler.source import remote
from reconciler.webhooks.door import full_name

if TYPE_CHECKING:
    from reconciler.forges.github.app import AppCredential
    from reconciler.forges.http.server import Server

__all__ = ["api_of", "app_of", "check_app", "host_of", "repository_of", "server_of", "token_of"]

_OF_TWO = {"github": "GitHub", "gitea": "Gitea"}
"""Forges whose repositories have an owner and nothing above; GitLab has groups in groups."""


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


def check_app(said: GitHubApp) -> Callable[[], str]:
    """What reads the key of an App.

    Raises:
        Unusable: it is not there, others can read it, or what signs is not installed.
    """
    from reconciler.forges.github.signing import check_cryptography  # noqa: PLC0415
    from reconciler.forges.http.credentials import token_in_file  # noqa: PLC0415

    check_cryptography()
    return token_in_file(_secret_file(said.key_file, "forge.app.keyFile"), "forge.app.keyFile")


def app_of(settings: DaemonSettings, clock: Clock, permissions: Mapping[str, str] | None = None) -> AppCredential:
    """Tokens of the App of the settings, for its API; whoever has it lets go of its connections.

    Args:
        settings: they name an App.
        clock: tells when a token ends.
        permissions: what the tokens may, by GitHub's names; all that the installation may where left out.

    Raises:
        Unusable: see `check_app`, `server_of` and `repository_of`.
    """
    from reconciler.forges.github.app import AppCredential, Installed, Signer  # noqa: PLC0415
    from reconciler.forges.github.manner import manner  # noqa: PLC0415
    from reconciler.forges.http.client import Client  # noqa: PLC0415
    from reconciler.forges.http.pacing import Pace  # noqa: PLC0415

    said = settings.forge.app
    assert said is not None, "asked where there is an App only"
    installed = Installed(said.id, repository_of(settings), said.installation, check_app(said), permissions or {})
    asking = Client(server_of(settings), manner(Pace(0.0, 0, 0)), Signer(installed, clock), clock)
    return AppCredential(asking, installed, clock)


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
