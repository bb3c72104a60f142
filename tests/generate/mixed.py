"""Operations as a repository holds them, of realistic size: 30 to 120 lines each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.generate import specs
from tests.generate.dice import Dice

_SHARE = {"job": 50, "service": 12, "dag": 12, "sweep": 16, "tfjob": 3, "pytorchjob": 4, "mpijob": 3}
_ELSEWHERE = frozenset({"presets", "events"})
_FEWEST, _MOST = 30, 120


def mixed(count: int, seed: object = "mixed") -> Iterator[tuple[str, str]]:
    """So many operations as text, each with its name, unique in the repository."""
    kinds = [kind for kind, share in _SHARE.items() for _ in range(share)]
    for number in range(count):
        name = f"op-{number}"
        yield name, _one(f"{seed}/{number}", kinds[number * 37 % len(kinds)], name)


def _one(seed: str, kind: str, name: str) -> str:
    tried = 0
    while True:
        made = _made(Dice(f"{seed}/{tried}"), kind)
        text = specs.text_of({"version": specs.VERSION, "kind": "operation", "name": name} | made)
        lines = text.count("\n")
        if _FEWEST <= lines <= _MOST or tried == 40:
            return text
        tried += 1


def _made(dice: Dice, kind: str) -> dict[str, Any]:
    match kind:
        case "dag":
            made = specs.dag(dice)
        case "sweep":
            made = specs.sweep(dice)
        case _:
            made = specs.operation(dice, kind)
    return {key: _alone(item) for key, item in made.items() if key not in {"version", "kind", "name", *_ELSEWHERE}}


def _alone(value: Any) -> Any:
    """A value without what refers to another file."""
    if isinstance(value, dict):
        return type(value)({key: _alone(item) for key, item in value.items() if key not in _ELSEWHERE})
    return [_alone(item) for item in value] if isinstance(value, list) else value
