"""Every field of the language with every odd value: one change a document, in the smallest one that has the field."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from tests.generate import faults, runs
from tests.generate.dice import Dice
from tests.generate.specs import Case, valid

_NUMBERED = re.compile(r"[a-z]+[-_]\d+")
_ROLES = frozenset(role for roles in runs.REPLICAS.values() for role in roles) | {"head", "scheduler"}
_SECTIONS = frozenset(
    [
        *[
            "component",
            "components",
            "operations",
            "run",
            "inputs",
            "outputs",
            "params",
            "runPatch",
            "template",
            "mount",
        ],
        *[
            "environment",
            "init",
            "sidecars",
            "volumes",
            "container",
            "termination",
            "cache",
            "plugins",
            "build",
            "hooks",
        ],
        *["schedule", "joins", "events", "matrix", "earlyStopping", "tuner"],
    ]
)
_PLAIN = frozenset({"component", "value"})


def each_field(seed: object, looked_at: int) -> Iterator[Case]:
    """All fields that so many valid documents have, each with every odd value and without itself."""
    smallest: dict[str, tuple[int, dict[str, Any], str]] = {}
    for number in range(looked_at):
        made = valid(Dice(f"{seed}/{number}"))
        found = list(faults.spots(made))
        for path, _ in found:
            if "/runPatch/" in path:
                continue  # it is looked at as what it is laid over
            key = field_of(path, made)
            if key not in smallest or len(found) < smallest[key][0]:
                smallest[key] = (len(found), made, path)
    for key, (_, made, path) in sorted(smallest.items()):
        for number, odd in enumerate([*faults.WRONG, ...]):
            changed = copy.deepcopy(made)
            holder, last = next(spot for name, spot in faults.spots(changed) if name == path)
            if odd is ...:
                del holder[last]
            else:
                holder[last] = copy.deepcopy(odd)
            yield Case(f"{key}:{number}", f"{path} {'removed' if odd is ... else f'is {odd!r}'}", changed)


def field_of(path: str, made: dict[str, Any]) -> str:
    """A place without what is around its section, without the user's names and without positions."""
    parts: list[str] = []
    value: Any = made
    for part in path.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
        name = "replica" if part in _ROLES else "*" if part.isdigit() or _NUMBERED.fullmatch(part) else part
        if part in _SECTIONS or name == "replica":
            parts.clear()
        kind = value.get("kind") if isinstance(value, dict) else None
        parts.append(f"{name}({kind})" if isinstance(kind, str) and part not in _PLAIN else name)
    return "/".join(parts)
