"""What can go wrong outside, sorted by what follows from it. This module decides no message and catches nothing.

    Exception
    ├── Transient    wait and try again: unreachable, busy, damaged and being remade
    ├── Refused      the outside said no for good: the same input is never sent again
    ├── Unusable     the surroundings or the configuration do not allow it: one clear sentence, exit code 3
    └── anything else: we are wrong; that key's reconcile crashes with a traceback, the others go on

What a *user* must change in a repository is no exception but a value: `planner.errors.Problem`.
Messages are one sentence, lower case, without a final period, and never contain a credential.
"""

from __future__ import annotations

__all__ = ["Refused", "Transient", "Unusable"]


class Transient(Exception):  # noqa: N818  named by what follows, as the ports' laws use the word
    """It did not work now and may work later: keep what is known, back off, try again.

    Attributes:
        message: one sentence for people: what, and what it waits for.
        after: seconds after which it may be tried again at the earliest, where the other side said so; else None.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.after = after


class Refused(Exception):  # noqa: N818  named by what follows, as the ports' laws use the word
    """The outside said no for this input, and will say no again.

    Attributes:
        message: one sentence for people: what was refused, and why.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unusable(Exception):  # noqa: N818  the third of the same row
    """The machine or the configuration does not allow it; a person must change that (exit code 3).

    Attributes:
        message: one sentence for people: what is missing or wrong, and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
