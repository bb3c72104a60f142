"""What is Gitea's and Forgejo's own: their token, an unknown commit that looks like a fault, pulls and comments."""

from __future__ import annotations

import anyio
import pytest
import trio.testing

from planner.model.commits import StatusState
from planner.model.pulls import Comment, PullState
from planner.render.budget import GITEA
from reconciler.errors import Refused, Transient
from reconciler.ports_pulls import Pulls
from tests.forges.forge import FakeForge
from tests.forges.gitea import DESCRIPTION, GiteaSpelling
from tests.forges.others import gitea, gitea_pulls, gitea_remarks, hear_all
from tests.forges.parts import CONTEXT, sha, status
from tests.forges.state import Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
def fake():
    return FakeForge(GiteaSpelling())


async def test_the_token_has_a_word_of_its_own(fake):
    assert (await gitea(fake, url="https://p.example.org").put([status()])).taken
    (asked,) = fake.state.asked
    assert asked.path == f"/api/repos/team/models/statuses/{sha(1)}"
    assert asked.headers["authorization"] == "token canary-token"
    assert asked.body["target_url"] == f"https://p.example.org/commits/{sha(1)}/"


async def test_where_all_is_well_nothing_is_read(fake):
    forge = gitea(fake)
    for state in StatusState:
        assert (await forge.put([status(1, state)])).taken
    assert {asked.method for asked in fake.state.asked} == {"POST"}


async def test_a_commit_that_it_failed_for_is_looked_at_before_it_is_tried_again():
    fake = FakeForge(GiteaSpelling(), state=State(commits={sha(1)}))
    forge = gitea(fake)
    with pytest.raises(Transient) as caught:
        await forge.put([status(2)])
    await anyio.sleep(caught.value.after or 0)
    told = await forge.put([status(2)])
    assert told.refused[0].reason == "Gitea does not have the commit (any more)"
    assert (await forge.put([status(1)])).taken


async def test_a_fault_that_passes_is_no_unknown_commit(fake):
    fake.script.append("500")
    forge = gitea(fake)
    with pytest.raises(Transient):
        await forge.put([status()])
    await anyio.sleep(5)
    assert (await forge.put([status()])).taken
    assert [asked.method for asked in fake.state.asked] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("body", [{"message": "Not Found"}, None, {"url": ""}], ids=["proxy", "nothing", "odd"])
async def test_a_404_of_something_before_it_is_no_unknown_commit(fake, body):
    fake.script.append("500")
    forge, true = gitea(fake), fake.spelling.answer
    with pytest.raises(Transient):
        await forge.put([status()])
    await anyio.sleep(5)
    fake.spelling.answer = lambda state, asked: true(state, asked) if asked.method == "POST" else Reply(404, body)
    assert (await forge.put([status()])).taken


async def test_a_repository_that_is_gone_loses_no_status(fake):
    fake.script.append("500")
    forge = gitea(fake)
    with pytest.raises(Transient):
        await forge.put([status()])
    await anyio.sleep(5)
    fake.spelling.repository = "/repos/team/renamed"
    with pytest.raises(Refused, match=r"check forge\.repository"):
        await forge.put([status()])
    fake.spelling.repository = "/repos/team/models"
    assert (await forge.put([status()])).taken


async def test_another_life_finds_a_context_on_any_page():
    fake = FakeForge(GiteaSpelling(page=10))
    forge = gitea(fake)
    for number in range(25):
        await forge.put([status(1, root=f"op-{number}")])
    assert await gitea(fake).spoke_of([sha(1)], f"{CONTEXT}/op-24")
    assert not await gitea(fake).spoke_of([sha(1)], f"{CONTEXT}/op-25")


REFUSALS = {
    "invalid": ({"message": "[]: state is invalid"}, 422, "parked"),
    "no-right": ({"message": "token does not have at least one of required scope(s)"}, 403, "write:repository"),
    "unknown": ({"message": "The target couldn't be found."}, 404, "check forge.repository"),
    "archived": ({"message": "Repo is archived"}, 423, "later"),
}


@pytest.mark.parametrize(("body", "code", "follows"), REFUSALS.values(), ids=REFUSALS)
async def test_what_follows_from_its_refusals(fake, monkeypatch, body, code, follows):
    monkeypatch.setattr(fake.spelling, "answer", lambda *_: Reply(code, body))
    forge = gitea(fake)
    if follows == "parked":
        assert len((await forge.put([status()])).refused) == 1
        return
    with pytest.raises(Transient if follows == "later" else Refused) as caught:
        await forge.put([status()])
    assert follows == "later" or follows in caught.value.message


def pull_request(number, *, head=None, base="main", state="open", fork=False, **more):
    return {
        "id": 1000 + number,
        "number": number,
        "state": state,
        "merged": False,
        "merge_commit_sha": None,
        "user": {"id": 3, "login": "ada"},
        "html_url": f"https://forge.example.org/team/models/pulls/{number}",
        "head": {"ref": "faster", "sha": head or sha(number), "repo_id": 99 if fork else 15},
        "base": {"ref": base, "sha": sha(0), "repo_id": 15},
        **more,
    }


