"""Values that are not known yet.

A symbol stands where run, tick, trial, upstream and commit values will be when a run starts (design: "4. The
specification language", item 5). It has a name and nothing else: no template may compute with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Partial", "Scope", "Symbol"]


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A value, or a whole mapping of values, that is known only later.

    Attributes:
        path: its name as people read it, such as `globals.uuid` or `ops.prepare.outputs.path`.
    """

    path: str


Partial = None | bool | int | float | str | Symbol | Sequence["Partial"] | Mapping[str, "Partial"]
"""JSON data in which any part may be a symbol; a symbol in place of a mapping stands for everything below it."""

Scope = Mapping[str, Partial]
"""The variables that a template may name."""
