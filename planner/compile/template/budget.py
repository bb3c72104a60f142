"""What an evaluation may cost.

Cost is counted, never timed, so that the same template on the same data ends in the same way on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.compile.template.errors import COSTLY, FaultError

__all__ = ["MAX_BITS", "MAX_DATA_DEPTH", "MAX_DEPTH", "MAX_TEXT", "MAX_TOKENS", "Budget"]

MAX_TEXT = 100_000
"""Characters of a template's own text."""
MAX_TOKENS = 10_000
"""Words and signs inside the tags of one template."""
MAX_DEPTH = 64
"""Levels of an expression, chains such as `a + b + c` included."""
MAX_DATA_DEPTH = 100
"""Levels of lists and mappings in a value that is rendered or compared."""
MAX_BITS = 512
"""Size of an integer."""

_SCAN = 64  # characters that are looked at for the price of one step


@dataclass(slots=True)
class Budget:
    """What is left to spend. Pass one budget to several calls to bound them together.

    Attributes:
        steps: nodes evaluated and list items touched.
        size: characters and list items produced.
        outer: a larger budget that pays for the same, so that many templates are bounded together; None for none.
    """

    steps: int = 200_000
    size: int = 1_000_000
    outer: Budget | None = None

    @property
    def spent(self) -> bool:
        """Whether a limit was passed; every later charge fails too."""
        return self.steps < 0 or self.size < 0 or (self.outer is not None and self.outer.spent)

    def step(self, count: int = 1) -> None:
        """Pay for `count` steps.

        Raises:
            FaultError: PL-407 if they are not left.
        """
        self.steps -= count
        if self.outer is not None:
            self.outer.steps -= count
        if self.steps < 0:
            raise FaultError(
                COSTLY, "the template takes too many steps", hint="loop over less, or compute it in the run"
            )
        if self.outer is not None and self.outer.steps < 0:
            message = "the templates of this file take too many steps together"
            raise FaultError(COSTLY, message, hint="split the file, or compute it in the run")

    def scan(self, length: int) -> None:
        """Pay for looking at `length` characters."""
        self.step(length // _SCAN + 1)

    def grow(self, size: int) -> None:
        """Pay for `size` characters or items, before they are made.

        Raises:
            FaultError: PL-407 if they are not left.
        """
        self.size -= size
        if self.outer is not None:
            self.outer.size -= size
        if self.size < 0 or (self.outer is not None and self.outer.size < 0):
            raise FaultError(COSTLY, "the template produces too much", hint="produce less, or compute it in the run")
