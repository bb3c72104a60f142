"""What of other runs the program of an order may read by its path, as it is named in the order. Pure.

A pod has no folder of all runs, so what is named is brought: what a value of its params, its command or a variable
leads to, and nothing that is only near. A path that stands by itself is brought as it is; where one is a part of a text
its end cannot be told, unless a value has it too, and the whole folder of its run is brought.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from planner.model.gang import Container
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.texts import texts_of
from reconciler.ports import Order

__all__ = ["Read", "own_folder", "reads"]

_NAMED = re.compile(re.escape(layout.RUNS) + r"/([a-z0-9][a-z0-9-]*)((?:/[^\0]*)?)")
_PLACED = re.compile(re.escape(layout.RUNS) + r"/[a-z0-9]")
_ARTIFACTS = "artifacts"


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """Something in the folder of another run.

    Attributes:
        run: name of the folder.
        path: below the artifacts there; "" for all of them.
    """

    run: str
    path: str = ""


def own_folder(order: Order) -> str:
    """The folder of an order's own run as its program knows it, and as other runs do."""
    return f"{layout.RUNS}/{names.object_name(order.key.run, order.stamp)}/{_ARTIFACTS}"


def reads(order: Order) -> tuple[Read, ...]:
    """What the program of an order names of other runs, each once, in an order that does not change."""
    own = names.object_name(order.key.run, order.stamp)
    values = [text for section in ("params", "inputs") for text in texts_of(order.run.context.get(section))]
    whole = [match for text in values if (match := _NAMED.fullmatch(text)) is not None]
    found = {read for match in whole if (read := _read(match)) is not None}
    exact = [match.group() for match in whole]
    words = [text for group in order.run.gang.replicas for text in _words(group.container)]
    for text in (*(value for value in values if _NAMED.fullmatch(value) is None), *words):
        rests = [text[match.start() :] for match in _PLACED.finditer(text)]
        found |= {_run(rest) for rest in rests if not any(_is(rest, path) for path in exact)}
    return tuple(sorted(_least({read for read in found if read.run != own})))


def _read(match: re.Match[str]) -> Read | None:
    """What a path leads to; None where nothing is for anybody."""
    parts = [part for part in match.group(2).split("/") if part not in {"", "."}]
    if ".." in parts or parts[:1] not in ([], [_ARTIFACTS]):
        return None
    return Read(match.group(1), "/".join(parts[1:]))


def _run(text: str) -> Read:
    match = _NAMED.match(text)
    assert match is not None
    return Read(match.group(1))


def _is(text: str, path: str) -> bool:
    """Whether a text begins with a path, and not with one that only begins the same."""
    return text.startswith(path) and not re.match(r"[\w.-]", text[len(path) :])


def _least(found: set[Read]) -> Iterator[Read]:
    """Without what is in a folder that is brought whole."""
    for read in found:
        above = read.path.split("/")
        outer = {"", *("/".join(above[:count]) for count in range(1, len(above)))} - {read.path}
        if not any(Read(read.run, path) in found for path in outer):
            yield read


def _words(container: Container) -> Iterator[str]:
    yield from container.command
    yield from container.args
    yield from container.env.values()
