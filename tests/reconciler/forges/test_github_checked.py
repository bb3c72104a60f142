"""What GitHub says of a token before anything depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.errors import Refused
from reconciler.forges.github.checked import checked
from reconciler.ports_checked import Grade, Wanted
from tests.forges.forge import FakeForge
from tests.forges.parts import client_of
from tests.forges.state import Asked, Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

PUSHES = {"permissions": {"pull": True, "push": True}}
READS = {"permissions": {"pull": True, "push": False}}


class Told:
    """A GitHub that answers one thing."""

    base = "/api"
    origin = "https://forge.example.org"

    def __init__(self, reply: Reply, more: Mapping[str, Reply] | None = None) -> None:
        self.replies = {"/repos/team/models": reply, **(more or {})}

    def token(self, asked: Asked) -> str:
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, state: State, asked: Asked) -> Reply:
        assert asked.method == "GET"
        return self.replies[asked.path]


@pytest.mark.parametrize(
    ("reply", "grades", "words"),
    [
        pytest.param(Reply(200, PUSHES), [Grade.OK], "does not say before it is used", id="fine-grained"),
        pytest.param(
            Reply(200, PUSHES, {"x-oauth-scopes": "repo, gist"}), [Grade.OK], "may set statuses", id="classic"
        ),
        pytest.param(
            Reply(200, PUSHES, {"x-oauth-scopes": "repo:status"}),
            [Grade.OK, Grade.WARNING],
            "comments on pull requests need",
            id="statuses-only",
        ),
        pytest.param(Reply(200, PUSHES, {"x-oauth-scopes": ""}), [Grade.PROBLEM], "the scopes none", id="no-scope"),
        pytest.param(
            Reply(200, PUSHES, {"x-oauth-scopes": "public_repo"}),
            [Grade.PROBLEM],
            "need `repo:status`",
            id="too-little",
        ),
        pytest.param(Reply(200, READS, {"x-oauth-scopes": "repo"}), [Grade.PROBLEM], "may not push", id="reader"),
        pytest.param(Reply(200, "text", {"x-oauth-scopes": "repo"}), [Grade.OK], "may set statuses", id="no-object"),
        pytest.param(Reply(404, {"message": "Not Found"}), [Grade.PROBLEM], "no repository team/models", id="hidden"),
    ],
)
async def test_a_token_and_what_it_may(reply: Reply, grades: list[Grade], words: str) -> None:
    found = await checked(client_of(FakeForge(Told(reply))), "team/models", Wanted(comments=True))
    assert [one.grade for one in found] == grades
    assert words in found[-1].said
    assert all(one.advice for one in found if one.grade is not Grade.OK)


async def test_a_token_that_is_not_taken_is_refused() -> None:
    with pytest.raises(Refused):
        await checked(client_of(FakeForge(Told(Reply(401, {"message": "Bad credentials"})))), "team/models", Wanted())


COMMENTS, TEAM = "/repos/team/models/issues/comments", "/orgs/team/teams/devs"
SHOWN, NOT_FOUND = Reply(200, []), Reply(404, {"message": "Not Found"})
FORBIDDEN = Reply(403, {"message": "Resource not accessible by personal access token"})
COMMANDS = Wanted(comments=True, commands=True, permission=True, teams=("team/devs",))
ALL = {"statuses": "write", "pull_requests": "write", "checks": "write", "contents": "read", "members": "read"}


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        pytest.param({COMMENTS: SHOWN, TEAM: Reply(200, {"slug": "devs"})}, [], id="fine"),
        pytest.param({COMMENTS: FORBIDDEN, TEAM: SHOWN}, ["shows no comments (403)"], id="no-comments"),
        pytest.param({COMMENTS: SHOWN, TEAM: NOT_FOUND}, ["does not show `team/devs`"], id="no-team"),
        pytest.param({COMMENTS: NOT_FOUND, TEAM: FORBIDDEN}, ["no comments (404)", "`team/devs`"], id="neither"),
    ],
)
async def test_a_token_and_what_commands_need(replies: Mapping[str, Reply], words: list[str]) -> None:
    forge = FakeForge(Told(Reply(200, PUSHES), replies))
    fine, *found = await checked(client_of(forge), "team/models", COMMANDS)
    assert fine.grade is Grade.OK
    assert [one.grade for one in found] == [Grade.WARNING] * len(words)
    assert all(word in one.said and one.advice for word, one in zip(words, found, strict=True))
    assert all(asked.method == "GET" for asked in forge.state.asked)


async def test_teams_that_no_forge_can_have_and_many_that_it_does_not_show() -> None:
    replies = {COMMENTS: SHOWN} | {f"/orgs/team/teams/t{number}": NOT_FOUND for number in range(40)}
    forge = FakeForge(Told(Reply(200, PUSHES), replies))
    wanted = replace(COMMANDS, teams=("devs", *(f"team/t{number}" for number in range(40))))
    _, found = await checked(client_of(forge), "team/models", wanted)
    assert "`devs`, `team/t0`, `team/t1` and 17 more" in found.said
    assert len(forge.state.asked) == 21


async def test_comments_that_nobody_wants_need_no_scope() -> None:
    told = Told(Reply(200, PUSHES, {"x-oauth-scopes": "repo:status"}))
    (found,) = await checked(client_of(FakeForge(told)), "team/models", Wanted())
    assert found.grade is Grade.OK


@pytest.mark.parametrize(
    ("lacks", "wanted", "grades", "words"),
    [
        pytest.param((), replace(COMMANDS, checks=True), [Grade.OK], "may set statuses", id="all"),
        pytest.param(("statuses",), Wanted(), [Grade.PROBLEM], "Commit statuses: write", id="statuses"),
        pytest.param(("checks",), Wanted(checks=True), [Grade.OK, Grade.WARNING], "on their lines", id="checks"),
        pytest.param(("checks",), Wanted(), [Grade.OK], "may set statuses", id="checks-unwanted"),
        pytest.param(
            ("pull_requests",), COMMANDS, [Grade.OK, Grade.WARNING], "commands in them are not answered", id="comments"
        ),
        pytest.param(("contents",), COMMANDS, [Grade.OK, Grade.WARNING], "`approve` waits", id="contents"),
        pytest.param(("members",), COMMANDS, [Grade.OK, Grade.WARNING], "as a member of a team", id="members"),
        pytest.param(
            tuple(ALL),
            replace(COMMANDS, checks=True),
            [Grade.PROBLEM, *[Grade.WARNING] * 4],
            "Members: read",
            id="one-permission-that-is-none-of-these",
        ),
    ],
)
async def test_an_app_and_what_it_may(lacks: tuple[str, ...], wanted: Wanted, grades: list[Grade], words: str) -> None:
    may = {name: level for name, level in ALL.items() if name not in lacks} | {"metadata": "read"}
    forge = FakeForge(Told(Reply(200, {}), {COMMENTS: SHOWN, TEAM: Reply(200, {})}))
    found = await checked(client_of(forge), "team/models", wanted, lambda: may)
    assert [one.grade for one in found] == grades
    assert words in found[-1].said
    assert all(one.advice for one in found if one.grade is not Grade.OK)
    # What the permissions say is not asked for again.
    assert len(forge.state.asked) <= 1 + 2 * wanted.commands - (len(grades) > 1 and bool({"members"} & {*lacks}))


async def test_a_permission_to_read_is_none_to_write() -> None:
    may = {"statuses": "write", "checks": "read"}
    found = await checked(client_of(FakeForge(Told(Reply(200, {})))), "team/models", Wanted(checks=True), lambda: may)
    assert "Checks: write" in found[-1].said


async def test_an_app_of_which_nothing_is_said() -> None:
    told = Told(Reply(200, {}))
    (found,) = await checked(client_of(FakeForge(told)), "team/models", Wanted(checks=True), dict)
    assert (found.grade, "not what the App may do" in found.said) == (Grade.OK, True)
