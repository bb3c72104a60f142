"""What GitLab and Gitea say of a token before anything depends on it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.errors import Refused
from reconciler.forges.gitea.checked import checked as gitea
from reconciler.forges.gitlab.checked import checked as gitlab
from reconciler.ports_checked import Grade, Wanted
from tests.forges.forge import FakeForge
from tests.forges.parts import client_of
from tests.forges.state import Asked, Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

NAME = "team/models"
PROJECT, REPOSITORY, SELF = "/projects/team%2Fmodels", "/repos/team/models", "/personal_access_tokens/self"
GONE = Reply(404, {"message": "404 Not Found"})


class Told:
    """A forge that answers what a test says, by path."""

    base = "/api"
    origin = "https://forge.example.org"

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies = replies

    def token(self, asked: Asked) -> str:
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, state: State, asked: Asked) -> Reply:
        assert asked.method == "GET"
        return self.replies.get(asked.path, GONE)


def project(*levels: int | None) -> Reply:
    names = ("project_access", "group_access")
    roles = {
        name: None if level is None else {"access_level": level} for name, level in zip(names, levels, strict=True)
    }
    return Reply(200, {"permissions": roles})


def own(*scopes: str, **more: object) -> Reply:
    return Reply(200, {"scopes": list(scopes), "active": True, **more})


@pytest.mark.parametrize(
    ("shown", "token", "grades", "words"),
    [
        pytest.param(project(40, None), own("api"), [Grade.OK], "shows the project", id="fine"),
        pytest.param(project(None, 30), own("api", expires_at="2027-11-26"), [Grade.OK], "2027-11-26", id="expires"),
        pytest.param(project(40, None), own("read_api"), [Grade.PROBLEM], "scopes read_api", id="scope"),
        pytest.param(project(20, None), own("api"), [Grade.PROBLEM], "below Developer", id="role"),
        pytest.param(project(20, 40), own("api"), [Grade.OK], "shows the project", id="role-of-group"),
        pytest.param(project(None, None), own("api"), [Grade.OK], "shows the project", id="inherited"),
        pytest.param(project(20, None), own(), [Grade.PROBLEM, Grade.PROBLEM], "below Developer", id="both"),
        pytest.param(project(40, None), own(granular_scopes=[{}]), [Grade.OK], "shows", id="fine-grained"),
        pytest.param(project(40, None), GONE, [Grade.OK], "shows the project", id="no-word-on-the-token"),
        pytest.param(Reply(200, "text"), Reply(200, []), [Grade.OK], "shows the project", id="nonsense"),
        pytest.param(GONE, own("api"), [Grade.PROBLEM], "no such project", id="hidden"),
    ],
)
async def test_a_token_of_gitlab(shown: Reply, token: Reply, grades: list[Grade], words: str) -> None:
    told = Told({PROJECT: shown, "/projects/team/models": shown, SELF: token})
    found = await gitlab(client_of(FakeForge(told)), NAME, Wanted())
    assert [one.grade for one in found] == grades
    assert words in found[-1].said
    assert all(one.advice for one in found if one.grade is not Grade.OK)


@pytest.mark.parametrize(
    ("reply", "grade", "words"),
    [
        pytest.param(Reply(200, {"permissions": {"push": True}}), Grade.OK, "shows the repository", id="fine"),
        pytest.param(Reply(200, {"permissions": {"push": False}}), Grade.PROBLEM, "may not write", id="reader"),
        pytest.param(Reply(200, []), Grade.OK, "shows the repository", id="nonsense"),
        pytest.param(GONE, Grade.PROBLEM, "no such repository", id="hidden"),
    ],
)
async def test_a_token_of_gitea(reply: Reply, grade: Grade, words: str) -> None:
    (found,) = await gitea(client_of(FakeForge(Told({REPOSITORY: reply}))), NAME, Wanted())
    assert found.grade is grade
    assert words in found.said


@pytest.mark.parametrize(("check", "path"), [(gitlab, PROJECT), (gitea, REPOSITORY)])
async def test_a_token_that_is_not_taken_is_refused(check, path) -> None:  # type: ignore[no-untyped-def]
    told = Told({path: Reply(401, {"message": "401"}), "/projects/team/models": Reply(401, {"message": "401"})})
    with pytest.raises(Refused):
        await check(client_of(FakeForge(told)), NAME, Wanted())


COMMANDS = Wanted(comments=True, commands=True, permission=True, teams=("team/devs",))
GROUP, COMMENTS, TEAMS = "/groups/team%2Fdevs", "/repos/team/models/issues/comments", "/orgs/team/teams/search"


@pytest.mark.parametrize(
    ("group", "words"),
    [
        pytest.param(Reply(200, {"id": 3}), [], id="fine"),
        pytest.param(GONE, ["does not show `team/devs`"], id="hidden"),
        pytest.param(Reply(403, {"message": "403 Forbidden"}), ["does not show `team/devs`"], id="forbidden"),
    ],
)
async def test_groups_whose_members_may_give_commands(group: Reply, words: list[str]) -> None:
    told = Told({"/projects/team/models": project(40, None), PROJECT: project(40, None), SELF: own("api")})
    told.replies = {**told.replies, GROUP: group, "/groups/team/devs": group}
    _, *found = await gitlab(client_of(FakeForge(told)), NAME, COMMANDS)
    assert all(word in one.said and one.advice for word, one in zip(words, found, strict=True))
    unwanted = await gitlab(client_of(FakeForge(told)), NAME, Wanted(teams=COMMANDS.teams))
    assert len(unwanted) == 1


DEVS = Reply(200, {"ok": True, "data": [{"id": 1, "name": "Devs"}, {"id": 2, "name": "devs-of-others"}]})
ADMIN, WRITER = ({"permissions": {"push": True, "admin": admin}} for admin in (True, False))


@pytest.mark.parametrize(
    ("repository", "comments", "teams", "words"),
    [
        pytest.param(ADMIN, Reply(200, []), DEVS, [], id="fine"),
        pytest.param(WRITER, Reply(200, []), DEVS, ["does not administer"], id="no-administrator"),
        pytest.param(ADMIN, Reply(403, {"message": "scope"}), DEVS, ["no comments (403)"], id="no-comments"),
        pytest.param(ADMIN, Reply(200, []), Reply(403, {"message": "scope"}), ["`team/devs`"], id="no-scope"),
        pytest.param(ADMIN, Reply(200, []), Reply(200, {"data": []}), ["`team/devs`"], id="no-such-team"),
        pytest.param(WRITER, GONE, GONE, ["administer", "no comments", "`team/devs`"], id="nothing"),
    ],
)
async def test_what_commands_need_of_gitea(
    repository: dict[str, object], comments: Reply, teams: Reply, words: list[str]
) -> None:
    told = Told({REPOSITORY: Reply(200, repository), COMMENTS: comments, TEAMS: teams})
    fine, *found = await gitea(client_of(FakeForge(told)), NAME, COMMANDS)
    assert fine.grade is Grade.OK
    assert all(word in one.said and one.advice for word, one in zip(words, found, strict=True))
    assert {one.grade for one in found} <= {Grade.WARNING}
