"""Inputs, outputs and params (reference, sections 6 to 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.generate import kubernetes
from tests.generate.dice import Dice, Free

GOOD: Mapping[str, tuple[Any, ...]] = {
    "str": ("a", "hello world", "x-1"),
    "int": (1, 7, 12, "3", 4.0),
    "float": (0.1, 1, "0.5", 0.001),
    "bool": (True, False, "true", "on", 1),
    "dict": (Free(a=1), '{"a": [1, 2]}', Free()),
    "list": ([1, "a"], "[1, 2]", []),
    "any": (1, "a", [1], Free(a=None)),
    "date": ("2026-01-02",),
    "datetime": ("2026-01-02T00:00:00",),
    "timedelta": (60, "PT1H", "P1D"),
    "uuid": ("8aac02e3-a62a-4f0a-aa25-7c59da5eab80", "8aac02e3a62a4f0aaa257c59da5eab80"),
    "email": ("ada@example.org",),
    "uri": ("https://example.org:8080", "http://user:word@example.org"),
    "path": ("/data/a.csv", "a/b"),
    "metric": (0.5, "0.001", 2),
    "metadata": (Free(a=1),),
    "image": kubernetes.IMAGES,
    "gcs": ("gs://bucket/a/b",),
    "s3": ("s3://bucket/a/b",),
    "wasb": ("wasb://container@user.blob.core.windows.net/a",),
    "git": ({"url": "https://example.org/acme/repo.git", "revision": "main"},),
    "artifacts": ({"files": ["a", ["b", "c"]]}, {"dirs": ["d"], "workers": 2}),
    "event": ({"name": "a", "kind": "metric"},),
    "tensorboard": ({"port": 6006, "useNames": True},),
}
"""Values that a type takes."""
BAD: Mapping[str, tuple[Any, ...]] = {
    "int": (3.5, "x", [1]),
    "float": ("x", [1.0]),
    "bool": (2, "maybe"),
    "dict": ([1], "text"),
    "list": (3, Free(a=1)),
    "date": ("tomorrow",),
    "datetime": ("later",),
    "timedelta": ("soon",),
    "uuid": ("abc",),
    "email": ("ada",),
    "uri": ("example",),
    "path": (3,),
    "metric": ("x",),
    "image": ("im tag:x",),
    "gcs": ("s3://bucket/a",),
    "s3": ("gs://bucket/a",),
    "wasb": ("s3://bucket/a",),
    "git": ("https://example.org/acme/repo.git",),
    "artifacts": (["a"],),
}
"""Values that it does not take."""
COMMON = ("str", "int", "float", "bool", "dict", "list")
SIMPLE = ("int", "float", "str", "bool")


def inputs(dice: Dice, most: int = 4) -> list[dict[str, Any]]:
    """Declared inputs; templates of the rest of the document may read them."""
    return [_one(dice, required=0.4) for _ in range(dice.whole(1, most))]


def outputs(dice: Dice) -> list[dict[str, Any]]:
    """Declared outputs."""
    return [
        {"name": dice.name()}
        | dice.fields(("type", 0.8, lambda: dice.pick(["metric", "float", "str", "path", "dict"])))
        for _ in range(dice.whole(1, 3))
    ]


def _one(dice: Dice, required: float) -> dict[str, Any]:
    kind = dice.pick([*COMMON, *COMMON, *GOOD]) if dice.chance(0.92) else ""
    name = dice.name().replace("-", "_")
    made: dict[str, Any] = {"name": name} | ({"type": kind} if kind else {})
    many = kind in SIMPLE and dice.chance(0.1)
    made |= dice.fields(("description", 0.2, dice.word), ("isList", float(many), lambda: True))
    if not dice.chance(required):
        made |= {"value": value(dice, kind, many=many)}
        made |= dice.fields(("isOptional", 0.5, lambda: True))
    elif dice.chance(0.3):
        made["isOptional"] = True
    if kind == "bool" and not many:
        made |= dice.fields(("isFlag", 0.3, lambda: True))
    made |= dice.fields(
        ("argFormat", 0.1, lambda: "--%s={{ %s }}" % (name, name)),  # noqa: UP031 -- braces
        ("toEnv", 0.1, name.upper),
        ("connection", 0.06, dice.name_of_container),
        ("delayValidation", 0.06, lambda: True),
    )
    if (kind and "connection" in made) or kind in {"git", "artifacts"}:
        made |= dice.fields(("toInit", 0.4, lambda: True))
    if not many and dice.chance(0.25):
        made |= _validation(kind)
    if not many:
        dice.scope.setdefault(kind, []).append(name)
    return made


def value(dice: Dice, kind: str, *, many: bool = False) -> Any:
    """A value of that type."""
    good = GOOD.get(kind, (1, "a", [1, 2]))
    return [dice.pick(good) for _ in range(dice.whole(1, 3))] if many else dice.pick(good)


def _validation(kind: str) -> dict[str, Any]:
    rules: Mapping[str, dict[str, Any]] = {
        "int": {"ge": -2, "le": 12},
        "float": {"gt": 0, "lt": 10},
        "str": {"minLength": 1, "maxLength": 20, "regex": "[a-z]"},
        "dict": {"maxItems": 5},
        "list": {"minItems": 0, "maxItems": 5},
    }
    return {"validation": dict(rules[kind])} if kind in rules else {}


def params(dice: Dice, declared: list[dict[str, Any]]) -> Free:
    """Params for declared inputs: all that are needed, and some that are not."""
    found = Free()
    for one in declared:
        needed = "value" not in one and not one.get("isOptional") and not one.get("delayValidation")
        if needed or dice.chance(0.4):
            found[one["name"]] = param(dice, one)
    if dice.chance(0.15):
        found[dice.name()] = {"value": dice.word(), "contextOnly": True} | dice.fields(("toEnv", 0.3, lambda: "EXTRA"))
    return found


def param(dice: Dice, one: Mapping[str, Any]) -> Any:
    """A param for a declared input, short or long."""
    given = value(dice, one.get("type", ""), many=bool(one.get("isList")))
    short = not isinstance(given, dict) and dice.chance(0.7)
    if short:
        return given
    return {"value": given} | dice.fields(("toEnv", 0.1, lambda: "GIVEN"), ("connection", 0.05, dice.name_of_container))


def bad_param(dice: Dice, one: Mapping[str, Any]) -> Any:
    """A value that the input does not take, or one that it does."""
    return dice.pick(BAD.get(one.get("type", ""), (1,)))
