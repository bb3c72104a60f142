"""The end of a run's log, as text for a page: so many lines and bytes of it at most, within a time.

What it must never do: keep more of a log than it shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import anyio

from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.errors import Refused, Transient
from reconciler.pages.rendering import Lines

__all__ = ["LARGEST", "LINES", "Tail", "readable", "tail"]

LINES = 400
LARGEST = 64 << 10
"""Bytes of a log that are shown."""
_SECONDS = 5.0
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,40}m")


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a log.

    Attributes:
        lines: of it.
        is_cut: whether there is more of it before.
        failing: why it is not shown, or not whole; "" where it is.
    """

    lines: Lines
    is_cut: bool = False
    failing: str = ""


async def tail(service: Service, name: str) -> Tail:
    """The end of what the run `name` wrote."""
    kept, passed = bytearray(), 0

    async def write(chunk: bytes) -> None:
        nonlocal passed
        kept.extend(chunk)
        surplus = len(kept) - LARGEST
        if surplus > 0:
            passed += surplus
            del kept[:surplus]

    failing = ""
    try:
        with anyio.fail_after(_SECONDS):
            # A line more than is shown tells whether there is more.
            await service.write_logs(await service.logs(name, tail=LINES + 1), write)
    except TimeoutError:
        failing = f"the log did not come within {_SECONDS:g} seconds"
    except ApiError as error:
        failing = error.detail
    except (Transient, Refused) as error:
        failing = error.message
    text, is_cut = readable(bytes(kept), cut=passed > 0)
    return Tail(Lines(text), is_cut, failing)


def readable(data: bytes, *, cut: bool = False) -> tuple[str, bool]:
    """The last lines of a log as text, and whether there was more: without colours, and with progress line by line."""
    if cut:
        # What is left of a line, or of a letter, is no line.
        data = data.partition(b"\n")[2] or data
    text = _COLOURS.sub("", data.decode(errors="replace"))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    return "\n".join(lines[-LINES:]), cut or len(lines) > LINES
