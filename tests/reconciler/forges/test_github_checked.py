"""What GitHub says of a token before anything depends on it."""

from __future__ import annotations

import pytest

from reconciler.errors import Refused
from reconciler.forges.github.checked import checked
from reconciler.ports_checked import Grade
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

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def token(self, asked: Asked) -> str:
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, state: State, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("GET", "/repos/team/models")
        return self.reply


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
    found = await checked(client_of(FakeForge(Told(reply))), "/repos/team/models")
    assert [one.grade for one in found] == grades
    assert words in found[-1].said
    assert all(one.advice for one in found if one.grade is not Grade.OK)


async def test_a_token_that_is_not_taken_is_refused() -> None:
    with pytest.raises(Refused):
        await checked(client_of(FakeForge(Told(Reply(401, {"message": "Bad credentials"})))), "/repos/team/models")
