"""Every stop has a reason, and the reason decides: one row for each, for what runs once and for what runs always."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from planner import keys
from planner.desire.leaf import back_off
from planner.model import facts as f
from planner.model.desired import Policy
from planner.model.status import StopReason
from planner.plan import plan_root
from planner.stops import TABLE, Effect, counts_as_failure, effect_of
from tests.planner.builders import job, rolling, service
from tests.planner.cases import Case, table
from tests.planner.history import T0, History, Step, after, ask, decisions, end, gone, line, push, wait, world

pytestmark = pytest.mark.unit

R = StopReason
SEEN = {R.EXITED, R.TIMEOUT, R.DELETED, R.NODE_LOST, R.EVICTED, R.PREEMPTED, R.IGNORED, R.FATAL}
"""Reasons that a backend gives; a look that misses it gives `lost`, all others are our own stops."""


@dataclass(frozen=True)
class Row:
    """What follows the end of a run's only attempt.

    Attributes:
        ended: the stop's reason, with the program's exit code.
        reason: why it must be so.
        spent: of a job without retries left.
        left: of a job with a retry left.
        old: of a job with a retry left that a newer generation superseded.
        up: of a service; also of one that serves until the newer generation is ready.
        old_up: of a service that is recreated, when a newer generation supersedes it at that moment.
    """

    ended: tuple[StopReason, int | None]
    reason: str
    spent: str
    left: str
    old: str
    up: str
    old_up: str


ROWS = (
    Row(
        (R.EXITED, 0),
        "a job that ended well has happened; a service never has",
        spent="succeeded",
        left="succeeded",
        old="succeeded",
        up="again in 1 s",
        old_up="stopped: not started again: exit code 0",
    ),
    Row(
        (R.EXITED, 1),
        "a failure uses up a retry; what is superseded is not tried again",
        spent="failed: exit code 1",
        left="again in 1 s",
        old="failed: exit code 1",
        up="again in 1 s",
        old_up="stopped: not started again: exit code 1",
    ),
    Row(
        (R.EXITED, 137),
        "a code above 128 is a signal",
        spent="failed: signal 9",
        left="again in 1 s",
        old="failed: signal 9",
        up="again in 1 s",
        old_up="stopped: not started again: signal 9",
    ),
    Row(
        (R.TIMEOUT, 143),
        "its time counts over all attempts, so a retry has none left; a service whose time is over has done its work",
        spent="failed: timeout of 60 s reached",
        left="failed: timeout of 60 s reached",
        old="failed: timeout of 60 s reached",
        up="stopped: timeout of 60 s reached",
        old_up="stopped: timeout of 60 s reached",
    ),
    Row(
        (R.EARLY_STOPPING, 143),
        "a trial that was stopped early has happened",
        spent="stopped: stopped early",
        left="stopped: stopped early",
        old="stopped: stopped early",
        up="stopped: stopped early",
        old_up="stopped: stopped early",
    ),
    Row(
        (R.REPLACED, 143),
        "the later tick runs instead of it",
        spent="stopped: replaced by a later tick",
        left="stopped: replaced by a later tick",
        old="stopped: replaced by a later tick",
        up="stopped: replaced by a later tick",
        old_up="stopped: replaced by a later tick",
    ),
    Row(
        (R.CULLED, 143),
        "an idle service sleeps until somebody wants it",
        spent="stopped: culled as idle",
        left="stopped: culled as idle",
        old="stopped: culled as idle",
        up="stopped: culled as idle",
        old_up="stopped: culled as idle",
    ),
    Row(
        (R.BY_PERSON, 143),
        "a person decided: it stays down, and who it was is named",
        spent="stopped: stopped by ada (ada)",
        left="stopped: stopped by ada (ada)",
        old="stopped: stopped by ada (ada)",
        up="stopped: stopped by ada (ada)",
        old_up="stopped: stopped by ada (ada)",
    ),
    Row(
        (R.DELETED, 137),
        "somebody deleted the object: a decision too, even if nobody knows whose",
        spent="stopped: deleted by somebody outside Plumbline (somebody outside Plumbline)",
        left="stopped: deleted by somebody outside Plumbline (somebody outside Plumbline)",
        old="stopped: deleted by somebody outside Plumbline (somebody outside Plumbline)",
        up="stopped: deleted by somebody outside Plumbline (somebody outside Plumbline)",
        old_up="stopped: deleted by somebody outside Plumbline (somebody outside Plumbline)",
    ),
    Row(
        (R.PRUNED, 143),
        "withdrawn: it comes back if desired state wants it by now",
        spent="again",
        left="again",
        old="stopped: removed from the repository",
        up="again",
        old_up="stopped: removed from the repository",
    ),
    Row(
        (R.SUPERSEDED, 143),
        "withdrawn: a generation that is in force again wants it again",
        spent="again",
        left="again",
        old="stopped: superseded",
        up="again",
        old_up="stopped: superseded",
    ),
    Row(
        (R.DRAINED, 143),
        "withdrawn for the machine's sake: it goes on elsewhere",
        spent="again",
        left="again",
        old="stopped: withdrawn",
        up="again",
        old_up="stopped: withdrawn",
    ),
    Row(
        (R.NODE_LOST, None),
        "lost with its machine: the retry policy decides",
        spent="failed: lost with its machine",
        left="again in 1 s",
        old="failed: lost with its machine",
        up="again in 1 s",
        old_up="stopped: not started again: lost with its machine",
    ),
    Row(
        (R.EVICTED, 137),
        "an eviction is nobody's failure: it uses up no retry",
        spent="again in 1 s",
        left="again in 1 s",
        old="failed: evicted",
        up="again",
        old_up="stopped: not started again: evicted",
    ),
    Row(
        (R.PREEMPTED, 137),
        "so is a preemption",
        spent="again in 1 s",
        left="again in 1 s",
        old="failed: preempted",
        up="again",
        old_up="stopped: not started again: preempted",
    ),
    Row(
        (R.FATAL, 3),
        "its failure policy says that no other attempt can do better; a service is healed all the same",
        spent="failed: exit code 3, for which it is not tried again",
        left="failed: exit code 3, for which it is not tried again",
        old="failed: exit code 3, for which it is not tried again",
        up="again in 1 s",
        old_up="stopped: not started again: exit code 3",
    ),
    Row(
        (R.IGNORED, 42),
        "its failure policy says that this end uses up no retry",
        spent="again in 1 s",
        left="again in 1 s",
        old="failed: exit code 42",
        up="again",
        old_up="stopped: not started again: exit code 42",
    ),
    Row(
        (R.LOST, None),
        "seen once and gone without an end: the retry policy decides",
        spent="failed: lost: it was seen once and is gone without an end",
        left="again in 1 s",
        old="failed: lost: it was seen once and is gone without an end",
        up="again in 1 s",
        old_up="stopped: not started again: lost: it was seen once and is gone without an end",
    ),
)

BEFORE: dict[str, tuple[Step, ...]] = {
    "spent": (push(job(timeout=60)), wait(5)),
    "left": (push(job(retries=1, timeout=60)), wait(5)),
    "old": (push(job(retries=1, timeout=60)), wait(5), push(job(command="other"))),
    "up": (push(service("train", timeout=60)), wait(5)),
    "serving": (
        push(rolling("train", timeout=60)),
        wait(5),
        world(ready=False),
        push(rolling("train", "other")),
    ),
    "old_up": (push(service("train", timeout=60)), wait(5)),
}
AFTER: dict[str, tuple[Step, ...]] = {"old_up": (push(service("train", "other")),)}


def ends(reason: StopReason, code: int | None) -> Step:
    """The attempt ends for `reason`: as the backend says, by being gone, or because we stop it. Nothing is planned."""

    def step(history: History) -> None:
        key = keys.parse("train@g1#1")
        if reason is R.LOST:
            history.now += timedelta(seconds=1)
            del history.objects[key]
        elif reason in SEEN:
            history.end(key, code, reason)
        else:
            by = "ada" if reason is R.BY_PERSON else ""
            history.add([f.StopIntended("train", key, reason, by, history.now)])
            history.end(key, code)

    return step


def outcome(history: History) -> str:
    """What followed for the run."""
    settled = [fact for fact in history.facts if isinstance(fact, f.Settled) and str(fact.key) == "train@g1"]
    if settled:
        return line(settled[-1]).removeprefix("train@g1 ")
    if "starts train@g1#2" in decisions(history.facts):
        return "again"
    waiting = [item for item in history.waits["train"] if str(item.key) == "train@g1" and item.until]
    return f"again in {(waiting[0].until - history.now).total_seconds():g} s" if waiting else "nothing"


@pytest.mark.parametrize("situation", BEFORE)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.ended[0]} {row.ended[1]}")
def test_what_follows_a_stop(row, situation):
    like = situation
    if situation == "serving":
        # What we began to stop because its successor was ready is not called back.
        like = "old_up" if effect_of(row.ended[0]) is Effect.WITHDRAWN else "up"
    expected = getattr(row, like)
    history = after(*BEFORE[situation], ends(*row.ended), *AFTER.get(situation, (wait(0),)))
    assert expected == outcome(history), row.reason


def test_every_reason_has_a_row():
    assert set(TABLE) == set(StopReason)
    assert {row.ended[0] for row in ROWS} == set(StopReason)


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        (R.EXITED, Effect.ENDED),
        (R.TIMEOUT, Effect.ENDED),
        (R.EARLY_STOPPING, Effect.ENDED),
        (R.REPLACED, Effect.ENDED),
        (R.CULLED, Effect.ENDED),
        (R.FATAL, Effect.ENDED),
        (R.BY_PERSON, Effect.DECIDED),
        (R.DELETED, Effect.DECIDED),
        (R.PRUNED, Effect.WITHDRAWN),
        (R.SUPERSEDED, Effect.WITHDRAWN),
        (R.DRAINED, Effect.WITHDRAWN),
        (R.NODE_LOST, Effect.LOST),
        (R.EVICTED, Effect.LOST),
        (R.PREEMPTED, Effect.LOST),
        (R.IGNORED, Effect.LOST),
        (R.LOST, Effect.LOST),
    ],
)
def test_the_effect_of_a_reason(reason, effect):
    assert effect is effect_of(reason)


def test_what_counts_as_a_failure():
    counting = {reason for reason in StopReason if counts_as_failure(reason, 1)}
    assert counting == {R.EXITED, R.TIMEOUT, R.FATAL, R.NODE_LOST, R.LOST}
    assert not counts_as_failure(R.EXITED, 0)
    assert counts_as_failure(R.EXITED, None)


# Back-off


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 300), (11, 300), (10_000, 300)],
)
def test_back_off_doubles_up_to_five_minutes(failures, seconds):
    assert timedelta(seconds=seconds) == back_off(failures)


def failing(times: int, kind: str) -> list[Step]:
    """Attempts that end with 1 as soon as they are started."""
    steps: list[Step] = []
    for number in range(1, times + 1):
        steps += [end(f"{kind}@g1#{number}", 1), wait(min(2 ** (number - 1), 300))]
    return steps


def test_a_service_that_fails_again_and_again_is_started_for_ever_ever_slower():
    history = after(push(service("train")), *failing(20, "train"))
    run = history.run("train@g1")
    assert (21, 20, "running") == (run.attempt_count, run.failures, run.status)
    assert ["train@g1#21"] == history.alive()
    assert len(run.attempts) <= 13  # the record does not grow with the years


def test_retries_end():
    history = after(push(job(retries=3)), *failing(3, "train"), end("train@g1#4", 1))
    assert ["train@g1 failed: exit code 1, 4 attempts"] == decisions(history.facts)
    assert "failure: failed: exit code 1, 4 attempts" == history.says("c1")["train"]


CASES = (
    Case(
        "evicted-ten-times",
        "evictions use up no retry, however many there are, and each makes the wait longer",
        [push(job())]
        + [
            step
            for number in range(10)
            for step in (end(f"train@g1#{number + 1}", 137, R.EVICTED), wait(min(2**number, 300)))
        ]
        + [end("train@g1#11", 0)],
        then=["train@g1 succeeded"],
        says={"c1 train": "success: succeeded in 14 min"},
    ),
    Case(
        "not-before-the-back-off",
        "a look before the back-off is over starts nothing, and says until when",
        [push(job(retries=2)), end("train@g1#1", 1), wait(1), end("train@g1#2", 1), wait(1)],
        then=[],
        waits=["train@g1 waits for the back-off after its last end until 06:00:03"],
        says={"c1 train": "pending: waits for the back-off after its last end"},
    ),
    Case(
        "healed",
        "a service that was up for ten minutes has its failures forgotten: the next back-off is the first again",
        [
            push(service("train")),
            end("train@g1#1", 1),
            wait(1),
            end("train@g1#2", 1),
            wait(2),
            wait(minutes=10),
            end("train@g1#3", 1),
        ],
        then=[],
        waits=["train@g1 waits for the back-off after its last end until 06:10:04"],
    ),
    Case(
        "healed-is-a-fact",
        "forgetting is recorded when it is due, without any news",
        [push(service("train")), end("train@g1#1", 1), wait(1), wait(minutes=10)],
        then=["train@g1 healed"],
    ),
    Case(
        "self-heal-off",
        "selfHeal: false reports and starts nothing, and says what a person can do",
        [push(service("train", policy=Policy(self_heal=False))), end("train@g1#1", 1)],
        then=[],
        waits=["train@g1 waits for the service is down (exit code 1) and selfHeal is off; plumbline retry train"],
        alive=[],
    ),
    Case(
        "self-heal-off-retried",
        "what it says a person can do works",
        [push(service("train", policy=Policy(self_heal=False))), end("train@g1#1", 1), ask("retry")],
        then=[
            "train@g1 failed: down until ada retried it",
            "round 1 of train@g1: .",
            "opens train@g1~1",
            "starts train@g1~1#1",
        ],
    ),
    Case(
        "self-heal-off-retried-after-a-take-over",
        "of a process that a newer generation took over too",
        [
            push(rolling(policy=Policy(self_heal=False))),
            world(ready=False),
            push(rolling(command="two", policy=Policy(self_heal=False))),
            push(rolling(policy=Policy(self_heal=False))),
            end("serve@g1#1", 1),
            ask("retry", "serve"),
        ],
        then=[
            "serve@g1 failed: down until ada retried it",
            "serve@g3 failed: down until ada retried it",
            "round 1 of serve@g3: .",
            "opens serve@g3~1",
            "starts serve@g3~1#1",
        ],
        alive=["serve@g3~1#1"],
    ),
    Case(
        "self-heal-on-again",
        "selfHeal is a live field: switched on, it heals what is down",
        [push(service("train", policy=Policy(self_heal=False))), end("train@g1#1", 1), wait(5), push(service("train"))],
        then=["starts train@g1#2"],
    ),
    Case(
        "person-names",
        "a person's stop stays: no drift, no retry, and the commit says who",
        [push(job(retries=5)), ask("stop", by="grace"), wait(minutes=60)],
        then=[],
        alive=[],
        says={"c1 train": "failure: stopped by grace", "c1": "failure: failed: train"},
    ),
    Case(
        "stopped-in-back-off",
        "a person who stops what is about to be retried stopped it: it did not fail",
        [push(job(retries=5)), end("train@g1#1", 1), ask("stop", by="grace")],
        then=["stops train@g1: stopped-by-person by grace", "train@g1 stopped: stopped by grace (grace)"],
        says={"c1 train": "failure: stopped by grace"},
    ),
    Case(
        "service-stopped-in-back-off",
        "so does one who stops a service between two starts: it stays down",
        [push(service("train")), end("train@g1#1", 1), ask("stop", by="grace"), wait(minutes=10)],
        then=[],
        alive=[],
        runs={"train@g1": "stopped"},
    ),
    Case(
        "a-new-generation-ends-it",
        "a decided stop holds until a new generation",
        [push(service("train")), ask("stop"), push(service("train", "other"))],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
    ),
    # Intents
    Case(
        "open-intent",
        "an intent whose object was never seen stays open: nothing is lost, nothing counts",
        [world(answers=False), push(job(retries=1)), wait(minutes=5)],
        then=[],
        alive=[],
        runs={"train@g1": "scheduled"},
    ),
    Case(
        "ensured-under-the-same-name",
        "open and never seen: started again under the same name, not as another attempt",
        [world(answers=False), push(job()), wait(minutes=5), world(answers=True)],
        then=[],
        alive=["train@g1#1"],
        runs={"train@g1": "running"},
    ),
    Case(
        "seen-and-gone",
        "seen once and gone without an end is lost, and the look that proves it is a fact",
        [push(job()), gone("train@g1#1")],
        then=["train@g1#1 vanished", "train@g1 failed: lost: it was seen once and is gone without an end"],
    ),
    Case(
        "stale-look",
        "a look that is older than the last own write never proves absence",
        [push(job()), wait(5), world(lag=60.0), gone("train@g1#1")],
        then=[],
        runs={"train@g1": "running"},
    ),
    Case(
        "look-before-an-own-stop",
        "a look between the last sight and our own stop proves nothing either",
        [
            push(job()),
            wait(10),
            world(stops_at_once=False),
            ask("stop"),
            world(lag=5.0),
            gone("train@g1#1"),
        ],
        then=[],
        runs={"train@g1": "stopping"},
    ),
    Case(
        "look-before-the-last-sight",
        "nor does one from before the last sight, in a process that wrote nothing itself",
        [push(job()), wait(10), world(written={}, lag=60.0), gone("train@g1#1")],
        then=[],
        runs={"train@g1": "running"},
    ),
    Case(
        "fresh-look",
        "the next look that is fresh enough does",
        [push(job()), wait(5), world(lag=60.0), gone("train@g1#1"), wait(60)],
        then=["train@g1#1 vanished", "train@g1 failed: lost: it was seen once and is gone without an end"],
    ),
    Case(
        "clock-put-back-a-little",
        "what was seen a moment ahead may be news to a look: nobody can tell",
        [push(job()), world(now=T0 - timedelta(minutes=5)), gone("train@g1#1")],
        then=[],
        runs={"train@g1": "running"},
    ),
    Case(
        "clock-put-back",
        "what was seen so far ahead was seen before the clock was put back: a look of now is newer",
        [push(job()), world(now=T0 - timedelta(hours=25)), gone("train@g1#1")],
        then=["train@g1#1 vanished", "train@g1 failed: lost: it was seen once and is gone without an end"],
    ),
    Case(
        "back-off-before-the-clock-was-put-back",
        "nor does anybody wait for a day that was over",
        [push(job(retries=1)), end("train@g1#1", 1), world(now=T0 - timedelta(hours=25)), wait(1)],
        alive=["train@g1#2"],
    ),
    Case(
        "stop-of-a-never-seen-attempt",
        "an attempt that was never seen is stopped all the same, so that a late start of it starts nothing",
        [world(answers=False), push(job()), ask("stop"), world(answers=True)],
        then=["train@g1 stopped: stopped by ada (ada)"],
        alive=[],
    ),
    Case(
        "stop-waits-for-its-end",
        "a stop is not an end: it is over when its end was seen",
        [push(job()), world(stops_at_once=False), ask("stop"), wait(minutes=1)],
        then=[],
        alive=["train@g1#1"],
        runs={"train@g1": "stopping"},
    ),
    Case(
        "stopped-and-gone",
        "what was told to stop and is gone has been stopped, not lost",
        [push(job(retries=1)), world(stops_at_once=False), ask("stop"), gone("train@g1#1")],
        then=["train@g1#1 vanished", "train@g1 stopped: stopped by ada (ada)"],
    ),
    Case(
        "ended-well-while-being-stopped",
        "we asked for the end: why we asked is the reason, whatever the exit code says",
        [push(job()), world(stops_at_once=False), ask("stop"), end("train@g1#1", 0)],
        then=["train@g1 stopped: stopped by ada (ada)"],
    ),
)


@table(*CASES)
def test_stops(case):
    case.check()


def test_nothing_is_seen_in_a_look_that_was_withheld():
    history = after(push(job(retries=1)), wait(5))
    history.objects.clear()
    history.now += timedelta(seconds=5)
    assert () == plan_root(history.view("train", snapshot=None)).facts
