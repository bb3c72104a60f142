"""Choices from a seed, and what is in scope while a document is made."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

WORDS = (
    *["train", "eval", "prepare", "model", "data", "metrics", "loss", "batch", "tune", "serve", "report", "clean"],
    *["index", "fetch", "build", "split", "merge", "score", "rank", "sample"],
)
Field = tuple[str, float, Callable[[], Any]]


class Free(dict[str, Any]):
    """A mapping whose keys are the user's."""


class Kube(dict[str, Any]):
    """A Kubernetes object."""


class Dice:
    """Choices from a seed.

    Attributes:
        scope: declared inputs by type, which templates may read.
    """

    def __init__(self, seed: object, first: int = 0) -> None:
        """Start at that seed; names are numbered from after `first`."""
        self.random = random.Random(str(seed))
        self.scope: dict[str, list[str]] = {}
        self._numbers = first

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.random.random() < share

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return self.random.choice(choices)

    def some(self, choices: Iterable[T], least: int = 0, most: int | None = None) -> list[T]:
        """A few different ones, in a new order."""
        pool = list(choices)
        most = len(pool) if most is None else min(most, len(pool))
        return self.random.sample(pool, self.random.randint(min(least, most), most))

    def whole(self, low: int, high: int) -> int:
        """A whole number; both ends may come."""
        return self.random.randint(low, high)

    def word(self) -> str:
        """A word."""
        return self.pick(WORDS)

    def name(self) -> str:
        """A name that no other thing of the document has."""
        self._numbers += 1
        return f"{self.word()}{self.pick('-_')}{self._numbers}"

    def name_of_container(self) -> str:
        """A name that Kubernetes takes."""
        return self.name().replace("_", "-")

    def names(self, least: int = 1, most: int = 3) -> list[str]:
        """A few names."""
        return [self.name() for _ in range(self.whole(least, most))]

    def texts(self, most: int = 3) -> Free:
        """A few texts by name."""
        return Free({name: self.word() for name in self.names(1, most)})

    def or_template(self, kind: str, value: T, share: float = 0.08) -> T | str:
        """`value`, or now and then a template of an input of that type, where one is declared."""
        names = self.scope.get(kind, ())
        if not names or not self.chance(share):
            return value
        name = self.pick(list(names))
        bare = self.pick(["{{ %s }}", "{{%s}}", "{{ params.%s.value }}"])
        return ("{{ params.%s.value }}" if kind == "bool" else bare) % name  # a flag by its name is `--name`

    def fields(self, *fields: Field) -> dict[str, Any]:
        """A mapping with each of the fields so often."""
        return {key: make() for key, share, make in fields if self.chance(share)}
