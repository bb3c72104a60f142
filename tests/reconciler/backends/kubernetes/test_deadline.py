"""When an attempt is ended from here, because its time is over."""

from datetime import timedelta

import pytest

from planner.keys import Key
from planner.model.run import Observation, Phase
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.deadline import Deadlines
from reconciler.backends.kubernetes.objects import Found
from tests.reconciler.backends.kubernetes.hand import NOW, Hand

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

KEY = Key("train", "g1").at_attempt(1)
SECOND = timedelta(seconds=1)


def found(kind, *, running=True, **said):
    annotations = {getattr(names, name.upper()): value for name, value in said.items()}
    state = {"running": {"startedAt": NOW.isoformat()}} if running else {"terminated": {"exitCode": 0}}
    pod = {
        "status": {
            "startTime": (NOW - 10 * SECOND).isoformat(),
            "containerStatuses": [{"name": layout.MAIN, "state": state}],
        }
    }
    main = {"metadata": {"name": "train-1", "namespace": "ml", "annotations": annotations}}
    return Found(kind, main, (pod,))


def seen(phase=Phase.RUNNING, started=NOW):
    return Observation(KEY, phase, started_at=started)


@pytest.fixture
async def deadlines():
    clock, told = Hand(), []
    made = Deadlines(clock, told.append)
    made.clock, made.told = clock, told
    yield made
    made.close()


@pytest.mark.parametrize(
    ("one", "at", "grace"),
    [
        (found("Deployment", timeout="60", grace="5"), 59, None),
        (found("Deployment", timeout="60", grace="5"), 60, 5.0),
        (found("Deployment", timeout="60"), 60, 30.0),
        (found("Job", timeout="60", grace="5"), 49, None),
        (found("Job", timeout="60", grace="5"), 50, 5.0),
        (found("Job", timeout="60", grace="5", running=False), 9999, None),
        (found("Job"), 9999, None),
        (found("Job", timeout="soon"), 9999, None),
    ],
    ids=[
        "young",
        "service",
        "of-an-older-version",
        "young-job",
        "job",
        "hands-over",
        "no-limit",
        "no-number",
    ],
)
async def test_how_long_it_may_take_to_end(deadlines, one, at, grace):
    deadlines.clock.at = NOW + at * SECOND
    assert deadlines.grace(one, seen()) == grace


@pytest.mark.parametrize("one", [seen(Phase.ENDED), seen(Phase.STARTING, None)], ids=["over", "not-started"])
async def test_what_is_not_at_work_has_no_deadline(deadlines, one):
    deadlines.clock.at = NOW + 9999 * SECOND
    assert deadlines.grace(found("Job", timeout="60"), one) is None


async def test_somebody_is_told_when_it_comes(deadlines, monkeypatch):
    timers = []

    class Timer:
        def __init__(self, delay, call, *said):
            self.delay, self.call, self.said, self.cancelled = delay, call, said, False
            timers.append(self)

        def cancel(self):
            self.cancelled = True

    class Loop:
        call_later = staticmethod(Timer)

    monkeypatch.setattr("reconciler.backends.kubernetes.deadline.asyncio.get_running_loop", Loop)
    one = found("Job", timeout="60", grace="5")
    deadlines.grace(one, seen())
    deadlines.clock.at = NOW + 15 * SECOND
    deadlines.grace(one, seen())
    assert [(timer.delay, timer.cancelled) for timer in timers] == [(50.0, True), (35.0, False)]
    timers[1].call(*timers[1].said)
    assert deadlines.told == [KEY]
    deadlines.grace(one, seen())
    deadlines.grace(one, seen(Phase.ENDED))
    assert timers[2].cancelled, "nobody is told of what is over"
