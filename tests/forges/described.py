"""Holds every request that an adapter makes against what its forge publishes of its API (`scripts/forge-descriptions`).

A field that the description does not have, a type or word that is another, a required field that is missing: the test
fails that made the request, whatever it is about.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.forges.state import Asked

__all__ = ["Description"]

_FOLDER = Path(__file__).parent / "descriptions"
_TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


class Description:
    """The published description of one forge.

    Attributes:
        used: how often each operation was asked for.
    """

    used: Counter[str]

    def __init__(self, name: str) -> None:
        self._operations = json.loads((_FOLDER / f"{name}.json").read_text())["operations"]
        self.used = Counter()

    @property
    def operations(self) -> set[str]:
        """All that are used of it."""
        return {f"{operation['method']} {operation['path']}" for operation in self._operations}

    def check(self, asked: Asked) -> None:
        """Fail where the request is none of the description."""
        operation = self._operation(asked)
        name = f"{operation['method']} {operation['path']}"
        self.used[name] += 1
        for field, value in asked.query.items():
            assert field in operation["query"], f"{name} has no parameter {field}"
            assert _is_spelled(value, operation["query"][field]), f"{name}: {field}={value}"
        body = asked.body or {}
        for field, value in body.items():
            assert field in operation["body"], f"{name} has no field {field}"
            assert _is(value, operation["body"][field]), f"{name}: {field}: {value!r}"
        missing = set(operation["required"]) - set(body)
        assert not missing, f"{name} lacks {missing}"

    def _operation(self, asked: Asked) -> Any:
        for operation in self._operations:
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation["path"]))
            if operation["method"] == asked.method and re.fullmatch(pattern, asked.path):
                return operation
        raise AssertionError(f"no operation {asked.method} {asked.path}")


def _is(value: Any, kind: Any) -> bool:
    if isinstance(kind, list):
        return value in kind
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_spelled(text: str, kind: Any) -> bool:
    if isinstance(kind, list):
        return text in kind
    return {"integer": text.isdigit(), "boolean": text in {"true", "false"}}.get(kind, True)
