"""Commands in comments: who is obeyed, that it happens once, and what is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planner.model.pulls import PullState
from reconciler.errors import Refused, Transient
from reconciler.ports_remarks import Level
from tests.reconciler.remarks.world import Heard, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def world(tmp_path):
    made = Heard(tmp_path)
    await made.open()
    yield made
    await made.lives.end()


async def test_retry_is_asked_with_who_and_answered_when_it_was_planned(world):
    ident = world.say("please\n/plumbline retry a")
    assert await world.listen() == 0.5
    (command,) = await world.commands()
    assert (command.verb, command.root, command.by) == ("retry", "a", "ada on GitHub")
    assert (world.answers(), world.port.reactions) == ([], [])
    await world.answer(message="a is retried")
    assert world.port.reactions == [(ident, True)]
    (answer,) = world.answers()
    assert "<code>ada</code>" in answer
    assert "a is retried" in answer
    for _ in range(3):
        await world.listen()
    assert len(world.answers()) == len(await world.commands()) == 1


async def test_what_the_planner_refuses_is_a_bad_answer(world):
    ident = world.say("/plumbline retry a")
    await world.listen()
    await world.answer(ok=False, message="a has not failed")
    assert world.port.reactions == [(ident, False)]
    assert "a has not failed" in world.answers()[0]


async def test_plan_has_it_planned_where_nothing_changed(world):
    world.lives.counts()
    world.say("/plumbline plan")
    await world.listen()
    assert world.lives.counts()["plans"] == 1
    await world.hearing.turn()
    assert "planned anew" in world.answers()[0]
    assert await world.commands() == []


async def test_help_and_what_is_none_are_answered_once(world):
    good = world.say("/plumbline help\n/plumbline help me\n/plumbline")
    bad = world.say("/plumbline destroy")
    await world.listen()
    assert world.port.reactions == [(good, True), (bad, False)]
    assert [answer.count("commands are") for answer in world.answers()] == [1, 1]


async def test_all_commands_of_a_comment_have_one_answer(world):
    world.say("/plumbline retry a\n/plumbline retry b\n/plumbline retry nothing")
    await world.listen()
    await world.answer()
    (answer,) = world.answers()
    assert answer.count("\n- ") == 3
    assert "nothing" in answer


async def test_approve_by_somebody_else_is_bound_to_the_hold(world):
    hold = await world.hold()
    world.say(f"/plumbline approve {hold}", "bob")
    world.say("/plumbline approve 000000000000", "bob")
    world.say("/plumbline approve lost", "bob")
    await world.listen()
    asked = {(command.verb, command.root, command.args["hold"], command.by) for command in await world.commands()}
    assert asked == {("approve", "a", hold, "bob on GitHub"), ("approve", "b", hold, "bob on GitHub")}
    assert [good for _, good in world.port.reactions] == [False, False]
    await world.answer()
    assert len(world.answers()) == 3


@pytest.mark.parametrize("how", ["his pull", "his commit", "his merged pull"])
async def test_nobody_approves_what_is_of_his_own_making(world, how):
    hold = await (world.hold_by_merge("ada") if how == "his merged pull" else world.hold())
    if how == "his pull":
        world.by("7", "Ada")
    if how == "his commit":
        world.port.causes[(await world.lives.ledger.roots())["b"].planned.commit] = frozenset({"ADA"})
    ident = world.say(f"/plumbline approve {hold}")
    await world.listen()
    assert await world.commands() == []
    assert world.port.reactions == [(ident, False)]
    assert "his own" in world.answers()[0]


async def test_his_own_may_be_approved_where_the_configuration_says_so(tmp_path):
    world = Heard(tmp_path, approve_own=True)
    await world.open()
    world.by("7", "ada")
    world.say(f"/plumbline approve {await world.hold()}")
    await world.listen()
    assert {command.verb for command in await world.commands()} == {"approve"}
    await world.lives.end()


@pytest.mark.parametrize(
    "more",
    [
        {"login": "mallory"},
        {"login": "reader"},
        {"is_program": True},
        {"account": ""},
    ],
)
async def test_strangers_and_programs_are_not_obeyed(world, more):
    world.port.levels["reader"] = Level.READ
    hold = await world.hold()
    world.say(f"/plumbline approve {hold}\n/plumbline retry a\n/plumbline plan", **more)
    world.lives.counts()
    await world.listen()
    assert await world.commands() == []
    assert "plans" not in world.lives.counts()
    refused = [] if more.get("is_program") else [False]
    assert [good for _, good in world.port.reactions] == refused


async def test_a_comment_that_was_edited_is_not_obeyed(world):
    changed = world.lives.clock.at + timedelta(seconds=60)
    ident = world.say("/plumbline retry a", changed=changed)
    await world.listen()
    assert await world.commands() == []
    assert world.port.reactions == [(ident, False)]
    assert "write a new one" in world.answers()[0]


async def test_words_of_strangers_do_nothing_in_an_answer(world):
    world.say("/plumbline retry @team/everybody/![x](https://evil.example/#1)<img>", "ada")
    world.say("/plumbline approve `@all`", "mallory")
    await world.listen()
    text = "\n".join(world.answers())
    assert len(world.answers()) == 2
    for sign in ("@", "![", "https://", "<img", "`"):
        assert sign not in text


async def test_users_and_teams_of_the_configuration(tmp_path):
    world = Heard(tmp_path, permission="", users=("Eve",), teams=("team/ops",))
    await world.open()
    world.port.teams["team/ops"] = {"bob"}
    for login in ("eve", "bob", "ada"):
        world.say("/plumbline retry a", login)
    await world.listen()
    assert {command.by for command in await world.commands()} == {"eve on GitHub", "bob on GitHub"}
    assert "level" not in world.port.asked
    await world.lives.end()


async def test_what_is_older_than_the_first_contact_or_a_day_or_on_what_is_closed_is_ignored(world):
    world.say("/plumbline retry a", at=world.lives.clock.at - timedelta(hours=1))
    world.say("/plumbline retry a", pull="9")
    await world.listen()
    world.say("/plumbline retry a")
    world.lives.clock.at += timedelta(days=1, minutes=1)
    await world.listen()
    pull = world.lives.port.open.pop("7")
    world.lives.port.over["7"] = type(pull)(pull.number, pull.head, pull.ref, "main", state=PullState.CLOSED)
    world.say("/plumbline retry a")
    await world.listen()
    assert (await world.commands(), world.port.reactions) == ([], [])


async def test_a_new_pull_request_is_heard_from_before_its_first_preview(world):
    world.lives.pull("8", {"d.yaml": job("d")})
    world.say("/plumbline retry a", pull="8")
    await world.listen()
    await world.listen()
    assert len(await world.commands()) == 1


@pytest.mark.parametrize("error", [Transient("away", 7.0), Refused("no right")])
async def test_who_cannot_be_asked_about_waits(world, error):
    world.port.failures = []
    world.say("/plumbline retry a")
    await world.lives.settle()
    asked = world.port.level

    async def away(_):
        raise error

    world.port.level = away
    assert (await world.hearing.turn() or 0) >= 1.0
    assert (await world.commands(), world.port.reactions) == ([], [])
    stuck = world.lives.pulling.stuck.values()
    assert ("no right" in stuck) == isinstance(error, Refused)
    world.port.level = asked
    await world.hearing.turn()
    assert len(await world.commands()) == 1
    assert not world.lives.pulling.stuck


@pytest.mark.parametrize("step", ["react", "reply"])
@pytest.mark.parametrize("error", [Transient("reset"), Refused("403: give the token a scope")])
async def test_an_answer_is_owed_until_it_was_posted(world, step, error):
    world.say("/plumbline retry a")
    await world.listen()
    (world.port if step == "react" else world.lives.port).failures.append(error)
    await world.answer()
    assert world.answers() == []
    assert ("scope" in " ".join(world.lives.pulling.stuck.values())) == isinstance(error, Refused)
    world.again()  # another life pays it
    await world.listen()
    assert len(world.answers()) == len(await world.commands()) == 1


class _Crash(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_while_it_is_recorded_neither_loses_nor_doubles_a_command(world, after):
    world.say("/plumbline retry a\n/plumbline plan")
    await world.lives.settle()
    record = world.lives.ledger.record

    async def crash(facts, blobs=None):
        if after:
            await record(facts, blobs)
        raise _Crash

    world.lives.ledger.record = crash
    with pytest.raises(_Crash):
        await world.hearing.turn()
    world.lives.ledger.record = record
    assert len(await world.commands()) == after
    world.again()
    await world.listen()
    await world.answer()
    await world.listen()
    assert len(await world.commands()) == 1
    assert len(world.answers()) == 1
    assert "planned anew" in world.answers()[0]


async def test_a_crash_after_the_answer_was_posted_posts_it_again_at_most(world):
    world.say("/plumbline retry a")
    await world.listen()
    hear = world.lives.pulling.saying.hear

    async def crash(*_):
        raise _Crash

    world.lives.pulling.saying.hear = crash
    with pytest.raises(_Crash):
        await world.answer()
    world.lives.pulling.saying.hear = hear
    world.again()
    await world.listen()
    await world.listen()
    assert len(world.answers()) == 2
    assert len(await world.commands()) == 1


async def test_a_burst_of_a_person_is_heard_ten_times_an_hour_and_asks_once_who_that_is(world):
    for _ in range(1000):
        world.say("/plumbline retry a", after=0.001)
    await world.listen()
    assert len(await world.commands()) == 10
    assert world.port.asked.count("level") == 1
    world.again()
    await world.listen()
    assert len(await world.commands()) == 10, "another life finds the same"
    world.say("/plumbline retry a", after=3700)
    await world.listen()
    assert len(await world.commands()) == 11


async def test_strangers_together_get_ten_answers_and_use_up_nobody_elses(world):
    for number in range(100):
        world.say("/plumbline plan", f"stranger{number}", after=0.001)
    world.say("/plumbline retry a")
    await world.listen()
    assert [good for _, good in world.port.reactions] == [False] * 10
    assert len(await world.commands()) == 1


async def test_what_was_heard_is_let_go_of_when_it_cannot_come_again(world):
    for day in range(3):
        world.lives.clock.at += timedelta(days=2 * bool(day))
        for _ in range(5):
            world.say("/plumbline help")
        await world.listen()
    assert len(world.answers()) == 15
    assert len((await world.lives.ledger.pulls())["7"].heard) == 5


async def test_while_nothing_is_said_the_forge_is_asked_the_same(world):
    asked = []
    remarks = world.port.remarks

    async def noted(since, pulls):
        asked.append(since)
        return await remarks(since, pulls)

    world.port.remarks = noted
    world.say("hello")
    for _ in range(4):
        world.lives.clock.at += timedelta(hours=1)
        await world.listen()
    assert len(set(asked[1:])) == 1


async def test_an_open_pull_request_has_caused_nothing_yet(world):
    world.lives.pull("9", {"b.yaml": job("b", "other")})
    world.by("9", "ada")
    await world.listen()
    world.say(f"/plumbline approve {await world.hold()}")
    await world.listen()
    assert {command.verb for command in await world.commands()} == {"approve"}


async def test_what_the_forge_refuses_for_one_keeps_nobody_else_waiting(tmp_path):
    world = Heard(tmp_path, users=("eve",))
    await world.open()
    level = world.port.level

    async def refused(_):
        raise Refused("403: the token lacks a permission")

    world.port.level = refused
    world.say("/plumbline retry a", "ada")
    world.say("/plumbline retry b", "eve")
    await world.listen()
    assert [command.by for command in await world.commands()] == ["eve on GitHub"]
    await world.answer()
    assert len(world.answers()) == 1
    world.port.level = level
    await world.listen()
    assert len(await world.commands()) == 2
    await world.lives.end()


async def test_a_pull_request_that_takes_no_answer_keeps_no_other_waiting(world):
    world.lives.pull("8", {"d.yaml": job("d")})
    await world.listen()
    world.say("/plumbline help")
    world.say("/plumbline help", pull="8")
    await world.lives.settle()
    world.port.failures = []
    put = world.lives.port.put_comment

    async def locked(comment):
        if comment.pull == "7":
            raise Refused("403: locked")
        return await put(comment)

    world.lives.port.put_comment = locked
    await world.hearing.turn()
    assert (len(world.answers("7")), len(world.answers("8"))) == (0, 1)
    assert "locked" in " ".join(world.lives.pulling.stuck.values())
    world.say("/plumbline retry a", pull="8")
    await world.listen()
    assert len(await world.commands()) == 1
