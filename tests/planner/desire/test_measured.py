"""Why a trial that ended well counts as failed: what it said of the metric that its sweep searches by, and what not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planner import keys
from planner.desire.measured import lacking
from planner.model.metric import Progress
from planner.model.records import RunRecord

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"metrics": {"loss": 0.5}}, "", id="a-number"),
        pytest.param({"outputs": {"loss": "0.5"}}, "", id="a-number-as-text"),
        pytest.param({"metrics": {"loss": "NaN"}}, "its loss is NaN, and its sweep needs a finite number", id="nan"),
        pytest.param(
            {"progress": {"loss": Progress(odd=3)}},
            "it reported 3 values that are no finite number for loss, and its sweep needs one",
            id="reported-as-text",
        ),
        pytest.param({}, "it ended without reporting loss, which its sweep searches by", id="nothing"),
        pytest.param(
            {"progress": {"loss": Progress(1, None, 0.5, 0.5, 0.5)}},
            "it ended without reporting loss, which its sweep searches by",
            id="gone-at-the-end",
        ),
    ],
)
def test_why_it_counts_as_failed(said, expected):
    run = RunRecord(keys.generation("tune", 1).child("0000"), "tune", "job", "c1", 1, "d1:f", AT, **said)
    assert lacking(run, "loss") == expected
