"""The leash: the only module that runs git or imports GitPython.

GitPython has a row of option-injection flaws, and git itself reads configuration, hooks and credentials from many
places. So every git process of ours starts here, as an argument list, with an environment built from empty, our own
configuration file and no other, no hooks, no prompts, one allowed protocol, a deadline, and bounded output. Callers
put `--` before every operand that is not a constant; object ids and ref names are checked before they come here.
This module knows no repository layout and decides nothing about what git says.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from reconciler.errors import Transient, Unusable
from reconciler.source import surroundings
from reconciler.source.remote import Access, Remote
from reconciler.source.talk import Job, LateError, Said, converse, dispose, signal_group

try:
    from git.cmd import Git
    from git.exc import GitCommandNotFound
except ImportError as error:
    raise Unusable("git was not found: install git 2.38 or later and put it on PATH") from error

__all__ = ["Job", "LateError", "Leash", "Said", "dispose", "in_thread", "leash", "signal_group"]

OLDEST = (2, 38)
"""The first git with `merge-tree --write-tree` and `cat-file --batch-command`."""

# A repository's own configuration outranks our file, so what must hold there too is said on the command line.
_FORCED = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false")
_OPTIONS = ("--no-pager", *(word for setting in _FORCED for word in ("-c", setting)))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Leash:
    """Runs git for one remote, with one private folder for its configuration.

    Attributes:
        folder: private folder: configuration, an empty home, the script that hands over a secret.
        access: what opens the remote.
        environment: the whole environment of every process, as `NAME=value`.
        options: options before git's command.
        held: a descriptor that every process keeps open as long as it lives (`hold.take`).
    """

    folder: Path
    access: Access
    environment: tuple[str, ...]
    options: tuple[str, ...]
    held: int | None = None

    def run(self, args: Sequence[str], deadline: float, *, stdin: bytes = b"", job: Job | None = None) -> Said:
        """Run git with `args` and wait for its end; blocking.

        Args:
            args: git's arguments.
            deadline: seconds until the process group is ended.
            stdin: written to it, whole.
            job: a handle to end it from elsewhere.

        Raises:
            LateError: the deadline passed, or the job was ended.
        """
        job = job or Job()
        reader, passed = self._hand_over()
        try:
            process = self.start(args, pass_fds=passed)
        finally:
            if reader is not None:
                os.close(reader)
        job.process = process
        return converse(process, stdin, time.monotonic() + deadline, job)

    def start(self, args: Sequence[str], *, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start git with `args` and pipes on all three streams, in a process group of its own.

        Raises:
            Transient: the system starts no process now.
        """
        secret = [f"PLUMBLINE_SECRET={pass_fds[0]}"] if pass_fds else []
        kept = pass_fds if self.held is None else (*pass_fds, self.held)
        # GitPython adds to the daemon's environment; `env -i` is how a child of it starts from an empty one.
        surrounded = [surroundings.find("env"), "-i", *self.environment, *secret]
        command = [*surrounded, surroundings.find("git"), *self.options, *args]
        try:
            started = Git(str(self.folder)).execute(
                command, istream=subprocess.PIPE, as_process=True, start_new_session=True, pass_fds=kept
            )
        except (OSError, GitCommandNotFound) as error:
            raise Transient(
                f"git cannot be started: {getattr(error, 'strerror', None) or 'it was not found'}"
            ) from error
        process: subprocess.Popen[bytes] | None = started.proc
        started.proc = None  # its finalizer would end the process under our hands
        assert process is not None
        return process

    async def call(self, args: Sequence[str], deadline: float, *, stdin: bytes = b"") -> Said:
        """Run git with `args` in a thread; when the caller is cancelled, the process is ended.

        Raises:
            Transient: it took longer than `deadline` seconds.
        """
        job = Job()
        try:
            return await in_thread(lambda: self.run(args, deadline, stdin=stdin, job=job), job.end)
        except LateError as error:
            raise Transient(f"git {args_name(args)} did not end within {deadline:g} seconds") from error

    def _hand_over(self) -> tuple[int | None, tuple[int, ...]]:
        """A pipe that holds the secret, for the one process that asks: never in arguments, environment or a file."""
        if self.access.secret is None:
            return None, ()
        secret = self.access.secret().encode()[: 32 << 10]
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(secret)
        return reader, (reader,)

    def redact(self, text: str) -> str:
        """`text` without credentials."""
        if self.access.secret is not None and (secret := self.access.secret()):
            text = text.replace(secret, "***")
        return re.sub(r"(://)[^/@\s]*@", r"\1", text)


def leash(folder: Path, remote: Remote, access: Access, held: int | None = None) -> Leash:
    """Lay the private folder and give the leash for `remote`, whose processes keep `held` open; blocking.

    Raises:
        Unusable: git is missing or too old.
        Transient: the folder cannot be written.
    """
    try:
        environment = surroundings.lay(folder, remote, access)
    except OSError as error:
        raise Transient(f"cannot write to {folder}: {error.strerror}") from error
    made = Leash(folder, access, tuple(f"{name}={value}" for name, value in environment.items()), _OPTIONS, held)
    _check_version(made)
    return made


def args_name(args: Sequence[str]) -> str:
    """The command among git's arguments."""
    return next((word for word in args if not word.startswith("-")), "")


async def in_thread(
    work: Callable[[], T], leave: Callable[[], None], limiter: anyio.CapacityLimiter | None = None
) -> T:
    """Run blocking `work` in a thread; when the caller is cancelled, `leave` must make it end soon."""
    try:
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
    except anyio.get_cancelled_exc_class():
        leave()
        raise


def _check_version(made: Leash) -> None:
    said = made.run(["version"], 20.0)
    found = re.search(rb"git version (\d+)\.(\d+)", said.out)
    if not found:
        raise Unusable("git does not tell its version: install git 2.38 or later")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise Unusable(f"git {int(found[1])}.{int(found[2])} is too old: install git 2.38 or later")
