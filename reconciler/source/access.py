"""What opens a remote, from the configuration: files that are checked once at the start, and never copied.

Says in one sentence what is wrong with them, before git would say it in many. Never keeps a secret: a token is read at
every use.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from reconciler.errors import Transient, Unusable
from reconciler.settings import RemoteAccess
from reconciler.source.remote import ANONYMOUS, Access, Remote

__all__ = ["access_to"]

_OF_HTTPS = ("username", "token_file", "certificates", "proxies")
_OF_SSH = ("ssh_key", "known_hosts")
_CLOSED = {"token_file": 0o007, "ssh_key": 0o077}
"""Rights that others must not have; ssh itself refuses a key of ours that its group may read."""


def access_to(remote: Remote, asked: RemoteAccess) -> Access:
    """What opens `remote`, as the section `repository.access` asks.

    Raises:
        Unusable: a setting is of another protocol, is missing, or names a file that cannot serve.
    """
    _check_protocol(remote, asked)
    if remote.protocol == "file":
        return ANONYMOUS
    named = {name: getattr(asked, name) for name in (*_OF_HTTPS, *_OF_SSH)}
    files = {name: _file(name, path) for name, path in named.items() if isinstance(path, Path)}
    token = files.get("token_file")
    return Access(
        username=asked.username,
        secret=_reader(token) if token else None,
        ssh_key=files.get("ssh_key"),
        known_hosts=files.get("known_hosts"),
        proxies=asked.proxies,
        certificates=files.get("certificates"),
    )


def _check_protocol(remote: Remote, asked: RemoteAccess) -> None:
    wrong = {"ssh": _OF_HTTPS, "https": _OF_SSH, "http": _OF_SSH, "file": (*_OF_HTTPS, *_OF_SSH)}[remote.protocol]
    for name in wrong:
        if getattr(asked, name):
            place = "one on this machine" if remote.protocol == "file" else f"an {remote.protocol} remote"
            raise Unusable(f"{_setting(name)} does not belong to {place}: {remote}; leave it out")
    if asked.username and asked.token_file is None:
        raise Unusable("repository.access.username has no repository.access.tokenFile: git would have to ask somebody")
    if remote.protocol == "ssh":
        for name in _OF_SSH:
            if getattr(asked, name) is None:
                why = "the daemon uses no agent and no ssh settings of yours"
                raise Unusable(f"an ssh remote needs {_setting(name)}: {why}")


def _file(name: str, path: Path) -> Path:
    path = path.expanduser().absolute()
    try:
        with path.open("rb"):
            facts = path.stat()
    except OSError as error:
        raise Unusable(f"cannot read {_setting(name)} {path}: {error.strerror}") from None
    closed = _CLOSED.get(name, 0)
    # A secret that is mounted into a pod is root's, and ours by its group: ssh takes it, as it is not the owner's.
    if facts.st_mode & (closed if facts.st_uid == os.geteuid() else closed & 0o007):
        raise Unusable(f"{_setting(name)} {path} can be read by others: chmod 600 {path}")
    return path


def _reader(path: Path) -> Callable[[], str]:
    def read() -> str:
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise Transient(f"cannot read {_setting('token_file')} {path}: {why}") from None

    return read


def _setting(name: str) -> str:
    first, *rest = name.split("_")
    return f"repository.access.{first}{''.join(word.capitalize() for word in rest)}"
