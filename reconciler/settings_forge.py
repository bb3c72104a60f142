"""Where commits say how it went: part of the configuration. Names secrets and never holds one; opens nothing.

`forge: notes` is short for `forge: {kind: notes}`. A forge with an API takes what is left out from the repository: its
address, its name there, and what opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Count, Section, Whole
from planner.spec.words import short

__all__ = ["APIS", "ForgeSetting", "ForgeSettings", "FullName", "GitHubApp", "is_full_name"]

APIS = ("github", "gitlab", "gitea")
"""Kinds of forges that have an API."""
_PLAIN = ("notes", "none")
_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?)(:[0-9]+)?")
_LONGEST = 2000
_OF_APIS = ("url", "repository", "tokenFile", "tokenVariable", "app", "certificates", "proxies", "writes")
_PROXIES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


def _url(value: str) -> str:
    """The address of an API without a slash at its end."""
    text, hint = value.rstrip("/"), "such as https://github.example.org/api/v3"
    try:
        parts = urlsplit(text)
        host, port = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:
        raise fault("PL-204", "{field} must be an https or http URL", hint) from None
    if "@" in parts.netloc:
        raise fault("PL-204", "{field} must hold no name or password", "name what holds the token in tokenFile")
    if parts.scheme not in {"https", "http"} or not parts.hostname or "?" in text or "#" in text:
        raise fault("PL-204", "{field} must be an https or http URL", hint)
    if not re.fullmatch(r"[\x21-\x7e]+", text) or "\\" in text:
        raise fault("PL-204", "{field} must be a URL of plain letters", hint)
    if not _HOST.fullmatch(host) or port == 0 or len(text) > _LONGEST:
        raise fault("PL-204", "{field} must be an https or http URL", hint)
    return text


def is_full_name(value: str) -> bool:
    """Whether it can be what a repository is called on its forge, such as `team/models`."""
    return bool(_FULL_NAME.fullmatch(value)) and all(part.strip(".") for part in value.split("/"))


def _full_name(value: str) -> str:
    if not is_full_name(value):
        raise fault("PL-204", "{field} must be the repository's full name on its forge", "such as team/models")
    return value


FullName = Annotated[str, AfterValidator(_full_name)]
"""What a repository is called on its forge; the one rule for it, as it becomes part of addresses."""


def _proxies(value: dict[str, str]) -> dict[str, str]:
    unknown = sorted(set(value) - set(_PROXIES))
    if unknown:
        raise fault("PL-204", f"`{short(unknown[0])}` is no proxy setting", f"one of {', '.join(_PROXIES)}")
    return value


class GitHubApp(Section):
    """An App of GitHub, which is installed where the repository is."""

    id: Count
    """Its number, on its settings page as "App ID"."""
    key_file: Path
    """File of its private key, in PEM form; read anew at every use."""
    installation: Count | None = None
    """Number of the installation; asked for when left out."""


class Writes(Section):
    """How fast the forge is written to, statuses and comments together: less where others use the same token."""

    minute: Count | None = None
    """Writes in any minute; what the kind of forge takes when left out."""
    hour: Count | None = None
    """Writes in any hour."""
    operations: Whole = 50
    """Operations that a commit may change for each to have a status of its own; beyond, the aggregate speaks."""


class ForgeSettings(Section):
    """Where commits say how it went."""

    kind: Literal["notes", "none", "github", "gitlab", "gitea"]
    """`notes` of the repository itself, nowhere, or a forge with an API; `gitea` is Forgejo too."""
    url: Annotated[str, AfterValidator(_url)] | None = None
    """Address of the API; that of the repository's host when left out."""
    repository: FullName | None = None
    """Full name of the repository; what its URL says when left out."""
    token_file: Path | None = None
    """File that holds the token; read anew at every use. `repository.access.tokenFile` when nothing opens the API."""
    token_variable: str | None = None
    """Variable of the daemon's environment that holds it."""
    app: GitHubApp | None = None
    """The App that speaks, instead of a token."""
    certificates: Path | None = None
    """File of the certificate authorities that are trusted; `repository.access.certificates` when left out."""
    proxies: Annotated[dict[str, str], AfterValidator(_proxies)] = Field(default_factory=dict)
    """`https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`; those of `repository.access` when left out."""
    writes: Writes = Writes()

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """One credential, and nothing where there is no API."""
        kind = said["kind"]
        if kind in _PLAIN and (given := said.given(*_OF_APIS)):
            message = f"a forge of `kind: {kind}` has no settings"
            yield ("kind", given[0]), fault("PL-209", message, f"remove `{given[0]}`", (given[0],))
        elif kind in APIS and kind != "github" and said.given("app"):
            message = f"an `app` is GitHub's: `kind: {kind}` is opened by a token"
            yield ("kind", "app"), fault("PL-209", message, "write `tokenFile` or `tokenVariable`", ("app",))
        given = said.given("tokenFile", "tokenVariable", "app")
        if len(given) > 1:
            message = "a forge is opened by a `tokenFile`, a `tokenVariable` or an `app`"
            yield tuple(given), fault("PL-209", message, f"keep one of them: remove `{given[1]}`", (given[1],))


def _spelled(value: Any) -> Any:
    """The short form written out."""
    if not isinstance(value, str):
        return value
    if value in _PLAIN:
        return {"kind": value}
    if value in APIS:
        raise fault("PL-204", f"`{value}` is a forge with an API, which needs settings", f"such as {{kind: {value}}}")
    kinds = ", ".join((*(f"`{kind}`" for kind in _PLAIN), *(f"`{{kind: {kind}}}`" for kind in APIS)))
    raise fault("PL-204", f"{{field}} cannot be `{short(value)}`", f"one of {kinds}")


ForgeSetting = Annotated[ForgeSettings, BeforeValidator(_spelled)]
"""The settings of a forge, or the name of one that has none."""
