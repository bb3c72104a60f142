"""Tables: a case is a scripted history, and what follows from its last step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from tests.planner.history import Step, after, decisions, waits

_ALL = None


@dataclass(frozen=True)
class Case:
    """One row of the specification.

    Attributes:
        ident: names the row.
        reason: why it must be so, in one sentence.
        given: what happened, the last step being what the row is about.
        then: decisions that the last step leads to, in order; not checked when left out.
        says: what commits say after it: `"c1 train"`, or `"c1"` for the aggregate.
        waits: everything that waits after it, and for what.
        alive: attempts whose program runs after it.
        runs: statuses of some runs after it; None for one that does not exist.
        world: settings of the history, see `History`.
    """

    ident: str
    reason: str
    given: Sequence[Step]
    then: Sequence[str] | None = _ALL
    says: Mapping[str, str] = field(default_factory=dict)
    waits: Sequence[str] | None = _ALL
    alive: Sequence[str] | None = _ALL
    runs: Mapping[str, str | None] = field(default_factory=dict)
    world: Mapping[str, object] = field(default_factory=dict)

    def check(self) -> None:
        """Play the history and compare."""
        history = after(*self.given, **self.world)
        if self.then is not None:
            assert list(self.then) == decisions(history.facts), self.reason
        for name, text in self.says.items():
            commit, _, root = name.partition(" ")
            assert text == history.says(commit).get(root), self.reason
        if self.waits is not None:
            found = [text for root in sorted(history.waits) for text in waits(history, root)]
            assert list(self.waits) == found, self.reason
        if self.alive is not None:
            assert list(self.alive) == history.alive(), self.reason
        runs = history.runs()
        for key, status in self.runs.items():
            assert status == runs.get(key), self.reason


def table(*cases: Case) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Parametrize a test over `case`, each with its id."""
    idents = [case.ident for case in cases]
    assert len(set(idents)) == len(idents), "two cases have one id"
    assert all(case.reason for case in cases)
    return pytest.mark.parametrize("case", cases, ids=idents)
