"""What the configuration says of webhooks: whose secrets count, and which repository they must be about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from reconciler.errors import Unusable
from reconciler.ports import Clock
from reconciler.settings import DaemonSettings, environment
from reconciler.source import remote
from reconciler.webhooks.secrets import Secrets
from reconciler.webhooks.signatures import Secret

__all__ = ["Door", "door_of", "full_name"]

_AFTER_HOST = re.compile(r"[^/:]+:(.+)")


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in.

    Attributes:
        repository: full name of the repository that is followed; forges do not tell upper from lower case in it.
        secrets: those that count now.
        clock: which signed times are held against.
    """

    repository: str
    secrets: Callable[[], tuple[Secret, ...]]
    clock: Clock


def door_of(settings: DaemonSettings, clock: Clock) -> Door:
    """Who is let in by `settings`, which have a section `webhooks`.

    Raises:
        Unusable: a secret cannot be used, or nothing says what the repository is called on its forge.
    """
    said = settings.webhooks
    assert said is not None, "asked where there are webhooks only"
    name = said.repository or settings.forge.repository or full_name(settings.repository.url)
    if not name:
        raise Unusable(
            f"webhooks.repository is not set: {settings.repository.url} does not say what the repository is called on "
            "its forge; set it, such as team/models"
        )
    return Door(name, Secrets(said.secrets, environment()).now, clock)


def full_name(url: str) -> str:
    """What a repository is called on its forge, by its address: `team/models`; "" for one on this machine.

    Raises:
        Unusable: the address is not allowed.
    """
    followed = remote.parse(url)
    if followed.protocol == "file":
        return ""
    if "://" in followed.url:
        path = unquote(urlsplit(followed.url).path)
    else:
        found = _AFTER_HOST.fullmatch(followed.url)
        path = found[1] if found else ""
    return path.strip("/").removesuffix(".git")
