"""Shares of a tree, read and compiled apart from one another (decision 0042).

Everything here fills a cache with what `wanted` and `compile_tree` would come to by themselves, under the same keys; so
it decides nothing, and leaving any of it out changes nothing but time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from planner.compile.cache import Cache, Kept
from planner.compile.discover import read, settings_of, unread
from planner.compile.files import compile_alone
from planner.compile.given import CompileInput
from planner.compile.reading import SpecFile
from planner.compile.timing import CheckSchedule
from planner.compile.tree import compile_some, desk_of

__all__ = ["Files", "Part", "Results", "compile_share", "put_files", "put_results", "read_share", "unread"]

Files = Sequence[tuple[tuple[str, str], SpecFile | Literal[False]]]
"""Files that were read, without their documents, by path and blob id; False for one that is no spec."""

Results = Sequence[tuple[Hashable, Kept]]
"""What files compiled to, by what it depends on."""


@dataclass(frozen=True, slots=True)
class Part:
    """What came of reading a share.

    Attributes:
        files: all of them.
        results: of those that need to know nothing of others.
        left: paths of those that do.
    """

    files: Files
    results: Results
    left: tuple[str, ...]


def read_share(given: CompileInput, cache: Cache, paths: Sequence[str], check: CheckSchedule | None = None) -> Part:
    """Read some of the files that `unread` names, and compile those that are for themselves.

    These are most, and keep no documents afterwards: so there is never more than one of them in memory.

    Args:
        given: the tree.
        cache: without results.
        paths: those files.
        check: what else can be wrong with a schedule.
    """
    desk = desk_of(given, settings_of(given, cache), cache, check)
    left: list[str] = []
    for file in read(given, cache, paths):
        if desk is not None and not file.refs and compile_alone(desk, file):
            file.put_away()
        else:
            left.append(file.path)
    keys = [(path, given.entries[path].id) for path in paths]
    found = [(key, cache.files.get(key)) for key in keys]
    return Part([(key, _light(file)) for key, file in found if file is not None], cache.results.items(), tuple(left))


def _light(file: SpecFile | Literal[False]) -> SpecFile | Literal[False]:
    return file and replace(file, _loaded=None)


def compile_share(
    given: CompileInput, cache: Cache, paths: Iterable[str], check: CheckSchedule | None = None
) -> Results:
    """Compile some more of the files, now that all were read: `wanted` must be empty. See `read_share`."""
    compile_some(given, cache, paths, check)
    return cache.results.items()


def put_files(cache: Cache, files: Files) -> None:
    """Take what somebody else read."""
    cache.latest = None
    for key, file in files:
        if cache.files.get(key) is None:
            cache.files.put(key, file)


def put_results(cache: Cache, results: Results) -> None:
    """Take what somebody else compiled."""
    for key, kept in results:
        cache.results.put(key, kept)
