"""What a git process of ours finds around it: an environment from empty, one configuration file, an empty home.

Nothing of the daemon's environment, of the system's or of the user's configuration reaches git, except where the
programs are. Runs no process.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import Unusable
from reconciler.source.remote import Access, Remote

__all__ = ["find", "lay"]


def lay(folder: Path, remote: Remote, access: Access) -> Mapping[str, str]:
    """Write the private folder of a remote, and give the environment of every git process for it.

    Raises:
        OSError: the folder cannot be written.
        Unusable: a program is missing.
    """
    (folder / "home").mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / "gitconfig", _configuration(remote, access), 0o600)
    _write(folder / "askpass", '#!/bin/sh\nexec cat "/dev/fd/$PLUMBLINE_SECRET"\n', 0o700)
    return _environment(folder, remote, access)


@functools.cache
def find(program: str) -> str:
    """Where a program is.

    Raises:
        Unusable: it is not on PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise Unusable(f"{program} was not found: install it and put it on PATH")
    return found


def _search_path() -> str:
    """Where git finds its own helpers: the folders of the programs we found, then the system's."""
    found = (shutil.which(program) for program in ("git", "ssh", "sh"))
    folders = [str(Path(program).parent) for program in found if program]
    return ":".join(dict.fromkeys([*folders, "/usr/local/bin", "/usr/bin", "/bin"]))


def _environment(folder: Path, remote: Remote, access: Access) -> Mapping[str, str]:
    certificates = {"GIT_SSL_CAINFO": str(access.certificates)} if access.certificates else {}
    return {
        "PATH": _search_path(),
        "HOME": str(folder / "home"),
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": str(folder / "askpass") if access.secret or access.tokens else "/bin/false",
        "GIT_ALLOW_PROTOCOL": remote.protocol if remote.protocol == "file" else f"file:{remote.protocol}",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_SSH_COMMAND": _ssh(access),
        "GIT_SSH_VARIANT": "ssh",
        "GIT_DEFAULT_REF_FORMAT": "files",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        **certificates,
        **access.proxies,
    }


def _ssh(access: Access) -> str:
    words = ["ssh", "-F", "/dev/null", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oIdentityAgent=none"]
    words += ["-oIdentitiesOnly=yes", "-oForwardAgent=no", "-oConnectTimeout=15", "-oServerAliveInterval=15"]
    words += [f"-oUserKnownHostsFile={access.known_hosts or '/dev/null'}", "-oGlobalKnownHostsFile=/dev/null"]
    if access.ssh_key:
        words += ["-i", str(access.ssh_key)]
    return shlex.join(words)


def _configuration(remote: Remote, access: Access) -> str:
    """Our configuration file. It is a file, since git drops other forms before it starts the other end of a fetch."""
    username = _quoted(access.username)
    return f"""\
[core]
	hooksPath = /dev/null
	fsmonitor = false
	packedRefsTimeout = 2000
	filesRefLockTimeout = 500
[protocol]
	allow = never
[protocol "file"]
	allow = always
[protocol "{remote.protocol}"]
	allow = always
[transfer]
	fsckObjects = true
[fetch]
	recurseSubmodules = no
[fetch "fsck"]
	zeroPaddedFilemode = warn
	badTimezone = warn
	missingSpaceBeforeDate = warn
[http]
	followRedirects = false
	lowSpeedLimit = 500
	lowSpeedTime = 60
[credential]
	helper =
	username = {username}
[push]
	recurseSubmodules = no
	gpgSign = false
[submodule]
	recurse = false
[safe]
	directory = *
[gc]
	auto = 0
[maintenance]
	auto = false
[init]
	templateDir =
"""


def _quoted(text: str) -> str:
    """`text` as a quoted value of a git configuration file."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(file: Path, text: str, mode: int) -> None:
    """Put `text` in `file` by rename, so that no process reads half of it."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as stream:
        stream.write(text)
    scratch.replace(file)
