"""Results of earlier compiles, kept so that an unchanged file costs nothing (design: section 6, rule 10).

Every result is kept under all that it depends on, so a cache can never change an answer: leaving it out gives the same
desired state. It forgets what a few compiles in a row did not use.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from planner.compile.reading import SpecFile
from planner.errors import Place, Problem
from planner.model.desired import CompiledOperation
from planner.spec.repository import LoadedRepository, Paths, Policy

if TYPE_CHECKING:
    from planner.compile.discover import Discovery
    from planner.compile.given import CompileInput

__all__ = ["Cache", "Kept", "Question", "Shelf"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TURNS = 8
"""Compiles after which what was not used goes: previews of several branches take turns."""

Question = tuple[Literal["entry", "spec", "specs", "outside", "preset", "presets"], str]
"""What a file's compile may ask of the tree.

What is at a path, whether that is a spec file, whether it has some; what a reference out of the repository led to;
which documents are the preset of a name, and which names there are.
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file compiled to.

    Attributes:
        roots: its operations; empty when the file has an error.
        names: names of all of its operations, those with an error too, and where they stand.
        problems: all that was found, also in the files that it reads.
        bad: whether an error holds the file back.
        reads: every question to the tree with its answer, absent paths included.
    """

    roots: tuple[CompiledOperation, ...]
    names: tuple[tuple[str, Place], ...]
    problems: tuple[Problem, ...]
    bad: bool
    reads: Mapping[Question, object]


class Shelf(Generic[K, V]):
    """Values by key, in two generations: what is asked for moves to the young one, the old one is dropped."""

    def __init__(self) -> None:
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value of `key`, if it is kept."""
        found = self._young.get(key)
        if found is None and key in self._old:
            found = self._young[key] = self._old.pop(key)
        return found

    def put(self, key: K, value: V) -> V:
        """Keep `value`, and give it back."""
        self._young[key] = value
        return value

    def items(self) -> list[tuple[K, V]]:
        """All that is kept."""
        return [*self._old.items(), *self._young.items()]

    def turn(self) -> None:
        """Drop what was not asked for since the last turn."""
        self._old, self._young = self._young, {}


class Cache:
    """What `wanted`, `compile_tree` and `ls_files` remember. One per repository; not for two threads at once.

    Attributes:
        settings: `.plumbline.yaml` by blob id.
        included: whether `paths` takes a file, by the globs, then by its path.
        policies: what holds for the operations of a file, by blob id of the settings, then by its path.
        files: spec files by path and blob id; False for a file that does not look like one.
        results: by path, blob id and configuration.
        latest: the newest input with what discovery found in it: each round of reading asks more than once.
    """

    def __init__(self) -> None:
        self.settings: Shelf[str, LoadedRepository] = Shelf()
        self.included: Shelf[Paths, dict[str, bool]] = Shelf()
        self.policies: Shelf[str, dict[str, Policy]] = Shelf()
        self.files: Shelf[tuple[str, str], SpecFile | Literal[False]] = Shelf()
        self.results: Shelf[Hashable, Kept] = Shelf()
        self.latest: tuple[CompileInput, Discovery] | None = None
        self._compiles = 0

    def compiled(self) -> None:
        """Called at the end of each compile."""
        self.latest = None
        self._compiles += 1
        if self._compiles % _TURNS == 0:
            self.settings.turn()
            self.included.turn()
            self.policies.turn()
            self.files.turn()
            self.results.turn()
