"""Processes beside this one that share the reading and the compiling of a large tree (decision 0042).

This decides when it is worth it, and fills the cache of who asks. It must never change what a compile comes to: what a
process does not do, because it failed or never began, is done by the caller as ever.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from planner.compile import Cache, CompileInput
from planner.compile.share import Part, compile_share, put_files, put_results, read_share, unread
from reconciler.compiling import check_schedule
from reconciler.share import Further
from reconciler.telemetry import log

__all__ = ["LEAST", "Shares"]

LEAST = 2_000
"""Files to read from which on it is worth it: a process takes half a second to begin."""
_MOST = 4
"""Processes, this one included: each has a copy of the tree."""
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from reconciler.share import main; main()"
"""Starts the code of this process, wherever that came from."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class Shares:
    """Shares of the files of one tree. A context manager: with its end the processes end."""

    def __init__(self, least: int = LEAST, processes: int | None = None) -> None:
        """Start nothing yet.

        Args:
            least: files to read from which on others help.
            processes: how many there may be, this one included; None for what the machine allows.
        """
        self._least = least
        self._processes = min(_processors(), _MOST) if processes is None else processes
        self._others: list[_Process] = []
        self._own: tuple[str, ...] = ()
        self._left: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for other in self._others:
            other.end()
        self._others = []

    def read(self, given: CompileInput, cache: Cache) -> None:
        """Read the files whose content is there, if they are many. It shares the files of one tree, once."""
        if self._own or len(given.blobs) < self._least:
            return
        paths = unread(given, cache)
        if len(paths) < self._least:
            return
        given = replace(given, entries=dict(given.entries))
        self._own = paths[:: self._processes]
        for first in range(1, self._processes):
            self._others.append(_Process(given, paths[first :: self._processes]))
        self._left = read_share(given, cache, self._own, check_schedule).left
        for other in self._others:
            for data in other.answer() or ():
                part: Part = pickle.loads(data)  # noqa: S301 -- as in `answer`
                other.files |= {key for key, _ in part.files}
                other.waits |= bool(part.left)
                put_files(cache, part.files)
                put_results(cache, part.results)

    def compile(self, given: CompileInput, cache: Cache) -> None:
        """Compile what was shared; `wanted` must be empty, and the tree that of `read`."""
        asked = [other for other in self._others if other.waits]
        for other in asked:
            files = [(key, file) for key, file in cache.files.items() if key not in other.files]
            blobs = {ident: data for ident, data in given.blobs.items() if ident not in other.given.blobs}
            other.ask(Further(files, blobs, dict(given.outside)))
        if asked:
            compile_share(given, cache, self._left, check_schedule)
        for other in asked:
            put_results(cache, other.answer() or ())


class _Process:
    """One of the others. What it cannot be asked or cannot answer is None, and said once."""

    def __init__(self, given: CompileInput, paths: tuple[str, ...]) -> None:
        self.given = given
        self.files: set[tuple[str, str]] = set()
        self.waits = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, str(Path(__file__).parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # what a terminal tells the caller is not for it
        )
        self.ask((given, paths))

    def ask(self, question: object) -> None:
        try:
            assert self._process.stdin is not None
            pickle.dump(question, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError as error:
            self._failed(error)

    def answer(self) -> Any:
        try:
            assert self._process.stdout is not None
            return pickle.load(self._process.stdout)  # noqa: S301 -- from a process that this one started
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._failed(error)
            return None

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def _failed(self, error: Exception) -> None:
        log.warning("a process that took a share ended too early: its files are compiled here", error=repr(error))


def _processors() -> int:
    """How many processors this process may use at a time: those it may run on, and what its control group has."""
    here = len(os.sched_getaffinity(0))
    try:
        quota, period = _QUOTA.read_text().split()
        return here if quota == "max" else max(1, min(here, int(quota) // int(period)))
    except (OSError, ValueError):
        return here
