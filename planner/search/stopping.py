"""Early stopping of trials: which ones a rule ends, and when a rule has had enough (docs/early-stopping.md).

Everything follows from what trials have reported, as it is recorded: the same records give the same verdicts, however
often they are asked for. Nothing is remembered. A run is compared with all that have reported as often as it has,
whatever became of them since: so nobody is stopped because others were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.canon import Json
from planner.model.metric import Progress
from planner.query.subject import number_of

__all__ = ["Course", "Cut", "Reached", "heeded", "reached", "stops", "too_many_failed"]

_METRIC, _FAILURE = "metric_early_stopping", "failure_early_stopping"


@dataclass(frozen=True, slots=True)
class Course:
    """How a trial goes, by the metric of a rule.

    Attributes:
        number: of the trial.
        running: whether it is at work: only such ones are stopped.
        progress: what it has reported so far; None for nothing that is known.
        value: of a trial that is over and counts; None of others.
        failed: whether it is over without a value that counts.
        stopped: whether it is over because a rule stopped it: it goes on counting at the points that it reached.
    """

    number: int
    running: bool
    progress: Progress | None = None
    value: float | None = None
    failed: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """A trial that is to be stopped, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A trial that is good enough: its value."""

    number: int
    value: float


@dataclass(frozen=True, slots=True)
class _Looks:
    """When a policy looks at a trial."""

    interval: int
    least: int
    samples: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a trial stood at a point: `best` is larger the better it is, `said` is the value as it was reported."""

    course: Course
    best: float
    said: float


def heeded(rules: Sequence[Mapping[str, Json]]) -> frozenset[str]:
    """Names of the metrics that rules look at while runs run."""
    return frozenset(str(rule.get("metric")) for rule in rules if rule.get("kind") == _METRIC)


def stops(rule: Mapping[str, Json], courses: Sequence[Course]) -> tuple[Cut, ...]:
    """The trials at work that `rule` stops now, by number; none for a rule without a policy.

    Args:
        rule: by YAML names.
        courses: of all trials that have begun, by the metric of the rule.
    """
    policy = rule.get("policy")
    if rule.get("kind") != _METRIC or not isinstance(policy, Mapping):
        return ()
    looks, sign = _looks(policy), 1.0 if rule.get("optimization") == "maximize" else -1.0
    counted = [course for course in courses if _counts(course, policy)]
    at: dict[int, list[Course]] = {}
    for course in counted:
        point = _point(course.progress, looks) if course.running else None
        if point is not None:
            at.setdefault(point, []).append(course)
    cuts: list[Cut] = []
    for count, judged in at.items():
        there = sorted(_standings(counted, count, sign), key=lambda one: (one.best, -one.course.number))
        if len(there) >= max(looks.samples, 2):
            said = (f"{rule.get('metric')} is ", f" at best after {_times(count)}, ")
            cuts.extend(_cuts(policy, judged, there, said))
    return tuple(sorted(cuts, key=lambda cut: cut.number))


def reached(rule: Mapping[str, Json], courses: Sequence[Course]) -> Reached | None:
    """The first trial that is good enough for a rule without a policy: at work, by what it has reported, or over."""
    wanted = number_of(rule.get("value"))
    if rule.get("kind") != _METRIC or isinstance(rule.get("policy"), Mapping) or wanted is None:
        return None
    maximize = rule.get("optimization") == "maximize"
    for course in sorted(courses, key=lambda course: course.number):
        for value in _values(course, maximize=maximize):
            if value >= wanted if maximize else value <= wanted:
                return Reached(course.number, value)
    return None


def too_many_failed(rule: Mapping[str, Json], failed: int, total: int) -> bool:
    """Whether `failed` of `total` trials, those that have not begun counted too, are too many for a rule.

    Args:
        rule: by YAML names.
        failed: trials that are over without a value that counts.
        total: how many there are going to be, as far as that is known.
    """
    percent = number_of(rule.get("percent"))
    if rule.get("kind") != _FAILURE or percent is None:
        return False
    return failed > 0 and failed * 100 >= percent * total


def _values(course: Course, *, maximize: bool) -> Iterator[float]:
    if course.failed:
        return
    if course.value is not None:
        yield course.value
    progress = course.progress
    best = None if progress is None else progress.high if maximize else progress.low
    if best is not None:
        yield best


def _counts(course: Course, policy: Mapping[str, Json]) -> bool:
    """Whether others are compared with it. What has failed says nothing; truncation leaves out what has succeeded."""
    if course.running or course.stopped:
        return True
    if course.failed:
        return False
    return policy.get("kind") != "truncation" or policy.get("includeSucceeded") is True


def _looks(policy: Mapping[str, Json]) -> _Looks:
    def whole(name: str, default: int) -> int:
        found = number_of(policy.get(name))
        return default if found is None else int(found)

    return _Looks(max(whole("evaluationInterval", 1), 1), max(whole("minInterval", 0), 0), whole("minSamples", 0))


def _point(progress: Progress | None, looks: _Looks) -> int | None:
    """The last mark at which a trial is looked at: the first one at or after each multiple of the interval."""
    marks = progress.marks if progress is not None else ()
    for position in range(len(marks) - 1, -1, -1):
        before = marks[position - 1].count if position else 0
        first = max(before + 1, looks.least)
        if -(-first // looks.interval) * looks.interval <= marks[position].count:
            return marks[position].count
    return None


def _standings(courses: Sequence[Course], count: int, sign: float) -> Iterator[_Standing]:
    for course in courses:
        for mark in course.progress.marks if course.progress is not None else ():
            if mark.count == count:
                said = mark.high if sign > 0 else mark.low
                yield _Standing(course, sign * said, said)


def _cuts(
    policy: Mapping[str, Json], judged: Sequence[Course], there: Sequence[_Standing], said: tuple[str, str]
) -> Iterator[Cut]:
    """Those of `judged` that go.

    Args:
        policy: by YAML names.
        judged: trials at work whose last point this is.
        there: all that have reached it, the worst first; of equals the newest is the worse, as somebody has to be.
        said: how a reason begins: what comes before its value, and after.
    """
    places = {one.course.number: place for place, one in enumerate(there)}
    percent = number_of(policy.get("percent")) or 0
    gone = min(int(len(there) * percent / 100), len(there) - 1)
    best, middle = there[-1], _median([one.best for one in there])
    for course in judged:
        own, than = there[places[course.number]], ""
        match policy.get("kind"):
            case "median":
                if own.best < middle:
                    than = f"worse than the median {_median([one.said for one in there]):g} of {len(there)}"
            case "diff":
                if own.best < best.best - abs(best.best) * percent / 100:
                    than = f"more than {percent:g} % worse than {best.said:g} of trial {best.course.number}"
            case "truncation":
                if places[course.number] < gone:
                    than = f"among the worst {gone} of {len(there)}"
            case _:
                pass  # of a later version
        if than:
            yield Cut(course.number, f"{said[0]}{own.said:g}{said[1]}{than}")


def _median(values: Sequence[float]) -> float:
    """Of sorted values, whichever way; the mean of the two in the middle, by halves: a sum may be too large."""
    half = len(values) // 2
    return values[half] if len(values) % 2 else values[half - 1] / 2 + values[half] / 2


def _times(count: int) -> str:
    return "1 report" if count == 1 else f"{count} reports"
