"""What a sweep chooses and nobody reads, as a name that was misspelt: its trials would all do the same.

The reference takes such a name for one that templates use (section 13.2), so it is no more than a warning. A program
may still find it in its context.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from planner import canon
from planner.canon import Json
from planner.compile.origin import Origin, warning
from planner.errors import Problem
from planner.spec import matrix as spec
from planner.spec.words import listed, nearest, short

__all__ = ["unread"]

# `params.as_args` has the inputs alone, and any other member is named.
_ALL_OF_THEM = re.compile(r"\{[{%][^}]*\bparams\b(?!\.\w)")
_SHOWN = 8


def unread(matrix: spec.Matrix, trial: Json, inputs: Sequence[str], origin: Origin) -> Iterator[Problem]:
    """A warning for each name that the sweep gives, no input has and nothing in a trial mentions.

    Args:
        matrix: as it is written.
        trial: all that is left to be evaluated of a trial, and more.
        inputs: names of the inputs of its component.
        origin: where the matrix is written.
    """
    given = [(name, at) for name, at in _given(matrix, origin) if name not in inputs]
    said = canon.dumps(trial) if given else ""
    if _ALL_OF_THEM.search(said):
        return
    for name, at in given:
        if not re.search(rf"(?<!\w){re.escape(canon.dumps(name)[1:-1])}(?!\w)", said):
            message = f"no input is called `{short(name)}`, and no template names it: it changes nothing of a trial"
            yield warning(at.problem("PL-401", message, _hint(name, inputs)))


def _hint(name: str, inputs: Sequence[str]) -> str:
    if near := nearest(name, inputs):
        return f"did you mean `{near}`?"
    return f"its inputs are {listed(inputs[:_SHOWN])}" if inputs else "declare an input of that name"


def _given(matrix: spec.Matrix, origin: Origin) -> Iterator[tuple[str, Origin]]:
    """What a trial is given, by name, and where that is written."""
    if isinstance(matrix, spec.MappingSweep):
        seen: set[str] = set()
        for index, entry in enumerate(matrix.values if not isinstance(matrix.values, str) else ()):
            yield from ((name, origin.at("values", index, name)) for name in entry if name not in seen)
            seen.update(entry)
        return
    yield from ((name, origin.at("params", name)) for name in matrix.params or {})
    if isinstance(matrix, spec.HyperbandSweep):
        yield matrix.resource.name, origin.at("resource", "name")
