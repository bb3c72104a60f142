"""Reads a run's output file (docs/run-contract.md, "Outputs"). It must never fail on what a program wrote."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.template.budget import MAX_BITS, MAX_DATA_DEPTH

__all__ = ["Outputs", "parse"]

NAME = re.compile(r"[-a-zA-Z0-9_]+")
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: JSON can say it, UTF-8 cannot
LONGEST_FILE = 1 << 20
LONGEST_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class Outputs:
    """What an output file says.

    Attributes:
        values: the last value of each name.
        bad: numbers of the lines that break the rules.
        unfit: those of them whose value no template, digest or record can carry.
        truncated: whether the file was longer than 1 MiB.
    """

    values: dict[str, Json]
    bad: tuple[int, ...] = ()
    unfit: tuple[int, ...] = ()
    truncated: bool = False

    @property
    def message(self) -> str:
        """What people should know of it, or ""."""
        parts = []
        if malformed := [number for number in self.bad if number not in self.unfit]:
            parts.append(
                f"output file: line {_some(malformed)} skipped, neither name=value nor JSON with name and value"
            )
        if self.unfit:
            parts.append(
                f"output file: line {_some(self.unfit)} skipped, its value is nested over {MAX_DATA_DEPTH} levels, has "
                f"a whole number over {MAX_BITS} bits or half of a surrogate pair"
            )
        if self.truncated:
            parts.append("output file: only the first 1 MiB counts")
        return "; ".join(parts)


def parse(data: bytes) -> Outputs:
    """The outputs in `data`, the first bytes of a finished output file."""
    truncated = len(data) > LONGEST_FILE
    if truncated:
        data = data[: data.rfind(b"\n", 0, LONGEST_FILE) + 1]
    values: dict[str, Json] = {}
    bad: list[int] = []
    unfit: list[int] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        text = line.removesuffix(b"\r")
        if not text:
            continue
        try:
            name, value = _entry(text)
        except (ValueError, RecursionError):
            bad.append(number)
            continue
        if fits(value):
            values[name] = value
        else:
            bad.append(number)
            unfit.append(number)
    return Outputs(values, tuple(bad), tuple(unfit), truncated)


def fits(value: Json) -> bool:
    """Whether templates, digests and records can carry `value`, which JSON text was."""
    return all(_fits(one, levels) for one, levels in _nodes(value))


def _nodes(value: Json) -> Iterator[tuple[Json, int]]:
    """Every value and key in `value` with the number of lists and mappings around it; no deeper than is allowed."""
    todo = [(value, 0)]
    while todo:
        one, levels = todo.pop()
        yield one, levels
        if levels <= MAX_DATA_DEPTH and isinstance(one, dict):
            todo += [(each, levels + 1) for pair in one.items() for each in pair]
        elif levels <= MAX_DATA_DEPTH and isinstance(one, list):
            todo += [(each, levels + 1) for each in one]


def _fits(one: Json, levels: int) -> bool:
    if levels > MAX_DATA_DEPTH:
        return False
    if isinstance(one, str):
        return HALF.search(one) is None
    return not isinstance(one, int) or one.bit_length() <= MAX_BITS


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")


def _entry(line: bytes) -> tuple[str, Json]:
    if len(line) > LONGEST_LINE:
        raise ValueError("too long")
    text = line.decode()
    if text.startswith("{"):
        found = json.loads(text, parse_constant=str, parse_float=_float)
        name, value = found.get("name"), found.get("value", _entry)
        if value is _entry or not isinstance(name, str):
            raise ValueError("name and value are needed")
    else:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError("no separator")
    if not NAME.fullmatch(name):
        raise ValueError("bad name")
    return name, value


def _float(text: str) -> float | str:
    """A number that JSON can say and a float cannot hold, such as 1e999, is the infinity that it is read as."""
    value = float(text)
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
