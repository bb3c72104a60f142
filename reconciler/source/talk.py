"""Talking with one git process: feed it, drain it, and end it, within a deadline and bounds of output.

Starts nothing and knows no repository; what the answer means is the caller's.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO

from reconciler.errors import Transient

__all__ = ["GRACE", "Job", "LateError", "Said", "converse", "dispose", "signal_group"]

GRACE = 2.0
"""Seconds between TERM and KILL: git removes its lock files on TERM."""
_STDERR = 16 << 10
_STDOUT = 64 << 20
_CHUNK = 64 << 10


class LateError(Exception):
    """A git process was ended because its deadline passed or its caller left."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one git process answered.

    Attributes:
        code: exit code; negative for a signal.
        out: standard output, whole.
        err: the end of standard error.
    """

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether git was content."""
        return self.code == 0


@dataclass(slots=True)
class Job:
    """A git process that can be ended from another thread."""

    left: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None

    def end(self) -> None:
        """Ask the whole process group to end; a process that has yet to start ends at once."""
        self.left.set()
        signal_group(self.process, signal.SIGTERM)


def signal_group(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    """Send a signal to a process group of ours that has not been waited for."""
    if process is not None and process.returncode is None:
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def dispose(process: subprocess.Popen[bytes]) -> None:
    """End a process group for sure, and close its pipes."""
    signal_group(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue


def converse(process: subprocess.Popen[bytes], stdin: bytes, until: float, job: Job) -> Said:
    """Feed and drain a process to its end, within its deadline and our bounds."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    talk = _Talk(memoryview(stdin))
    try:
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ, talk.take_out)
            ready.register(process.stderr, selectors.EVENT_READ, talk.take_err)
            if stdin:
                os.set_blocking(process.stdin.fileno(), False)
                ready.register(process.stdin, selectors.EVENT_WRITE, talk.give_in)
            else:
                process.stdin.close()
            _pump(ready, until, job)
        return _finish(process, talk, until, job)
    finally:
        dispose(process)


@dataclass(slots=True)
class _Talk:
    stdin: memoryview
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    def take_out(self, stream: IO[bytes]) -> bool:
        data = os.read(stream.fileno(), _CHUNK)
        self.out += data
        if len(self.out) > _STDOUT:
            raise Transient(f"git answered more than {_STDOUT >> 20} MiB")
        return bool(data)

    def take_err(self, stream: IO[bytes]) -> bool:
        data = os.read(stream.fileno(), _CHUNK)
        self.err += data
        del self.err[:-_STDERR]
        return bool(data)

    def give_in(self, stream: IO[bytes]) -> bool:
        try:
            self.stdin = self.stdin[os.write(stream.fileno(), self.stdin[:_CHUNK]) :]
        except BrokenPipeError:
            self.stdin = self.stdin[:0]
        if not self.stdin:
            stream.close()
        return bool(self.stdin)


def _pump(ready: selectors.BaseSelector, until: float, job: Job) -> None:
    while ready.get_map():
        if job.left.is_set() or time.monotonic() > until:
            raise _late(job)
        for key, _ in ready.select(timeout=min(0.5, max(0.0, until - time.monotonic()))):
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # only pipes are registered
            descriptor = key.fd
            if not key.data(stream):
                _unregister(ready, stream, descriptor)


def _unregister(ready: selectors.BaseSelector, stream: IO[bytes], descriptor: int) -> None:
    ready.unregister(descriptor if stream.closed else stream)


def _finish(process: subprocess.Popen[bytes], talk: _Talk, until: float, job: Job) -> Said:
    try:
        code = process.wait(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _late(job) from None
    if job.left.is_set():
        raise LateError
    return Said(code, bytes(talk.out), talk.err.decode("utf-8", "replace"))


def _late(job: Job) -> LateError:
    """End the job gently, then hand back the error; what is left after the grace is killed by `dispose`."""
    job.end()
    if job.process is not None:
        try:
            job.process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            return LateError("killed")
    return LateError("ended")
