"""Every forge on which people comment under one suite: `reconciler.ports_remarks.Remarks`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planner.model.pulls import Comment
from reconciler.errors import Refused, Transient
from reconciler.forges.gitea.manner import manner as of_gitea
from reconciler.forges.gitea.remarks import GiteaRemarks
from reconciler.forges.github.remarks import GitHubRemarks
from reconciler.forges.gitlab.manner import manner as of_gitlab
from reconciler.forges.gitlab.remarks import GitLabRemarks
from reconciler.ports_remarks import Level, Remarks
from tests.contracts.test_pulls import GitHubWorld
from tests.contracts.test_pulls_others import GiteaWorld, GitLabWorld
from tests.forges.forge import FakeForge
from tests.forges.others import PROJECT
from tests.forges.parts import NO_PACE, REPOSITORY, client_of, sha
from tests.forges.state import Person

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

T0 = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ADA, BOB, OWN = 3, 4, 7


def _github(fake: FakeForge) -> Remarks:
    return GitHubRemarks(client_of(fake), REPOSITORY)


def _gitlab(fake: FakeForge) -> Remarks:
    return GitLabRemarks(client_of(fake, how=of_gitlab(NO_PACE)), PROJECT)


def _gitea(fake: FakeForge) -> Remarks:
    return GiteaRemarks(client_of(fake, how=of_gitea(NO_PACE)), REPOSITORY)


KINDS: Mapping[str, tuple[Callable[[], Any], Callable[[FakeForge], Remarks]]] = {
    "github": (lambda: GitHubWorld(app=False), _github),
    "gitlab": (GitLabWorld, _gitlab),
    "gitea": (GiteaWorld, _gitea),
}


class World:
    """A forge on which Ada and Bob comment."""

    def __init__(self, kind: str) -> None:
        made, port = KINDS[kind]
        self.kind = kind
        self.there = made()
        self.fake: FakeForge = self.there.fake
        self.state = self.fake.state
        self.port = port(self.fake)
        self.at = T0
        self.state.now = lambda: self.at
        self.state.people = {ADA: Person("ada", "write", ("team/ops",)), BOB: Person("bob", "read")}
        self.number = self.there.open(sha(1))

    def say(self, body: str, author: int = ADA, number: str = "") -> str:
        self.at += timedelta(seconds=5)
        return str(self.state.comment(number or self.number, body, author))

    async def heard(self, since: datetime = T0, *numbers: str) -> list[str]:
        return [one.body for one in await self.port.remarks(since, numbers or [self.number])]


@pytest.fixture(params=KINDS)
def world(request):
    return World(request.param)


async def test_what_was_said_since_is_heard_oldest_first_with_who_and_when(world):
    assert isinstance(world.port, Remarks)
    world.say("first")
    ident = world.say("second", BOB)
    found = await world.port.remarks(T0, [world.number])
    assert [one.body for one in found] == ["first", "second"]
    last = found[-1]
    assert (last.ident, last.pull, last.login, last.account) == (ident, world.number, "bob", str(BOB))
    assert (last.at, last.changed, last.is_program) == (world.at, world.at, False)
    assert await world.heard(world.at) == ["second"]
    assert await world.heard(world.at + timedelta(seconds=1)) == []


async def test_only_of_the_pull_requests_that_are_asked_for(world):
    other = world.there.open(sha(2))
    world.say("here")
    world.say("there", number=other)
    assert await world.heard() == ["here"]
    assert await world.heard(T0, world.number, other) == ["here", "there"]
    assert await world.heard(T0, "99") == []


async def test_all_pages_are_read_in_few_requests(world):
    for number in range(1000):
        world.say(f"{number}")
    before = len(world.state.asked)
    assert await world.heard() == [str(number) for number in range(1000)]
    assert len(world.state.asked) - before <= 23
    before = len(world.state.asked)
    assert await world.heard(world.at) == ["999"]
    assert len(world.state.asked) - before <= 2


async def test_an_edit_shows(world):
    ident = world.say("/plumbline plan")
    world.at += timedelta(seconds=30)
    world.state.edit(int(ident), "/plumbline approve everything")
    (found,) = await world.port.remarks(world.at, [world.number])
    assert (found.changed - found.at).total_seconds() == 30


async def test_programs_and_our_own_account_are_told_apart(world):
    world.state.people[9] = Person("dependabot", "admin", is_program=True)
    world.say("of a program", 9)
    world.say("our own", OWN)
    world.say("of a person")
    found = await world.port.remarks(T0, [world.number])
    assert [one.is_program for one in found] == [True, True, False]


@pytest.mark.parametrize("said", ["none", "read", "write", "maintain", "admin"])
async def test_what_a_person_may_do(world, said):
    world.state.people[ADA] = Person("ada", said)
    world.say("x")
    (remark,) = await world.port.remarks(T0, [world.number])
    expected = {"maintain": "write"}.get(said, said) if world.kind == "gitea" else said
    assert await world.port.level(remark) == Level[expected.upper()]


async def test_whom_the_forge_does_not_know_may_do_nothing(world):
    world.say("x", 77)
    (remark,) = await world.port.remarks(T0, [world.number])
    assert await world.port.level(remark) is Level.NONE
    assert not await world.port.belongs(remark, "team/ops")


async def test_a_login_that_has_passed_to_another_account_gives_it_nothing(world):
    world.say("x", BOB)
    (remark,) = await world.port.remarks(T0, [world.number])
    world.state.people = {ADA: Person("bob", "admin")}
    assert await world.port.level(remark) is Level.NONE


async def test_teams(world):
    world.say("x")
    world.say("y", BOB)
    ada, bob = await world.port.remarks(T0, [world.number])
    assert await world.port.belongs(ada, "team/ops")
    assert not await world.port.belongs(ada, "team/other")
    assert not await world.port.belongs(ada, "other/ops")
    assert not await world.port.belongs(bob, "team/ops")


async def test_who_brought_a_commit(world):
    world.state.causes[sha(5)] = "ada"
    assert await world.port.caused(sha(5)) == {"ada"}
    assert await world.port.caused(sha(6)) == frozenset()


async def test_a_reaction_is_set_once_or_again_and_on_what_is_gone_never(world):
    ident = world.say("x")
    for _ in range(2):
        await world.port.react(world.number, ident, good=True)
    await world.port.react(world.number, "12345", good=False)
    up = "thumbsup" if world.kind == "gitlab" else "+1"
    assert world.state.reactions == {(int(ident), up)}


async def test_a_reply_is_a_comment_of_its_own(world):
    first = await world.there.forge.put_comment(Comment(world.number, "preview"))
    assert await world.there.forge.put_comment(Comment(world.number, "answer")) != first
    assert world.there.comments(world.number) == ["preview", "answer"]


@pytest.mark.parametrize("fault", ["reset", "500", "403-rights", "wrong-type", "no-json", "reset-after"])
async def test_faults_are_no_answers(world, fault):
    world.say("x")
    (remark,) = await world.port.remarks(T0, [world.number])
    world.fake.script.extend([fault] * 5)
    with pytest.raises((Transient, Refused)):
        await world.port.level(remark)


@pytest.mark.parametrize("odd", ["", ".", "..", "a/../b", "a b?c=d", "é"])
async def test_an_odd_login_asks_nothing_odd(world, odd):
    world.state.people = {ADA: Person(odd, "none")}
    world.say("x")
    (remark,) = await world.port.remarks(T0, [world.number])
    assert await world.port.level(remark) is Level.NONE
    assert not await world.port.belongs(remark, "team/ops")
    assert all(".." not in one.path.split("/") for one in world.state.asked)
