"""Who keeps an operation from running, since when, and what to do: in the status and in `explain`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from planner.desire.ticks import fields_digest
from planner.desire.view import Identity, Wait
from planner.guard import Budgets
from planner.keys import Key
from planner.model.people import Suspension
from planner.model.records import RootRecord, RunRecord
from planner.model.schedule import CronSchedule, Cursor, IntervalSchedule, Schedule
from planner.model.status import RunStatus
from reconciler.api import views
from reconciler.api.stories import Story
from reconciler.backends.memory import Program
from tests.reconciler.api.support import Answer, Api, World, eventually, job, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
EVERY_MINUTE = "schedule: {kind: cron, cron: '* * * * *'}"
AT = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)


def answering(api: Api, name: str, words: str) -> Callable[[], Awaitable[Answer | None]]:
    """Looks for an explanation that has `words`."""

    async def look() -> Answer | None:
        answer = await api.get("/v1/explain", operation=name)
        return answer if any(words in reason for reason in answer["reasons"]) else None

    return look


async def test_a_stopped_service_says_who_stopped_it_and_what_brings_it_back() -> None:
    world = World()
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        await api.until("serve", "ready")
        await api.ask("stop", "serve")
        down = await api.until("serve", "down")
        assert re.fullmatch(rf"stopped by somebody since {INSTANT}; plumbline retry serve", down["why"])
        assert down["down"]["text"] == down["why"]


async def test_a_suspended_operation_says_who_suspended_it() -> None:
    world = World()
    world.push({"a.yaml": job("tick", more=EVERY_MINUTE)})
    async with world.running() as api:
        await api.until("tick", "scheduled")
        await api.ask("suspend", "tick", **{"for": 7200})
        found = await api.until("tick", "suspended")
        words = rf"suspended by somebody since {INSTANT}, until {INSTANT}; plumbline unsuspend tick"
        assert re.fullmatch(words, found["why"])


@pytest.mark.parametrize("target", ["tick", ""], ids=["its own", "the project's"])
async def test_no_tick_is_announced_that_a_suspension_swallows(target: str) -> None:
    world = World()
    world.push({"a.yaml": job("tick", more=EVERY_MINUTE)})
    async with world.running() as api:
        await api.until("tick", "scheduled")
        await api.ask("suspend", target, **{"for": 7200})
        until = (datetime.now(UTC) + timedelta(seconds=7100)).isoformat()
        assert (await api.operation("tick"))["nextTick"] > until
        answer = await api.get("/v1/explain", operation="tick")
        assert all(tick > until for tick in answer["nextTicks"])
        assert f"it runs by its schedule, next at {answer['nextTicks'][0]}" in answer["reasons"]
        await api.ask("suspend", target)
        assert (await api.operation("tick"))["nextTick"] is None
        answer = await api.get("/v1/explain", operation="tick")
        assert answer["nextTicks"] == []
        assert answer["reasons"][-1] == "it runs by its schedule, and does not while it is suspended"


MINUTES = CronSchedule(cron="* * * * *")
HOURS = IntervalSchedule(frequency=timedelta(hours=1))


@pytest.mark.parametrize(
    ("schedule", "own", "project", "ticks"),
    [
        pytest.param(MINUTES, None, None, ["06:01", "06:02"], id="none"),
        pytest.param(MINUTES, 30, None, ["06:31", "06:32"], id="own"),
        pytest.param(MINUTES, None, 30, ["06:31", "06:32"], id="project"),
        pytest.param(MINUTES, 10, 30, ["06:31", "06:32"], id="both-the-longer-one"),
        pytest.param(MINUTES, 0, None, [], id="without-end"),
        pytest.param(MINUTES, 10, 0, [], id="one-without-end"),
        pytest.param(MINUTES, -5, None, ["06:01", "06:02"], id="over"),
        pytest.param(HOURS, 90, None, ["08:00", "09:00"], id="an-interval-keeps-its-anchor"),
        pytest.param(
            CronSchedule(cron="* * * * *", max_runs=2), 30, None, ["06:31", "06:32"], id="suspended-ticks-are-no-runs"
        ),
    ],
)
def test_next_ticks(schedule: Schedule, own: int | None, project: int | None, ticks: list[str]) -> None:
    def suspended(minutes: int | None) -> Suspension | None:
        if minutes is None:
            return None
        until = AT.replace(second=0) + timedelta(minutes=minutes) if minutes else None
        return Suspension(AT - timedelta(minutes=10), "ada", until)

    anchor = AT.replace(second=0)
    record = RootRecord("it", cursor=Cursor(fields_digest(schedule), anchor, anchor), suspended=suspended(own))
    operation = Scheduled(schedule)
    found = views.next_ticks(record, operation, suspended(project), AT, 2)  # type: ignore[arg-type]
    assert [str(tick)[11:16] for tick in found] == ticks


class Scheduled:
    """The one field of a compiled operation that its ticks depend on."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule


