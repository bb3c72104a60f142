"""Early stopping of trials: who goes at which report, by median, difference and rank; and when it is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.canon import Json
from planner.model.metric import Mark, Progress, followed, is_marked
from planner.search.stopping import Course, Reached, heeded, reached, stops, too_many_failed

pytestmark = pytest.mark.unit


def progress(*values: float) -> Progress:
    """What is known of a series of `values`."""
    marks = tuple(
        Mark(count, min(values[:count]), max(values[:count])) for count in range(1, len(values) + 1) if is_marked(count)
    )
    if not values:
        return Progress()
    return Progress(len(values), None, values[-1], min(values), max(values), marks=marks)


def at_work(number: int, *values: float) -> Course:
    return Course(number, running=True, progress=progress(*values))


def over(number: int, *values: float) -> Course:
    return Course(number, running=False, progress=progress(*values), value=values[-1] if values else None)


def failed(number: int, *values: float) -> Course:
    return Course(number, running=False, progress=progress(*values), failed=True)


def stopped(number: int, *values: float) -> Course:
    return Course(number, running=False, progress=progress(*values), value=values[-1], stopped=True)


def rule(kind: str, optimization: str = "minimize", **policy: Json) -> Mapping[str, Json]:
    return {
        "kind": "metric_early_stopping",
        "metric": "loss",
        "value": 0.0,
        "optimization": optimization,
        "policy": {"kind": kind, "evaluationInterval": 1, **policy},
    }


@dataclass(frozen=True)
class Row:
    """One row: trials, a rule, and the numbers of those that go."""

    ident: str
    why: str
    rule: Mapping[str, Json]
    courses: Sequence[Course]
    gone: Sequence[int] = ()
    reasons: Sequence[str] = field(default_factory=tuple)


MEDIAN = rule("median")
ROWS = (
    Row(
        "median",
        "worse than the middle of all",
        MEDIAN,
        [at_work(0, 0.9), at_work(1, 0.2), at_work(2, 0.4)],
        [0],
        ["loss is 0.9 at best after 1 report, worse than the median 0.4 of 3"],
    ),
    Row(
        "median-maximize",
        "the same where more is better",
        rule("median", "maximize"),
        [at_work(0, 0.9), at_work(1, 0.2), at_work(2, 0.4)],
        [1],
        ["loss is 0.2 at best after 1 report, worse than the median 0.4 of 3"],
    ),
    Row("median-alone", "one alone is not compared", MEDIAN, [at_work(0, 0.9)]),
    Row("median-equal", "equal is not worse", MEDIAN, [at_work(0, 0.5), at_work(1, 0.5), at_work(2, 0.5)]),
    Row(
        "median-huge",
        "the middle of two that no number holds the sum of",
        rule("median", "maximize"),
        [at_work(0, 1.7e308), at_work(1, 1.6e308)],
        [1],
    ),
    Row(
        "best-so-far",
        "the best counts, not the last",
        MEDIAN,
        [at_work(0, 0.1, 0.9), at_work(1, 0.3, 0.3), at_work(2, 0.4, 0.4)],
        [2],
    ),
    Row(
        "equal-count",
        "the one that is ahead is compared as it was when it had reported as often",
        MEDIAN,
        [at_work(0, 0.9), at_work(1, 0.95, 0.1, 0.1), at_work(2, 0.92, 0.1, 0.1)],
    ),
    Row(
        "ahead",
        "who is ahead waits for the others to get there",
        MEDIAN,
        [at_work(0, 0.9, 0.9, 0.9), at_work(1, 0.2), at_work(2, 0.3), at_work(3, 0.4)],
        [3],
        ["loss is 0.4 at best after 1 report, worse than the median 0.35 of 4"],
    ),
    Row(
        "those-that-are-over",
        "what has succeeded is a measure too",
        MEDIAN,
        [over(0, 0.1, 0.1), over(1, 0.2, 0.1), at_work(2, 0.5)],
        [2],
    ),
    Row("failed", "what has failed is none", MEDIAN, [failed(0, 0.1), failed(1, 0.2), at_work(2, 0.5)]),
    Row(
        "no-chain",
        "those that were stopped count where they were stopped: the next ones do not go because they went",
        MEDIAN,
        [stopped(0, 0.9), stopped(1, 0.8), at_work(2, 0.4), at_work(3, 0.3)],
    ),
    Row(
        "interval",
        "between two looks nobody goes",
        rule("median", evaluationInterval=3),
        [at_work(0, 0.9, 0.9), at_work(1, 0.1, 0.1), at_work(2, 0.1, 0.1)],
    ),
    Row(
        "interval-reached",
        "at a look they do, by how it stood there",
        rule("median", evaluationInterval=3),
        [at_work(0, 0.9, 0.9, 0.9, 0.0), at_work(1, 0.1, 0.1, 0.1), at_work(2, 0.1, 0.1, 0.1)],
        [0],
    ),
    Row(
        "least",
        "nobody goes before he has reported so often",
        rule("median", evaluationInterval=2, minInterval=5),
        [at_work(0, *[0.9] * 5), at_work(1, *[0.1] * 9)],
    ),
    Row(
        "least-reached",
        "the first look is at the first multiple after it",
        rule("median", evaluationInterval=2, minInterval=5),
        [at_work(0, *[0.9] * 6), at_work(1, *[0.1] * 9)],
        [0],
    ),
    Row(
        "samples",
        "nor before so many have got as far",
        rule("median", minSamples=4),
        [at_work(0, 0.9), at_work(1, 0.2), at_work(2, 0.4)],
    ),
    Row(
        "samples-reached",
        "itself counted",
        rule("median", minSamples=3),
        [at_work(0, 0.9), at_work(1, 0.2), at_work(2, 0.4)],
        [0],
    ),
    Row(
        "between-marks",
        "a look at report 20 is at the next one that is kept",
        rule("median", evaluationInterval=20),
        [at_work(0, *[0.9] * 23), at_work(1, *[0.1] * 100)],
    ),
    Row(
        "at-the-mark",
        "which is 24",
        rule("median", evaluationInterval=20),
        [at_work(0, *[0.9] * 24), at_work(1, *[0.1] * 100)],
        [0],
        ["loss is 0.9 at best after 24 reports, worse than the median 0.5 of 2"],
    ),
    Row("no-word", "who has reported nothing is not judged", MEDIAN, [at_work(0), at_work(1, 0.1), at_work(2, 0.1)]),
    Row("unknown", "nor who is not known", MEDIAN, [Course(0, running=True), at_work(1, 0.1), at_work(2, 0.1)]),
    Row(
        "odd-only",
        "nor who reported nothing but NaN",
        MEDIAN,
        [Course(0, running=True, progress=Progress(odd=7)), at_work(1, 0.1), at_work(2, 0.1)],
    ),
    Row(
        "diff",
        "more than so much worse than the best",
        rule("diff", percent=50),
        [at_work(0, 0.1), at_work(1, 0.149), at_work(2, 0.151)],
        [2],
        ["loss is 0.151 at best after 1 report, more than 50 % worse than 0.1 of trial 0"],
    ),
    Row(
        "diff-maximize",
        "below the best by a share of it",
        rule("diff", "maximize", percent=10),
        [at_work(0, 0.8), at_work(1, 0.725), at_work(2, 0.71)],
        [2],
    ),
    Row(
        "diff-negative",
        "a share of its size: of -1, 50 % less is -1.5",
        rule("diff", "maximize", percent=50),
        [at_work(0, -1.0), at_work(1, -1.5), at_work(2, -1.6)],
        [2],
    ),
    Row(
        "diff-negative-minimize",
        "of -2 as a loss, 50 % more is -1",
        rule("diff", percent=50),
        [at_work(0, -2.0), at_work(1, -1.0), at_work(2, -0.9)],
        [2],
    ),
    Row(
        "diff-zero",
        "no share of nothing is anything: all that is worse goes",
        rule("diff", percent=50),
        [at_work(0, 0.0), at_work(1, 0.0), at_work(2, 1e-9)],
        [2],
    ),
    Row(
        "diff-huge",
        "a share that no number holds is none",
        rule("diff", percent=300),
        [at_work(0, 1e308), at_work(1, 1.7e308)],
    ),
    Row(
        "truncation",
        "the worst share",
        rule("truncation", percent=50),
        [at_work(number, number / 10) for number in range(5)],
        [3, 4],
        [
            "loss is 0.3 at best after 1 report, among the worst 2 of 5",
            "loss is 0.4 at best after 1 report, among the worst 2 of 5",
        ],
    ),
    Row(
        "truncation-again",
        "asked again after they went, nobody else goes",
        rule("truncation", percent=50),
        [*(at_work(number, number / 10) for number in range(3)), stopped(3, 0.3), stopped(4, 0.4)],
    ),
    Row(
        "truncation-next",
        "at the next look those that have got there are ranked",
        rule("truncation", percent=50),
        [*(at_work(number, number / 10, 0.0) for number in range(2)), at_work(2, 0.2), stopped(3, 0.3)],
        [1, 2],
    ),
    Row(
        "truncation-equals",
        "of equals the newest go",
        rule("truncation", percent=50),
        [at_work(number, 0.5) for number in range(4)],
        [2, 3],
    ),
    Row(
        "truncation-few",
        "half a run is none",
        rule("truncation", percent=40),
        [at_work(0, 0.1), at_work(1, 0.9)],
    ),
    Row(
        "truncation-running",
        "what has succeeded is not counted",
        rule("truncation", percent=25),
        [at_work(0, 0.1), at_work(1, 0.9), over(2, 0.1), over(3, 0.1)],
    ),
    Row(
        "truncation-succeeded",
        "unless it is asked for",
        rule("truncation", percent=25, includeSucceeded=True),
        [at_work(0, 0.1), at_work(1, 0.9), over(2, 0.1), over(3, 0.1)],
        [1],
    ),
    Row(
        "truncation-succeeded-worst",
        "what is over is not stopped, and saves nobody who is better",
        rule("truncation", percent=25, includeSucceeded=True),
        [at_work(0, 0.1), at_work(1, 0.8), over(2, 0.9), over(3, 0.1)],
    ),
    Row(
        "truncation-all",
        "one stays, whatever was asked for",
        rule("truncation", percent=100),
        [at_work(0, 0.1), at_work(1, 0.9)],
        [1],
    ),
    Row(
        "no-policy",
        "a rule without a policy stops nobody",
        {k: v for k, v in MEDIAN.items() if k != "policy"},
        [at_work(0, 0.9), at_work(1, 0.1)],
    ),
    Row(
        "failure-rule",
        "nor does one on failures",
        {"kind": "failure_early_stopping", "percent": 1},
        [at_work(0, 0.9), at_work(1, 0.1)],
    ),
    Row("of-later", "nor a policy that is not known", rule("astrology"), [at_work(0, 0.9), at_work(1, 0.1)]),
    Row(
        "braces",
        "names are no templates",
        {**MEDIAN, "metric": "{loss}"},
        [at_work(0, 0.9), at_work(1, 0.1)],
        [0],
        ["{loss} is 0.9 at best after 1 report, worse than the median 0.5 of 2"],
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ident)
def test_who_goes(row: Row) -> None:
    found = stops(row.rule, row.courses)

    assert list(row.gone) == [cut.number for cut in found], row.why
    if row.reasons:
        assert list(row.reasons) == [cut.reason for cut in found]


VALUES = st.lists(st.floats(-1e6, 1e6), max_size=40)
POLICIES = st.sampled_from(
    [
        rule("median"),
        rule("median", "maximize", evaluationInterval=3, minInterval=4),
        rule("diff", percent=20),
        rule("truncation", percent=30),
        rule("truncation", percent=60, includeSucceeded=True, minSamples=3),
    ]
)


@given(st.lists(VALUES, max_size=12), POLICIES)
def test_asked_again_after_they_went_nobody_else_goes(
    histories: list[list[float]], given_rule: Mapping[str, Json]
) -> None:
    courses = [at_work(number, *values) for number, values in enumerate(histories)]
    gone = {cut.number for cut in stops(given_rule, courses)}
    after = [replace(course, running=False, stopped=True) if course.number in gone else course for course in courses]

    assert stops(given_rule, after) == ()


@given(st.lists(VALUES, max_size=12), POLICIES, st.randoms(use_true_random=False))
def test_verdicts_do_not_depend_on_the_order_of_trials(
    histories: list[list[float]], given_rule: Mapping[str, Json], chance: object
) -> None:
    courses = [at_work(number, *values) for number, values in enumerate(histories)]
    mixed = list(courses)
    chance.shuffle(mixed)  # type: ignore[attr-defined]

    assert stops(given_rule, mixed) == stops(given_rule, courses)


@given(st.lists(VALUES, min_size=1, max_size=12), POLICIES)
def test_somebody_always_stays(histories: list[list[float]], given_rule: Mapping[str, Json]) -> None:
    courses = [at_work(number, *values) for number, values in enumerate(histories)]

    assert len(stops(given_rule, courses)) < len(courses)


def test_marks_grow_with_the_logarithm_of_the_reports() -> None:
    assert [count for count in range(-1, 200) if is_marked(count)] == [*range(1, 17), 24, 32, 48, 64, 96, 128, 192]
    assert sum(map(is_marked, range(1_000_001))) == 47


WHOLE = progress(*[1.0] * 30)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(None, WHOLE, WHOLE, id="first"),
        pytest.param(progress(*[1.0] * 9), replace(WHOLE, marks=WHOLE.marks[9:]), WHOLE, id="new-marks-only"),
        pytest.param(progress(*[1.0] * 9), WHOLE, WHOLE, id="all-marks-again"),
        pytest.param(WHOLE, replace(WHOLE, count=31, marks=()), replace(WHOLE, count=31), id="no-new-mark"),
        pytest.param(WHOLE, progress(2.0), progress(2.0), id="begun-anew"),
    ],
)
def test_marks_that_were_known_stay(before: Progress | None, after: Progress, expected: Progress) -> None:
    assert followed(before, after) == expected


GOOD = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.1, "optimization": "minimize"}


@pytest.mark.parametrize(
    ("given_rule", "courses", "expected"),
    [
        pytest.param(GOOD, [at_work(0, 0.5)], None, id="not-yet"),
        pytest.param(GOOD, [at_work(0, 0.5, 0.1, 0.3)], Reached(0, 0.1), id="at-work-at-its-best"),
        pytest.param(GOOD, [over(1, 0.05), at_work(0, 0.5)], Reached(1, 0.05), id="over"),
        pytest.param(GOOD, [Course(0, running=False, value=0.1)], Reached(0, 0.1), id="over-too-quick-to-be-seen"),
        pytest.param(GOOD, [over(3, 0.0), over(2, 0.01)], Reached(2, 0.01), id="the-first-of-two"),
        pytest.param(GOOD, [failed(0, 0.0)], None, id="failed"),
        pytest.param({**GOOD, "optimization": "maximize"}, [at_work(0, 0.5)], Reached(0, 0.5), id="maximize"),
        pytest.param({**GOOD, "value": "0.1"}, [at_work(0, 0.1)], Reached(0, 0.1), id="text"),
        pytest.param(MEDIAN, [at_work(0, -5.0)], None, id="with-a-policy"),
        pytest.param({"kind": "failure_early_stopping", "percent": 1}, [at_work(0, -5.0)], None, id="failures"),
        pytest.param(GOOD, [], None, id="nobody"),
    ],
)
def test_good_enough(given_rule: Mapping[str, Json], courses: Sequence[Course], expected: Reached | None) -> None:
    assert reached(given_rule, courses) == expected


@pytest.mark.parametrize(
    ("percent", "gone", "total", "expected"),
    [(50, 0, 0, False), (50, 1, 2, True), (50, 1, 3, False), (1, 0, 10, False), ("50", 5, 10, True)],
)
def test_too_many_failed(percent: Json, gone: int, total: int, *, expected: bool) -> None:
    assert too_many_failed({"kind": "failure_early_stopping", "percent": percent}, gone, total) is expected
    assert not too_many_failed({**GOOD, "percent": percent}, gone, total)


def test_names_that_rules_look_at() -> None:
    assert heeded([GOOD, {"kind": "failure_early_stopping", "percent": 5}, {**MEDIAN, "metric": "f1"}]) == {
        "loss",
        "f1",
    }


def test_a_complaint_counts() -> None:
    assert [Progress(odd=odd).complaint for odd in (0, 1, 3)] == [
        "",
        "reported 1 value that is no finite number",
        "reported 3 values that are no finite number",
    ]
