"""Inputs and outputs of compiled operations: what is declared, and where a value comes from that others have.

Values only; how they are read and checked is decided where specs are compiled and runs are bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from planner.canon import Json

__all__ = ["ANY_TRIAL", "Input", "Join", "Output", "Reference"]

ANY_TRIAL = "*"
"""In the place of a reference: the trial of a sweep that the referring run is in, which no node can be called."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A param's value that another node of the same root will know, or another run of the project.

    Attributes:
        place: the node, from the root; of another run one part, `runs.ID`, which no node can be called.
        path: what of it: `("outputs", name)`, `("inputs", name)`, `("globals", name)` or a whole section.
    """

    place: tuple[str, ...]
    path: tuple[str, ...]

    @property
    def run(self) -> str:
        """The id of the run, where it is no node's."""
        return self.place[0].removeprefix("runs.") if self.place and self.place[0].startswith("runs.") else ""

    def __str__(self) -> str:
        return ".".join(("ops", "/".join(self.place), *self.path))


@dataclass(frozen=True, slots=True)
class Join:
    """Values of many runs of the project, looked for when the operation starts (reference section 17.1).

    Attributes:
        query: which runs; with its templates over inputs and `globals`.
        sort: in which order, likewise; "" for what changed last first.
        limit: how many at most: a whole number, or template text.
        offset: how many of the first are left out, likewise.
        params: by input, what of each run: `("outputs", name)`, `("inputs", name)`, `("globals", name)` or a whole
            section.
    """

    query: str
    sort: str = ""
    limit: Json = 5_000
    offset: Json = 0
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """A declared output: its name, and its type or "" for any."""

    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a leaf is given, as it was declared: what a start needs to check it and to show it to templates.

    Attributes:
        name: of the input or param.
        role: a declared input, a declared output that got a param, or a param for the context only.
        type: type of the value (reference section 8), or "" for any.
        is_list: whether it is a list of such values.
        is_flag: whether it is `--name` or nothing on a command line.
        arg_format: template of its argument; None for `--name=value`.
        required: whether a start without a value is an error.
        delayed: whether literals are checked only when the run starts.
        checks: what a value must satisfy, by the names of reference section 6.1.
        connection: a connection that goes with the value.
        to_init: whether the value is put in place before the run starts.
        to_env: a variable of the program that has the value, or "".
    """

    name: str
    role: Literal["input", "output", "context"] = "input"
    type: str = ""
    is_list: bool = False
    is_flag: bool = False
    arg_format: str | None = None
    required: bool = False
    delayed: bool = False
    checks: Mapping[str, Json] = field(default_factory=dict)
    connection: str | None = None
    to_init: bool = False
    to_env: str = ""
