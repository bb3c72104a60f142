"""Components with operations that are merged over them, and now and then a preset over both (reference, section 5)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.generate import matrix, sections, specs, timing
from tests.generate.dice import Dice, Free, Kube

_ONLY_OPERATIONS = ("matrix", "schedule", "joins")
_NOT_MERGED = ("template", "presets")
"""What no merge is about: presets are looked up by their names."""


@dataclass(frozen=True)
class Pair:
    """Something to merge.

    Attributes:
        seed: makes it again: `pair(seed, strategy)`.
        operation: with its component inside and its strategy.
        preset: what is laid over the operation first; None for nothing.
    """

    seed: str
    operation: dict[str, Any]
    preset: dict[str, Any] | None


def pairs(seed: object, count: int) -> Iterator[Pair]:
    """So many pairs, each strategy in turn."""
    for number in range(count):
        yield pair(f"{seed}/{number}", sections.STRATEGIES[number % len(sections.STRATEGIES)])


def pair(seed: str, strategy: str) -> Pair:
    """The pair of that seed for that strategy."""
    dice = Dice(seed)
    component, _ = specs.component(dice)
    component.pop("presets", None)
    dice.scope.clear()
    operation = {"version": specs.VERSION, "kind": "operation", "patchStrategy": strategy}
    operation |= _over(dice, component, specs.shared)
    operation["runPatch"] = _run_patch(dice, component["run"])
    _sweep(dice, operation)
    operation["component"] = component
    if component["run"]["kind"] == "dag":
        operation.pop("build", None)
    preset = _preset(dice, operation, strategy) if dice.chance(0.3) else None
    return Pair(seed, operation, preset)


def _sweep(dice: Dice, made: dict[str, Any]) -> None:
    if dice.chance(0.3):
        made["matrix"] = matrix.matrix(dice)[0]
    if dice.chance(0.3):
        made["schedule"] = timing.schedule(dice)
    if dice.chance(0.2):
        made["joins"] = [timing.join(dice)]


def _preset(dice: Dice, operation: dict[str, Any], strategy: str) -> dict[str, Any]:
    made = {"version": specs.VERSION, "kind": "operation", "isPreset": True, "patchStrategy": strategy}
    made |= _over(dice, operation, specs.shared)
    for key in ("name", "mount"):  # names find presets; Polyaxon cannot merge two of `mount`
        made.pop(key, None)
    for key in _ONLY_OPERATIONS:
        if key in operation and dice.chance(0.5):
            made[key] = _similar(dice, operation[key]) if dice.chance(0.5) else None
    _sweep(dice, made)
    if dice.chance(0.7):
        made["runPatch"] = _run_patch(dice, operation["component"]["run"])
    made.pop("template", None)
    return made


def _over(dice: Dice, base: dict[str, Any], make: Any) -> dict[str, Any]:
    """Shared fields anew; some of them made of what is there already, some null."""
    made: dict[str, Any] = make(dice)
    for key in [key for key, _ in _shared_of(base)]:  # in their order: a set has another one in each process
        if dice.chance(0.3):
            made[key] = _similar(dice, base[key])
        elif dice.chance(0.06):
            made[key] = None
    for key in _NOT_MERGED:
        made.pop(key, None)
    return made


def _shared_of(base: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    own = {
        "inputs",
        "outputs",
        "run",
        "kind",
        "version",
        "component",
        "runPatch",
        "patchStrategy",
        "template",
        "params",
    }
    return ((key, item) for key, item in base.items() if key not in {*own, *_ONLY_OPERATIONS})


def _run_patch(dice: Dice, run: dict[str, Any]) -> dict[str, Any]:
    patch = specs.run_patch(dice, run)
    if dice.chance(0.6):  # where both have these, Polyaxon drops the patch: of that, little is enough
        patch = _without(patch, {"volumes", "sidecars"})
    for key, item in run.items():
        if key != "kind" and dice.chance(0.2):
            patch[key] = _similar(dice, item)
    return patch


def _without(patch: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A patch without some fields, its own and those of the replicas in it."""
    kept = {key: item for key, item in patch.items() if key not in names}
    return {key: _without(item, names) if type(item) is dict else item for key, item in kept.items()}


def _similar(dice: Dice, value: Any) -> Any:
    """A part of a value: some keys and items of it, some of them changed."""
    match value:
        case Kube() if "image" not in value:
            return copy.deepcopy(value)
        case Kube():
            return Kube({key: _similar(dice, item) for key, item in value.items() if dice.chance(0.7)})
        case Free():
            return Free({key: _changed(dice, item) for key, item in value.items() if dice.chance(0.7)})
        case {"kind": _} | {"hubRef": _}:
            return {key: _changed(dice, item) for key, item in value.items()}
        case dict():
            return {key: _similar(dice, item) for key, item in value.items() if dice.chance(0.7)}
        case list():
            return [copy.deepcopy(item) for item in value if dice.chance(0.6)]
        case _:
            return _changed(dice, value)


def _changed(dice: Dice, value: Any) -> Any:
    if isinstance(value, bool) and dice.chance(0.5):
        return not value
    if isinstance(value, int) and not isinstance(value, bool) and dice.chance(0.5):
        return value + 1
    return copy.deepcopy(value)
