"""This machine: whether a daemon runs, its folders, the room on the disk, and the addresses that it listens on."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from anyio import to_thread

from reconciler.errors import Unusable
from reconciler.ports_checked import Finding, Grade
from reconciler.servers import SOCKET, tcp_socket
from reconciler.settings import DaemonSettings

__all__ = ["daemon", "disk", "is_running", "listeners", "state"]

_MEBIBYTE = 1 << 20
_LITTLE, _NONE = 1024, 100
"""Mebibytes of room below which there is a warning, and a problem."""
_FEW_FILES = 1_000


async def daemon(settings: DaemonSettings) -> Sequence[Finding]:
    """Whether one runs in the state folder. Either is fine: it only says what could be looked at."""
    if is_running(settings):
        said = f"one runs in {settings.state_folder}; what it holds was left alone"
        return [Finding("daemon", Grade.OK, said)]
    return [Finding("daemon", Grade.OK, f"none runs in {settings.state_folder}")]


def is_running(settings: DaemonSettings) -> bool:
    """Whether somebody answers on the socket of the state folder."""
    try:
        folder = os.open(settings.state_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5.0)
            # Through /proc, as a socket's path may have 107 characters only.
            return probe.connect_ex(f"/proc/self/fd/{folder}/{SOCKET}") == 0
    finally:
        os.close(folder)


async def state(settings: DaemonSettings) -> Sequence[Finding]:
    """The state folder, and that of the runs."""
    found = list(await to_thread.run_sync(lambda: list(_folder("state folder", settings.state_folder))))
    if settings.backend != "kubernetes":
        found += await to_thread.run_sync(lambda: list(_folder("runs folder", settings.runs_folder, private=False)))
    return found


def _folder(what: str, folder: Path, *, private: bool = True) -> Iterator[Finding]:
    near = _nearest(folder)
    if folder.exists() and not folder.is_dir():
        yield Finding(what, Grade.PROBLEM, f"{folder} is no folder", "name another one, or move that away")
        return
    if trouble := _unwritable(near):
        advice = "run this as the user of the daemon; if it is that one, give the folder to it"
        yield Finding(what, Grade.PROBLEM, f"{near} cannot be written: {trouble}", advice)
        return
    facts = near.stat()
    if near == folder and os.geteuid() == 0 and facts.st_uid != 0:
        said = f"{folder} belongs to {_name(facts.st_uid)}, and this was checked as root"
        yield Finding(what, Grade.WARNING, said, f"check again as {_name(facts.st_uid)}, if the daemon runs as that")
    elif near == folder and private and facts.st_mode & 0o077:
        yield Finding(what, Grade.WARNING, f"others can enter {folder}", f"chmod 700 {folder}; the daemon does it too")
    else:
        made = "" if near == folder else ", and is made at the start"
        yield Finding(what, Grade.OK, f"{folder} can be written{made}")


def _nearest(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there, or "". Tried, as rights say nothing of disks that are full or read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


async def disk(settings: DaemonSettings) -> Sequence[Finding]:
    """The room where state and runs are."""
    folders = [settings.state_folder] + ([settings.runs_folder] if settings.backend != "kubernetes" else [])
    seen: dict[int, Finding] = {}
    for folder in folders:
        near = _nearest(folder)
        seen.setdefault(near.stat().st_dev, _room(near))
    return list(seen.values())


def _room(folder: Path) -> Finding:
    facts = os.statvfs(folder)
    left = facts.f_bavail * facts.f_frsize // _MEBIBYTE
    said = f"{left:,} MiB left at {folder}"
    if facts.f_files and facts.f_favail < _FEW_FILES:
        return Finding("disk", Grade.PROBLEM, f"{facts.f_favail} files more fit on the disk of {folder}", _MAKE_ROOM)
    if left < _NONE:
        return Finding("disk", Grade.PROBLEM, said, _MAKE_ROOM)
    if left < _LITTLE:
        return Finding("disk", Grade.WARNING, said, _MAKE_ROOM)
    return Finding("disk", Grade.OK, said)


_MAKE_ROOM = "make room: while the disk is full nothing new is recorded or started; docs/daemon.md has retention"


async def listeners(settings: DaemonSettings) -> Sequence[Finding]:
    """Whether the addresses can be listened on; not while a daemon runs, which has them."""
    wanted = list(_addresses(settings))
    if not wanted or is_running(settings):
        return []
    return [_listening(setting, address) for setting, address in wanted]


def _addresses(settings: DaemonSettings) -> Iterator[tuple[str, str]]:
    agent, hooks = settings.backends.kubernetes.agent, settings.webhooks
    named = {
        "api.health": settings.api.health,
        "api.events": settings.api.events,
        "webhooks.listen": hooks.listen if hooks is not None else None,
        "pages.listen": settings.pages.listen,
        "backends.kubernetes.agent.listen": agent.listen if agent is not None else None,
    }
    yield from ((setting, address) for setting, address in named.items() if address)


def _listening(setting: str, address: str) -> Finding:
    try:
        with contextlib.closing(tcp_socket(address, setting)):
            return Finding("listeners", Grade.OK, f"{address} is free ({setting})")
    except Unusable as error:
        return Finding("listeners", Grade.PROBLEM, error.message, "name another port, or end what has it")
