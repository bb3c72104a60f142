"""A process that takes a share of a large tree; `reconciler.shares` starts it and speaks with it through its pipes.

It is asked twice. First it is given a `CompileInput` and the paths of its files, reads them, compiles those that need
nothing of others, and says what came of it. Then it is told what the others read and what was added to the input,
compiles what was left, and ends. It touches nothing but its pipes.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from planner.compile import Cache, CompileInput, Outside
from planner.compile.cache import Shelf
from planner.compile.share import Files, compile_share, put_files, read_share
from reconciler.compiling import check_schedule

__all__ = ["Further", "main", "work"]

_TURN = 1_000
"""Files whose results are values at a time."""


@dataclass(frozen=True, slots=True)
class Further:
    """The second question.

    Attributes:
        files: what the others read.
        blobs: contents that came since the first one.
        outside: what references out of the repository led to.
    """

    files: Files
    blobs: Mapping[str, bytes]
    outside: Mapping[str, Outside]


def work(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer both questions.

    Raises:
        EOFError: nobody asks any more.
    """
    given: CompileInput
    paths: tuple[str, ...]
    given, paths = pickle.load(asked)  # noqa: S301 -- from the process that started this one
    cache, left = Cache(), list[str]()
    parts: list[bytes] = []
    for first in range(0, len(paths), _TURN):
        part = read_share(given, cache, paths[first : first + _TURN], check_schedule)
        left += part.left
        # What it came to is kept as it goes over the pipe, which takes a tenth of the memory.
        parts.append(pickle.dumps(part, pickle.HIGHEST_PROTOCOL))
        cache.results = Shelf()
    _answer(answers, parts)
    del parts
    further: Further = pickle.load(asked)  # noqa: S301
    put_files(cache, further.files)
    given = replace(given, blobs={**given.blobs, **further.blobs}, outside=further.outside)
    _answer(answers, compile_share(given, cache, left, check_schedule))


def _answer(answers: BinaryIO, value: object) -> None:
    pickle.dump(value, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def main() -> None:
    """Work for whoever started this process."""
    gc.disable()  # see `calmly`; the process ends with its work
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed by mistake must not be taken for an answer
    try:
        work(sys.stdin.buffer, answers)
    except (EOFError, BrokenPipeError):
        os._exit(1)  # nobody asks any more
