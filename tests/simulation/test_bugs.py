"""Planted bugs: each patch undoes one law, and the simulation must notice. A permanent control of its invariants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.processes import copy_with, start

pytestmark = pytest.mark.simulation

PATCHES = sorted((Path(__file__).parent / "bugs").glob("*.patch"))
SEEDS = 300
"""A bug that so many histories do not show is not caught."""


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught(patch, tmp_path, record_property):
    ran = start(["--seeds", f"0:{SEEDS}", "--stop"], copy_with(patch, tmp_path / "tree")).wait()
    caught = {seed: sorted(found) for seed, found in ran.violations.items()}
    record_property("simulation", f"{patch.stem}: caught by {caught or 'nothing'}")

    assert caught


def test_there_are_as_many_bugs_as_we_say():
    assert len(PATCHES) >= 12
