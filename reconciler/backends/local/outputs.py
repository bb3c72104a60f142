"""Reads a run's output file (docs/run-contract.md, "Outputs"). It must never fail on what a program wrote."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from planner.canon import Json

__all__ = ["Outputs", "parse"]

NAME = re.compile(r"[-a-zA-Z0-9_]+")
LONGEST_FILE = 1 << 20
LONGEST_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class Outputs:
    """What an output file says.

    Attributes:
        values: the last value of each name.
        bad: numbers of the lines that break the rules.
        truncated: whether the file was longer than 1 MiB.
    """

    values: dict[str, Json]
    bad: tuple[int, ...] = ()
    truncated: bool = False

    @property
    def message(self) -> str:
        """What people should know of it, or ""."""
        parts = []
        if self.bad:
            shown = ", ".join(map(str, self.bad[:5])) + (", …" if len(self.bad) > 5 else "")
            parts.append(f"output file: line {shown} skipped, neither name=value nor JSON with name and value")
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
    for number, line in enumerate(data.split(b"\n"), start=1):
        text = line.removesuffix(b"\r")
        if not text:
            continue
        try:
            name, value = _entry(text)
        except (ValueError, RecursionError):
            bad.append(number)
        else:
            values[name] = value
    return Outputs(values, tuple(bad), truncated)


def _entry(line: bytes) -> tuple[str, Json]:
    if len(line) > LONGEST_LINE:
        raise ValueError("too long")
    text = line.decode()
    if text.startswith("{"):
        found = json.loads(text, parse_constant=str)
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
