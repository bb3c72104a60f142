"""What references out of the repository led to, read as specs, and what these refer to in turn.

Follows them as far as the shell looked them up, and no further than a repository may reasonably want. It decides
nothing about what a reference means to the operation that has it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

from planner.compile.boundary import guarded
from planner.compile.cache import Cache
from planner.compile.given import CompileInput, Outside
from planner.compile.reading import SpecFile, as_spec, spoilt
from planner.errors import Place, Problem

__all__ = ["MAX_OUTSIDE", "Fetched", "follow_outside"]

MAX_OUTSIDE = 1_000
"""References out of one repository, those of what they lead to included."""
MAX_STEPS = 20
"""References that lead from one to the next: more than DAGs may be inside one another."""

_NOT_LOOKED_UP = Outside(failure="not looked up here", hint="a daemon with its hub or host does", elsewhere=True)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a reference out of the repository led to.

    Attributes:
        outside: as the shell said it, without the content.
        file: what was read of it; None where there is no content.
    """

    outside: Outside
    file: SpecFile | None = None


def follow_outside(keys: Collection[str], given: CompileInput, cache: Cache) -> dict[str, Fetched]:
    """What references lead to by key, one step after the other; those beyond a limit are left out.

    Args:
        keys: of the references in the repository.
        given: has what was looked up; what was not is said to be elsewhere.
        cache: keeps files that were read.
    """
    found: dict[str, Fetched] = {}
    step = sorted(keys)
    for _ in range(MAX_STEPS):
        further: set[str] = set()
        for key in step:
            if key in found or len(found) >= MAX_OUTSIDE:
                continue
            fetched = found[key] = _fetched(given.outside.get(key, _NOT_LOOKED_UP), cache)
            if fetched.file is not None:
                further.update(fetched.file.outside)
        step = sorted(further)
    return found


def _fetched(outside: Outside, cache: Cache) -> Fetched:
    said = replace(outside, content=b"")
    if not outside.ident:
        return Fetched(said)
    kept = cache.files.get((outside.path, outside.ident))
    if isinstance(kept, SpecFile):
        return Fetched(said, kept)
    found = guarded(Place(outside.path), partial(as_spec, outside.path, outside.content))
    if isinstance(found, Problem):
        return Fetched(said, spoilt(found))
    cache.files.put((outside.path, outside.ident), found)
    return Fetched(said, found)
