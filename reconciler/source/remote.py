"""Addresses of repositories: which are allowed, and how they are reached.

An address is data from a configuration file: everything that git could read as an option, a command or a credential
is refused here, before any process sees it. This module must never look at a repository.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from typing import Protocol as Port
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.errors import Unusable

__all__ = ["ANONYMOUS", "Access", "Origin", "Protocol", "Remote", "Tokens", "parse"]

Protocol = Literal["file", "https", "http", "ssh"]

_SCP = re.compile(r"(?:(?P<user>[^/@:]+)@)?(?P<host>[^/@:]+):(?P<path>.+)")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:.]+\]")
_PROXY_NAMES = frozenset({"https_proxy", "http_proxy", "no_proxy", "all_proxy"})
_LONGEST = 2000
"""Letters of an address that is no path."""
_NO_HOSTS = frozenset({"http", "https", "ssh", "file", "ftp", "ftps", "sftp", "javascript", "data"})
"""What stands before the colon of an address whose slashes were forgotten: ssh would take it for a host."""
_CREDENTIALS = "the address of a repository must not hold credentials: set them beside it"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository is. Holds no credential, so it may be shown anywhere.

    Attributes:
        url: what git is given: an absolute path, or an https, http or ssh address.
        protocol: the only protocol that git may use for it.
        path: the folder of a local repository; None otherwise.
    """

    url: str
    protocol: Protocol
    path: Path | None = None

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last path segment without `.git`: the project's name where nothing else says it."""
        segments = [part for part in re.split(r"[/:]", self.url) if part and part != ".git"]
        return segments[-1].removesuffix(".git") if segments else ""


class Tokens(Port):
    """Passwords that end after a while, and are had anew from the event loop."""

    async def secret(self, *, renewed: bool = False) -> str:
        """The token of now.

        Args:
            renewed: the remote did not take the one of before.

        Raises:
            Refused: there is none, and a person must see to it.
            Transient: it cannot be had now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a remote.

    Attributes:
        username: for https.
        secret: gives the https password or token of now; it reaches git by a pipe only.
        tokens: gives one that ends, instead: it is had just before a git that speaks to the remote, and for that alone.
        ssh_key: private key file.
        known_hosts: host keys that are trusted; an unknown host is refused.
        proxies: `https_proxy`, `no_proxy` and their like.
        certificates: file of certificate authorities.
    """

    username: str = ""
    secret: Callable[[], str] | None = field(default=None, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    certificates: Path | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.proxies) - _PROXY_NAMES):
            raise Unusable(f"unknown proxy setting {unknown[0]}: use one of {', '.join(sorted(_PROXY_NAMES))}")
        if any(ord(letter) < 32 for letter in self.username):
            raise Unusable("the username of a remote holds a control character")


ANONYMOUS = Access()


@dataclass(frozen=True, slots=True)
class Origin:
    """What a source follows.

    Attributes:
        remote: the repository.
        branch: a branch name without `refs/heads/`; None for whatever the remote's HEAD names.
        access: what opens it.
    """

    remote: Remote
    branch: str | None = None
    access: Access = ANONYMOUS


def parse(text: str) -> Remote:
    """The remote at `text`: a path, a `file://`, `https://` or `ssh://` address, or `user@host:path`.

    Plain `http://` is taken for loopback only. A relative path counts from the current folder.

    Raises:
        Unusable: the address is not allowed; the message repeats no credential.
    """
    if not text or text.startswith("-") or any(ord(letter) < 32 or letter == "\x7f" for letter in text):
        raise Unusable("the address of a repository is a path, or starts with https://, ssh:// or file://")
    if re.match(r"[A-Za-z0-9+.-]*::", text):
        raise Unusable(f"remote helpers such as {text.partition('::')[0]}:: are not allowed: use https, ssh or a path")
    if "://" in text:
        return _from_url(text)
    if found := _SCP.fullmatch(text):
        return _from_scp(text, found)
    if text.startswith("//") and "@" in text:
        raise Unusable(_CREDENTIALS)
    return _local(Path(text))


def _from_url(text: str) -> Remote:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Not as its cause, which may repeat a password.
        raise Unusable("the address of the repository is not a valid URL") from None
    if parts.password is not None or (parts.username and parts.scheme != "ssh"):
        raise Unusable(_CREDENTIALS)
    _check_letters(text)
    if port == 0 or (" " in text and parts.scheme != "file"):
        raise Unusable("the address of the repository is not a valid URL")
    if parts.query or parts.fragment:
        raise Unusable(f"the address of a repository has no query or fragment: {parts.scheme}://{parts.netloc}")
    match parts.scheme:
        case "file":
            return _from_file(parts)
        case "https" | "ssh":
            _check_host(parts.username, parts.hostname)
            return Remote(text, "https" if parts.scheme == "https" else "ssh")
        case "http" if _is_loopback(parts.hostname):
            return Remote(text, "http")
        case "http":
            raise Unusable(f"plain http is for loopback only: use https://{parts.hostname or ''}")
        case other:
            raise Unusable(f"the protocol {other[:20]} is not allowed: use https, ssh or a path")


def _from_file(parts: SplitResult) -> Remote:
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise Unusable("a file:// address is file:// and an absolute path")
    return _local(Path(path))


def _from_scp(text: str, found: re.Match[str]) -> Remote:
    _check_letters(text)
    if not found["user"] and found["host"].lower() in _NO_HOSTS:
        host = found["host"].lower()
        raise Unusable(f"{host}: is no host: the address of a repository has two slashes after it, or is a path")
    if not found["user"] and "@" in found["path"].partition("/")[0]:
        raise Unusable(_CREDENTIALS)
    _check_host(found["user"], found["host"])
    if found["path"].startswith("-"):
        raise Unusable("the path of an ssh address must not start with a dash")
    return Remote(text, "ssh")


def _local(path: Path) -> Remote:
    absolute = path.absolute()
    return Remote(str(absolute), "file", absolute)


def _check_letters(text: str) -> None:
    """An address is shown in logs, on pages and to forges: nothing in it may hide or turn round what is beside it."""
    if len(text) > _LONGEST:
        raise Unusable(f"the address of a repository has more than {_LONGEST:,} letters")
    if not text.isprintable():
        raise Unusable("the address of a repository has a letter that cannot be seen")


def _check_host(user: str | None, host: str | None) -> None:
    if user is not None and not _USER.fullmatch(user):
        raise Unusable("the user of an ssh address holds letters, digits, dots, dashes and underscores only")
    if not host or not (_HOST.fullmatch(host) or _HOST.fullmatch(f"[{host}]")):
        raise Unusable("the address of the repository has no valid host")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
