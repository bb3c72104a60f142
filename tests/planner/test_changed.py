"""Changing fields of a record: as `dataclasses.replace` does, which it stands in for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from planner import keys
from planner.fold.changed import changed
from planner.model.run import Observation, Phase

pytestmark = pytest.mark.unit

SEEN = Observation(keys.generation("train", 1).at_attempt(1), Phase.RUNNING, message="up")


@dataclass(frozen=True)
class Named:
    one: int
    two: int = field(kw_only=True, default=2)


@dataclass(frozen=True)
class Made:
    one: int
    two: int = field(init=False, default=2)


@pytest.mark.parametrize("changes", [{}, {"phase": Phase.ENDED, "exit_code": 3}, {"key": SEEN.key.at_attempt(2)}])
def test_it_is_what_replace_gives(changes: dict[str, Any]):
    found = changed(SEEN, **changes)
    assert found == replace(SEEN, **changes)
    assert type(found) is Observation
    kept = [one.name for one in fields(Observation) if one.name not in changes]
    assert all(getattr(found, name) is getattr(SEEN, name) for name in kept)


def test_a_field_that_is_not_there():
    with pytest.raises(TypeError, match="Observation has no field phrase"):
        changed(SEEN, phrase="x")


@pytest.mark.parametrize("value", [Named(1), Made(1)], ids=["by-name", "made-by-itself"])
def test_fields_that_are_not_given_in_their_order(value: Any):
    with pytest.raises(TypeError, match="are not given in their order"):
        changed(value, one=3)