async def test_a_failed_operation_says_the_exit_code_and_the_remedy() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=3)})
    world.push({"a.yaml": job("bad")})
    async with world.running() as api:
        await api.until("bad", "failed")
        answer = await api.get("/v1/explain", operation="bad")
        assert answer["answer"] == (
            "bad@g1 failed: exit code 3; plumbline logs bad@g1 shows why, plumbline retry bad starts it once more"
        )


async def test_a_stopped_job_says_who_stopped_it() -> None:
    world = World(programs={"slow": Program(seconds=None)})
    world.push({"a.yaml": job("slow")})
    async with world.running() as api:
        await api.until("slow", "running")
        await api.ask("stop", "slow")
        await api.until("slow", "stopped")
        answer = await api.get("/v1/explain", operation="slow")
        assert answer["answer"] == ("slow@g1 stopped by somebody; plumbline retry slow starts it once more")


async def test_what_a_bad_file_keeps_in_force_is_not_what_is_in_the_repository() -> None:
    world = World()
    world.push({"a.yaml": job("it"), "b.yaml": job("other")})
    async with world.running() as api:
        await api.until("it", "succeeded")
        await api.until("other", "succeeded")
        world.push({"a.yaml": b"version: 1.1\nkind: operaton\nname: it\n"})
        for name, reason in {
            "it": "it stays as it is: a.yaml has problems; the last good form stays in force",
            "other": "it stays as it is: nothing is removed while a.yaml has problems",
        }.items():
            answer = await eventually(answering(api, name, reason))
            assert any(said.startswith("it has run for what is in force (") for said in answer["reasons"])


async def test_what_counts_as_done_says_so() -> None:
    world = World(hold_first=True)
    world.push({"a.yaml": job("it")})
    async with world.running() as api:
        await api.until("it", "held")
        (hold,) = (await api.get("/v1/status"))["holds"]
        await api.ask("approve", hold["hold"], baseline=True)
        answer = await eventually(answering(api, "it", "it counts as done since "))
        assert answer["answer"].endswith(
            "(approve --baseline); a change of its spec runs it again, or plumbline run it"
        )


async def test_a_hold_is_said_once_and_as_a_sentence() -> None:
    world = World(budgets=Budgets(starts=1))
    world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    async with world.running() as api:
        found = await api.until("one", "held")
        words = rf"waiting for approval since {INSTANT}: it would start 2 operations; .*; plumbline approve h-\w+"
        assert re.fullmatch(words, found["why"])
        reasons = (await api.get("/v1/explain", operation="one"))["reasons"]
        assert sum("it would start 2 operations" in reason for reason in reasons) == 1
        said = (await api.get("/v1/run", run="one", status=404))["detail"]
        assert said.startswith("one has not run yet: it would start 2 operations; ")
        assert "; plumbline approve h-" in said


def test_what_a_hold_waits_for_is_no_noun() -> None:
    wait = Wait(Key("it", "g1"), "it would start 22 operations", AT, release="plumbline approve h-1")
    assert views.sentence(wait) == (
        "waiting for approval since 2026-11-23T06:00:30Z: it would start 22 operations; plumbline approve h-1"
    )


@pytest.mark.parametrize("form", ["it@g1", "it@g1#1", "it@last", "{id}"])
async def test_a_run_where_an_operation_is_wanted_is_told_as_such(form: str) -> None:
    world = World()
    world.push({"a.yaml": job("it")})
    async with world.running() as api:
        last = (await api.until("it", "succeeded"))["last"]
        name = form.format(id=last["id"])
        said = (await api.ask("suspend", name, status=400))["detail"]
        assert said == f"`{name}` is a run, and an operation is wanted: it"
        assert (await api.get("/v1/explain", operation="ti", status=404))["detail"].startswith("`ti` is no operation")


def test_a_carried_run_took_as_long_as_the_run_that_did_the_work() -> None:
    def run(key: str, start: int | None, end: int) -> RunRecord:
        return RunRecord(
            key=Key("it", key),
            root="it",
            kind="job",
            commit="c",
            generation=1,
            form="f",
            opened_at=AT,
            status=RunStatus.SUCCEEDED,
            started_at=AT + timedelta(seconds=start) if start is not None else None,
            finished_at=AT + timedelta(seconds=end),
        )

    source, carried = run("g1", 1, 4), run("g2", None, 40)
    shown = views.run_view(Story(carried, carried, source), Identity("i", "p"))
    assert (shown["startedAt"], shown["finishedAt"]) == ("2026-11-23T06:00:31Z", "2026-11-23T06:00:34Z")


async def test_following_marks_where_the_next_attempt_begins() -> None:
    world = World(programs={"it": Program(seconds=0.05, exit_code=1)})
    world.push({"a.yaml": job("it", more="termination: {maxRetries: 1}")})
    async with world.running() as api:

        async def begun() -> Answer | None:
            found = await api.operation("it")
            return found if found and found["last"] else None

        await eventually(begun)
        followed = await api.client.get("/v1/logs", params={"run": "it@g1", "follow": "true"}, timeout=20)
        assert followed.text == "it@g1#1 ran in memory\n[attempt 2]\nit@g1#2 ran in memory\n"
