"""The newest commit tells how what goes on without it fares, and is seldom written to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from planner.live import context_of_live
from planner.model.facts import StatusChanged
from reconciler import lively
from reconciler.backends.memory import Program
from reconciler.lively import Lively
from tests.reconciler.api.support import Answer, Api, World, eventually, job
from tests.reconciler.api.test_events import ALERT, DRIFT, posted, run_of

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

CONTEXT = context_of_live("test")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lively, "_SOON", 0.0)


def told(world: World, commit: str) -> tuple[str, str] | None:
    """What the forge shows of it."""
    found: Mapping[tuple[str, str], object] = world.core.forge.said  # type: ignore[attr-defined]
    status = found.get((commit, CONTEXT))
    return None if status is None else (str(status.state), status.description)  # type: ignore[attr-defined]


async def says(world: World, commit: str, state: str) -> str:
    async def look() -> Answer | None:
        found = told(world, commit)
        return {"is": found[1]} if found is not None and found[0] == state else None

    return str((await eventually(look))["is"])


async def event(api: Api, ident: str) -> None:
    await posted(api, {**ALERT, "id": ident}, 202)


async def test_a_run_that_nobody_pushed_for_is_told_on_the_newest_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lively, "EACH", timedelta(0))
    world = World()
    first = world.push({"a.yaml": job("alert", more=DRIFT), "b.yaml": job("once")})
    async with world.running() as api:
        await api.until("alert", "listening")
        assert await says(world, first, "success") == "1 operation with a schedule or events: nothing is wrong"
        world.programs["alert"] = Program(0.0, exit_code=3)
        await event(api, "1")
        assert await says(world, first, "failure") == "alert: exit code 3"
        second = world.push({"a.yaml": job("alert", more=DRIFT), "b.yaml": job("once", command="again")})
        assert await says(world, second, "failure") == "alert: exit code 3"
        world.programs["alert"] = Program(0.0)
        await event(api, "2")
        await says(world, second, "success")
        assert told(world, first) == ("failure", "alert: exit code 3"), "who reads an old commit reads of its time"
        third = world.push({"b.yaml": job("once", command="again"), "c.yaml": job("other")})
        await api.until("other", "succeeded")

        async def says_nothing() -> bool:
            return told(world, third) in {None, ("success", "no operation with a schedule or events is left")}

        await eventually(says_nothing)


async def test_what_was_renamed_is_told_by_its_new_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lively, "EACH", timedelta(0))
    world = World(programs={"alert": Program(0.0, exit_code=3), "siren": Program(0.0)})
    commit = world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        await event(api, "1")
        assert await says(world, commit, "failure") == "alert: exit code 3"
        commit = world.push({"a.yaml": job("siren", more=DRIFT)})
        assert await says(world, commit, "failure") == "siren: exit code 3"
        await event(api, "2")
        assert await says(world, commit, "success") == "1 operation with a schedule or events: nothing is wrong"


async def test_what_fails_and_succeeds_in_turn_is_written_once_in_a_while() -> None:
    world = World()
    commit = world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await says(world, commit, "success")
        world.programs["alert"] = Program(0.0, exit_code=3)
        await event(api, "1")
        await run_of(api, "alert", "failed")
        await world.loop.publisher.lively.reconcile()
        assert told(world, commit) == ("success", "1 operation with a schedule or events: nothing is wrong")


async def test_a_new_life_asks_once_and_says_the_same() -> None:
    world = World()
    world.programs["alert"] = Program(0.0, exit_code=3)
    commit = world.push({"a.yaml": job("alert", more=DRIFT)})
    async with world.running() as api:
        await api.until("alert", "listening")
        await event(api, "1")
        await run_of(api, "alert", "failed")
        later = Lively(world.core)
        facts: list[object] = []
        record = world.core.ledger.record

        async def recorded(these, blobs=None, **more):  # type: ignore[no-untyped-def]
            facts.extend(these)
            return await record(these, blobs or {}, **more)

        world.core.ledger.record = recorded  # type: ignore[method-assign]
        world.core.clock = Ahead(world.core.clock)  # type: ignore[assignment]
        await later.reconcile()
        await later.reconcile()
    said = [fact for fact in facts if isinstance(fact, StatusChanged) and fact.context == CONTEXT]
    assert [(fact.commit, str(fact.state), fact.description) for fact in said][:1] == [
        (commit, "failure", "alert: exit code 3")
    ]
    assert len(said) == 1


class Ahead:
    """A clock that is an hour ahead of another one."""

    def __init__(self, clock) -> None:  # type: ignore[no-untyped-def]
        self._clock = clock

    def now(self):  # type: ignore[no-untyped-def]
        return self._clock.now() + timedelta(hours=1)
