"""Settings of what is read from elsewhere: how a repository is opened, hubs of components, hosts of `urlRef`.

Part of `reconciler.settings`, which reads the file. Nothing here opens or checks what it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from planner.spec.clashes import Clash, Said, beside, fault
from planner.spec.shape import Name, Section
from planner.spec.words import short

__all__ = ["PACKAGED", "Address", "Hosts", "Hub", "HubRepository", "Hubs", "RemoteAccess"]

PACKAGED = "plumbline"
"""Name of the hub that ships with the package."""


def _url(value: str) -> str:
    if value.startswith("-") or re.search(r"[\x00-\x1f]", value) or not value:
        raise ValueError("must be a path or a file, https or ssh URL")
    return value


Address = Annotated[str, AfterValidator(_url)]
"""The address of a repository."""


class RemoteAccess(Section):
    """What opens a repository that is not on this machine. Names files: no secret stands in the configuration."""

    username: str = ""
    """For https; forges that go by the token alone take any."""
    token_file: Path | None = None
    """For https: file that holds the password or token; read anew at every use, so that it may be changed any time."""
    certificates: Path | None = None
    """For https: file of the certificate authorities that are trusted, instead of the system's."""
    proxies: dict[str, str] = Field(default_factory=dict)
    """For https: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`."""
    ssh_key: Path | None = None
    """For ssh: private key file."""
    known_hosts: Path | None = None
    """For ssh: file of the host keys that are trusted; a host that is not in it is refused."""


class HubRepository(Section):
    """A git repository of components."""

    url: Address
    """Path, file://, https:// or ssh:// URL, or user@host:path."""
    branch: str | None = None
    """Branch that components are read from; the remote's HEAD when left out."""
    tag: str | None = None
    """Tag that components are read from, instead of a branch."""
    access: RemoteAccess = RemoteAccess()

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A branch or a tag."""
        if len(said.given("branch", "tag")) > 1:
            message = "a hub is read at a `branch` or at a `tag`"
            yield ("branch", "tag"), fault("PL-209", message, "keep one of them", ("tag",))


class Hub(Section):
    """Where components come from that a spec names by `hubRef`."""

    name: Name
    """What `hubRef: NAME/COMPONENT` calls it."""
    path: Path | None = None
    """Folder of components."""
    repository: HubRepository | None = None
    """Git repository of components."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A folder or a repository."""
        given = said.given("path", "repository")
        if len(given) != 1:
            message = "a hub is a `path` or a `repository`"
            yield ("path", "repository"), fault("PL-209", message, "name one of them", tuple(given[1:]))


def _twice(hubs: Any) -> Iterator[Clash]:
    names = [hub.get("name") if isinstance(hub, dict) else None for hub in (hubs if isinstance(hubs, list) else ())]
    for index, name in enumerate(names):
        if name == PACKAGED or (isinstance(name, str) and name in names[:index]):
            message = f"there is a hub named `{short(name)}` already"
            yield (str(index),), fault("PL-211", message, "rename this one", (index, "name"))


Hubs = Annotated[tuple[Hub, ...], beside(_twice)]
"""Hubs in the order in which they are asked; each name once."""

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def _host(value: str) -> str:
    name, colon, port = value.lower().removeprefix("http://").partition(":")
    fits = all(_LABEL.fullmatch(label) for label in name.split("."))
    if not fits or (colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536)):
        hint = "such as components.example.org, or http://10.0.0.1:8080 where it has no TLS"
        raise fault("PL-204", "{field} must be a host, or host:port", hint)
    return value.lower()


Hosts = tuple[Annotated[str, AfterValidator(_host)], ...]
"""Hosts that `urlRef` may lead to; one without a port means the usual one."""
