"""Every word of a state has its kind, for terminals, pages and graphs alike."""

from __future__ import annotations

import pytest

from planner.model.commits import StatusState
from planner.model.status import RunStatus
from planner.render.tone import Tone, tone

pytestmark = pytest.mark.unit

IDLE = {"stopped", "skipped", "superseded", "manual", "removed", ""}
GOOD = {"succeeded", "ready", "success", "scheduled", "listening", "in force"}
BAD = {"failed", "upstream_failed", "failure", "error", "unknown", "held", "down", "refused", "invalid"}


@pytest.mark.parametrize("word", sorted({*RunStatus, *StatusState, *IDLE, *GOOD, *BAD, "removing", "waiting"}))
def test_a_word_has_its_kind(word):
    expected = Tone.IDLE if word in IDLE else Tone.GOOD if word in GOOD else Tone.BAD if word in BAD else Tone.BUSY
    assert tone(word) is expected


def test_a_word_of_no_state_has_no_colour():
    assert {tone(word) for word in ("train", "FAILED", " failed", "it failed", "3 min")} == {Tone.IDLE}
