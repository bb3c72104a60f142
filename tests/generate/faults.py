"""One planted fault: a document is changed in one place. Most such changes are wrong, a few happen to be right."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.generate.dice import Dice, Free, Kube

WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**12,
    "",
    "text",
    "1h",
    [],
    ["a"],
    {},
    {"a": 1},
    "{{ globals.uuid }}",
)
_EXTRA = ("image", "retries", "Name", "timeout_seconds", "x")
Spot = tuple[Any, Any]
"""A container and the key or index in it."""


def with_fault(dice: Dice, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What was planted and where, and the changed copy."""
    made = copy.deepcopy(document)
    for _ in range(20):
        planter = dice.pick(_PLANTERS)
        said = planter(dice, made)
        if said:
            return said, made
    return "nothing", made


def spots(value: Any, path: str = "") -> Iterator[tuple[str, Spot]]:
    """Every part of a document outside of Kubernetes objects, with its place."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield f"{path}/{key}", (value, key)
        if not isinstance(item, Kube):
            yield from spots(item, f"{path}/{key}")


def _closed(made: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Mappings whose keys are the language's."""
    found = [("", made)]
    for path, (holder, key) in spots(made):
        item = holder[key]
        if isinstance(item, dict) and not isinstance(item, Free | Kube):
            found.append((path, item))
    return found


def _misspelt(dice: Dice, made: dict[str, Any]) -> str:
    path, holder = dice.pick(_closed(made))
    if not holder:
        return ""
    key = dice.pick(list(holder))
    wrong = dice.pick([key + "s", key[:-1], key.upper(), key.replace("a", "e"), f"_{key}"])
    if wrong in holder or not wrong:
        return ""
    holder[wrong] = holder.pop(key)
    return f"{path}/{key} misspelt {wrong}"


def _extra(dice: Dice, made: dict[str, Any]) -> str:
    path, holder = dice.pick(_closed(made))
    key = dice.pick(_EXTRA)
    if key in holder:
        return ""
    holder[key] = dice.pick(WRONG)
    return f"{path}/{key} added"


def _removed(dice: Dice, made: dict[str, Any]) -> str:
    path, holder = dice.pick(_closed(made))
    if not holder:
        return ""
    key = dice.pick(list(holder))
    del holder[key]
    return f"{path}/{key} removed"


def _retyped(dice: Dice, made: dict[str, Any]) -> str:
    path, (holder, key) = dice.pick(list(spots(made)))
    before, after = holder[key], dice.pick(WRONG)
    if before == after and type(before) is type(after):
        return ""
    holder[key] = after
    return f"{path} is {after!r}"


def _wrong_word(dice: Dice, made: dict[str, Any]) -> str:
    words = [(path, spot) for path, spot in spots(made) if isinstance(spot[0][spot[1]], str)]
    path, (holder, key) = dice.pick(words)
    word = holder[key]
    after = dice.pick([word.upper(), word.capitalize(), word + "x", word.replace("_", "-"), f" {word}"])
    if after == word:
        return ""
    holder[key] = after
    return f"{path} is {after!r}"


def _twice(dice: Dice, made: dict[str, Any]) -> str:
    lists = [(path, spot[0][spot[1]]) for path, spot in spots(made) if isinstance(spot[0][spot[1]], list)]
    lists = [(path, items) for path, items in lists if items]
    if not lists:
        return ""
    path, items = dice.pick(lists)
    items.append(copy.deepcopy(items[0]))
    return f"{path}/0 twice"


def _second_reference(dice: Dice, made: dict[str, Any]) -> str:
    if made.get("kind") != "operation":
        return ""
    key = dice.pick(["hubRef", "urlRef", "dagRef", "pathRef"])
    if key in made:
        return ""
    made[key] = "acme"
    return f"/{key} added"


def _kubernetes(dice: Dice, made: dict[str, Any]) -> str:
    """An unknown field right in a Kubernetes object."""
    found = [(path, spot[0][spot[1]]) for path, spot in spots(made) if isinstance(spot[0][spot[1]], Kube)]
    if not found:
        return ""
    path, item = dice.pick(found)
    item["imgae"] = dice.word()
    return f"{path}/imgae added"


_PLANTERS: tuple[Callable[[Dice, dict[str, Any]], str], ...] = (
    *[_misspelt] * 3,
    *[_retyped] * 4,
    *[_removed] * 2,
    _extra,
    *[_wrong_word] * 2,
    _twice,
    _second_reference,
    _kubernetes,
)
