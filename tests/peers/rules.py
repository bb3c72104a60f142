"""What an entry of the differences is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from planner.errors import Problem
from tests.generate import Pair
from tests.peers.compare import Place

__all__ = ["Accepted", "Merged", "Refused"]


@dataclass(frozen=True)
class Refused:
    """A problem of ours with something that Polyaxon takes.

    Attributes:
        rule: what we do, in one sentence.
        section: of the reference.
        test: of ours that shows it.
        covers: whether a problem is of this rule; it is given the document too.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[Problem, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Accepted:
    """A document that we take and Polyaxon does not.

    Attributes:
        covers: whether Polyaxon's reason is of this rule; it is given the document too.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[str, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Merged:
    """A part of a merged component that differs.

    Attributes:
        covers: whether a place in the merged component is of this rule: the pair, the place, our value, theirs.
    """

    rule: str
    section: str
    test: str
    covers: Callable[[Pair, Place, Any, Any], bool]