async def test_all_pages_of_pull_requests_are_followed():
    fake = FakeForge(GiteaSpelling(page=3))
    fake.state.pulls = {str(number): pull_request(number, fork=number == 2) for number in range(1, 11)}
    fake.state.pulls["11"] = pull_request(11, base="other")
    found = await gitea_pulls(fake).pulls("main", ())
    assert [pull.number for pull in found] == [str(number) for number in range(1, 11)]
    assert [pull.fork for pull in found[:3]] == [False, True, False]
    first = found[0]
    assert (first.head, first.ref, first.base) == (sha(1), "refs/pull/1/head", "main")
    assert (first.author, first.state, first.merged) == ("ada", PullState.OPEN, "")


async def test_what_became_of_those_that_were_known(fake):
    fake.state.pulls = {
        "1": pull_request(1, state="closed", merged=True, merge_commit_sha=sha(77)),
        "2": pull_request(2, state="closed"),
        "3": pull_request(3, base="other"),
    }
    found = {pull.number: pull for pull in await gitea_pulls(fake).pulls("main", ["1", "2", "3", "99", "../x"])}
    assert {number: (pull.state, pull.merged, pull.base) for number, pull in found.items()} == {
        "1": (PullState.MERGED, sha(77), "main"),
        "2": (PullState.CLOSED, "", "main"),
        "3": (PullState.OPEN, "", "other"),
    }


ODD = [
    None,
    [],
    {},
    {**pull_request(1), "number": None},
    {**pull_request(1), "head": None},
    {**pull_request(1), "base": "main"},
    pull_request(1, head="refs/heads/x"),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_what_is_no_pull_request_is_left_out(fake, monkeypatch, odd):
    monkeypatch.setattr(fake.spelling, "answer", lambda *_: Reply(200, [odd, pull_request(2)]))
    assert [pull.number for pull in await gitea_pulls(fake).pulls("main", ())] == ["2"]


async def test_a_comment_is_edited_in_place_and_posted_anew_where_it_is_gone(fake):
    fake.state.pulls = {"7": pull_request(7)}
    pulls = gitea_pulls(fake)
    ident = await pulls.put_comment(Comment("7", "one"))
    assert await pulls.put_comment(Comment("7", "two", ident)) == ident
    assert [(one["body"], one["author"]) for one in fake.state.comments["7"].values()] == [("two", "7")]
    del fake.state.comments["7"][int(ident)]
    assert await pulls.put_comment(Comment("7", "three", ident)) != ident
    assert [one["body"] for one in fake.state.comments["7"].values()] == ["three"]


async def test_a_comment_of_the_account_before_is_left_alone(fake):
    fake.state.pulls = {"7": pull_request(7)}
    theirs = fake.state.comment("7", "of the last token", "6")
    assert await gitea_pulls(fake).put_comment(Comment("7", "mine", str(theirs))) != str(theirs)
    assert fake.state.comments["7"][theirs]["body"] == "of the last token"


async def test_a_pull_request_that_is_gone_is_said(fake):
    with pytest.raises(Refused, match="no pull request 7 any more"):
        await gitea_pulls(fake).put_comment(Comment("7", "words"))


async def test_only_comments_of_our_own_account_are_found(fake):
    fake.state.pulls = {"7": pull_request(7)}
    fake.state.comment("7", "<!-- marker -->", "6")
    mine = fake.state.comment("7", "before <!-- marker --> after", "7")
    pulls = gitea_pulls(fake)
    assert await pulls.find_comment("7", "<!-- marker -->") == str(mine)
    assert await pulls.find_comment("7", "<!-- another -->") == ""


async def test_the_longest_comment_is_taken_in_its_own_counting(fake):
    fake.state.pulls = {"7": pull_request(7)}
    pulls = gitea_pulls(fake)
    assert isinstance(pulls, Pulls)
    assert pulls.limit is GITEA
    body = "\U0001f600" * (GITEA.room() // 4)
    assert GITEA.size(body) <= GITEA.most
    assert await pulls.put_comment(Comment("7", body))


async def test_every_operation_of_the_description_is_used():
    """And none that Gitea's own document does not have: each request of each test is held against it."""
    fake = FakeForge(GiteaSpelling(), state=State(pulls={"7": pull_request(7)}))
    pulls, forge = gitea_pulls(fake), gitea(fake)
    await pulls.pulls("main", ["8"])
    await pulls.put_comment(Comment("7", "two", await pulls.put_comment(Comment("7", "one"))))
    await pulls.find_comment("7", "one")
    await hear_all(fake, gitea_remarks(fake))
    fake.state.commits = {sha(1)}
    with pytest.raises(Transient):
        await forge.put([status(2)])
    await anyio.sleep(5)
    assert (await forge.put([status(2)])).refused
    await forge.put([status()])
    assert await forge.spoke_of([sha(2), sha(1)], CONTEXT)
    assert set(DESCRIPTION.used) == DESCRIPTION.operations
