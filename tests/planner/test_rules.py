"""The golden folder of rules: what every case leads to, and each trigger against each combination of ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planner.rules import ENDS, TRIGGERS, rules

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[1] / "golden/rules"


def test_the_golden_folder():
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == rules()


def test_a_trigger_is_decided_as_its_name_says():
    """The table once more, from the names alone: a second opinion on every row."""
    for row in (FOLDER / "triggers.txt").read_text().splitlines()[1:]:
        ends, *words = row.replace(" + ", "+").split()
        assert [_expected(trigger, ends.split("+")) for trigger in TRIGGERS] == words[:-1], row


def _expected(trigger: str, ends: list[str]) -> str:
    how, _, what = trigger.partition("_")
    good = {"succeeded": {"succeeded", "skipped"}, "failed": {"failed"}, "done": set(ENDS) - {"running"}}[what]
    met = [end in good for end in ends]
    still = "running" in ends
    if how == "one":
        return "starts" if any(met) else "waits" if still else "upstream_failed"
    return "waits" if still else "starts" if all(met) else "upstream_failed"
