"""The golden states: what the API server has of an attempt, and the observation beside it.

A state is a file of JSON as the API server gives it; one that was recorded of a real cluster is a state like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.canon import Json, plain
from planner.model.run import Observation
from reconciler.backends.kubernetes.status import Objects, observe
from reconciler.backends.kubernetes.status.queue import Queued
from tests.reconciler.backends.kubernetes.orders import GOLDEN

STATUS = GOLDEN / "status"
EXPECTED = ".expected.json"


def states() -> list[str]:
    """Names of all states."""
    return sorted(path.stem for path in STATUS.glob("*.json") if not path.name.endswith(EXPECTED))


def objects(name: str) -> Objects:
    """The objects of a state."""
    read: dict[str, Any] = json.loads((STATUS / f"{name}.json").read_text())
    queued = Queued(read.get("queued"), read.get("trouble", ""))
    return Objects(read["kind"], read["workload"], read["pods"], read["events"], queued=queued)


def told(observation: Observation) -> dict[str, Json]:
    """What an observation says, without what it does not say."""
    found = plain(observation)
    assert isinstance(found, Mapping)
    return {name: value for name, value in found.items() if value not in (None, "", {}, [])} | {
        "key": str(observation.key)
    }


def golden(name: str) -> str:
    """The file beside a state."""
    return json.dumps(told(observe(objects(name))), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def expected(name: str) -> Path:
    """Where that file is."""
    return STATUS / f"{name}{EXPECTED}"
