"""Ten thousand documents of fixed seeds; `make fuzz` looks at others, and at more of them."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import ANY

import pytest

from tests.fuzz import look as looking
from tests.fuzz.look import look

pytestmark = pytest.mark.simulation

PARTS, EACH = 25, 400


@pytest.mark.parametrize("part", range(PARTS))
def test_no_document_breaks_anything(part):
    looks = [look(f"test/{part}/{number}") for number in range(EACH)]

    failed = [f"python -m tests.fuzz {one.seed}\n{one.failure}" for one in looks if one.failure]
    assert not failed, "\n\n".join(failed[:3])
    # what is refused at the door proves nothing of the rooms behind it
    assert sum(one.roots > 0 for one in looks) > EACH / 25
    assert sum(one.bound > 0 for one in looks) > EACH / 50


def test_what_breaks_is_found(monkeypatch):
    def broken(_schedule):
        raise ZeroDivisionError

    monkeypatch.setattr(looking, "check_schedule", broken)
    looks = [look(f"control/{number}") for number in range(400)]

    failed = [one for one in looks if one.failure]
    assert failed
    assert all("ZeroDivisionError" in one.failure and "broken" in one.failure for one in failed)


def test_what_takes_long_is_found(monkeypatch):
    monkeypatch.setattr(looking, "LIMIT", 0.0)

    assert look("control/1").failure.endswith("seconds")


def test_a_seed_is_one_document():
    assert look("control/2") == replace(look("control/2"), seconds=ANY)
