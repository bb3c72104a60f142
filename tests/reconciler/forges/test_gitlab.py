"""What is GitLab's own: statuses that move as jobs of a pipeline, projects in subgroups, merge requests and notes."""

from __future__ import annotations

import pytest
import trio.testing

from planner.model.commits import StatusState
from planner.model.pulls import Comment, PullState
from planner.render.budget import GITLAB
from reconciler.errors import Refused, Transient
from reconciler.forges.gitlab.manner import manner
from reconciler.forges.gitlab.pulls import GitLabPulls
from reconciler.forges.gitlab.statuses import GitLabShape
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.ports_pulls import Pulls
from tests.forges.forge import FakeForge
from tests.forges.gitlab import DESCRIPTION, GitLabSpelling
from tests.forges.others import PROJECT, gitlab, gitlab_pulls, gitlab_remarks, gitlab_trains, hear_all
from tests.forges.parts import CONTEXT, NO_PACE, client_of, sha, status
from tests.forges.state import Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

PENDING, SUCCESS, FAILURE = StatusState.PENDING, StatusState.SUCCESS, StatusState.FAILURE


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
def fake():
    return FakeForge(GitLabSpelling())


async def test_a_project_in_subgroups_is_one_segment_and_the_token_has_its_own_header(fake):
    await gitlab(fake).put([status()])
    (asked,) = fake.state.asked
    assert asked.path == f"/api/projects/team%2Fdeep%2Fmodels/statuses/{sha(1)}"
    assert asked.headers["private-token"] == "canary-token"
    assert "authorization" not in asked.headers


MOVES = {
    "pending-then-done": ([(PENDING, "waits"), (SUCCESS, "done")], ("success", "done"), 2),
    "pending-twice": ([(PENDING, "waits"), (PENDING, "runs")], ("pending", "waits"), 1),
    "pending-twice-then-failed": ([(PENDING, "waits"), (PENDING, "runs"), (FAILURE, "3")], ("failed", "3"), 2),
    "done-twice": ([(SUCCESS, "done"), (SUCCESS, "done")], ("success", "done"), 2),
    "again-after-its-end": ([(FAILURE, "3"), (PENDING, "retried"), (SUCCESS, "done")], ("success", "done"), 3),
}


@pytest.mark.parametrize(("said", "last", "writes"), MOVES.values(), ids=MOVES)
async def test_every_move_is_taken(fake, said, last, writes):
    forge = gitlab(fake)
    for state, words in said:
        told = await forge.put([status(1, state, words)])
        assert (len(told.taken), told.refused) == (1, ())
    shown = fake.state.statuses[sha(1), CONTEXT]
    assert (shown[-1].state, shown[-1].description, len(shown)) == (*last, writes)


async def test_what_another_tool_set_running_is_pending_too(fake):
    forge = gitlab(fake)
    await forge.put([status()])
    said = fake.state.statuses[sha(1), CONTEXT]
    said[-1] = type(said[-1])("running", "by hand")
    assert (await forge.put([status(1, PENDING, "again")])).taken


async def test_a_pipeline_that_comes_later_does_not_get_the_end_of_another(fake):
    forge = gitlab(fake)
    await forge.put([status()])
    (first,) = fake.spelling.pipelines[sha(1)]
    fake.spelling.pipelines[sha(1)].append(9_999)
    await forge.put([status(1, SUCCESS, "done")])
    assert fake.spelling.places[sha(1), CONTEXT] == [first, first]


async def test_a_pipeline_that_was_deleted_is_chosen_anew(fake):
    forge = gitlab(fake)
    await forge.put([status()])
    fake.spelling.pipelines[sha(1)] = [9_999]
    with pytest.raises(Transient, match="chosen anew"):
        await forge.put([status(1, SUCCESS, "done")])
    assert (await forge.put([status(1, SUCCESS, "done")])).taken
    assert fake.spelling.places[sha(1), CONTEXT][-1] == 9_999


async def test_the_head_of_a_fork_is_said_under_the_ref_of_its_merge_request(fake):
    fake.spelling.forks = {sha(1)}
    fake.state.pulls = {"4": merge_request(4, head=sha(1), source=99)}
    client = client_of(fake, how=manner(NO_PACE))
    pulls = GitLabPulls(client, PROJECT)
    forge = HttpStatuses(client, GitLabShape(PROJECT, lambda *_: "", lambda commit: pulls.refs.get(commit, "")), None)
    told = await forge.put([status()])
    assert "References for commit" in told.refused[0].reason
    await pulls.pulls("main", ())
    assert (await forge.put([status()])).taken
    assert fake.spelling.refs == {"refs/merge-requests/4/head": 1}


REFUSALS = {
    "unknown-commit": ({"message": "404 Commit Not Found"}, 404, "parked"),
    "too-long": ({"message": {"description": ["is too long (maximum is 255 characters)"]}}, 400, "parked"),
    "unknown-state": ({"error": "state does not have a valid value"}, 400, "parked"),
    "other-transition": ({"message": "Cannot transition status via :drop from :success"}, 400, "parked"),
    "unknown-project": ({"message": "404 Project Not Found"}, 404, "check forge.repository"),
    "no-words": (None, 404, "check forge.repository"),
    "no-right": ({"message": "403 Forbidden"}, 403, "may push or merge"),
    "no-token": ({"message": "401 Unauthorized"}, 401, "scope `api`"),
    "busy": ({"message": "409 Conflict"}, 409, "later"),
    "limit": ({"message": "This endpoint has been requested too many times. Try again later."}, 429, "later"),
}


@pytest.mark.parametrize(("body", "code", "follows"), REFUSALS.values(), ids=REFUSALS)
async def test_what_follows_from_its_refusals(fake, monkeypatch, body, code, follows):
    monkeypatch.setattr(fake.spelling, "answer", lambda *_: Reply(code, body))
    forge = gitlab(fake)
    if follows == "parked":
        assert len((await forge.put([status()])).refused) == 1
        return
    with pytest.raises(Transient if follows == "later" else Refused) as caught:
        await forge.put([status()])
    assert follows == "later" or follows in caught.value.message


async def test_an_address_that_is_too_long_is_left_out(fake):
    forge = gitlab(fake, url="https://plumbline.example.org/" + "a" * 300)
    assert (await forge.put([status()])).taken
    assert "target_url" not in fake.state.asked[-1].body


def merge_request(number, *, head=None, base="main", state="opened", source=15, **more):
    return {
        "id": 1000 + number,
        "iid": number,
        "sha": head or sha(number),
        "state": state,
        "target_branch": base,
        "source_branch": "faster",
        "source_project_id": source,
        "target_project_id": 15,
        "author": {"id": 3, "username": "ada"},
        "web_url": f"https://forge.example.org/team/deep/models/-/merge_requests/{number}",
        "merge_commit_sha": None,
        "squash_commit_sha": None,
        **more,
    }


async def test_all_pages_of_merge_requests_are_followed(fake):
    fake.state.page = 3
    fake.state.pulls = {str(number): merge_request(number) for number in range(1, 11)}
    fake.state.pulls["11"] = merge_request(11, base="other")
    found = await gitlab_pulls(fake).pulls("main", ())
    assert [pull.number for pull in found] == [str(number) for number in range(1, 11)]
    first = found[0]
    assert (first.head, first.ref, first.base, first.fork) == (sha(1), "refs/merge-requests/1/head", "main", False)
    assert (first.author, first.state, first.merged) == ("ada", PullState.OPEN, "")
    assert first.url.endswith("/merge_requests/1")


async def test_what_became_of_those_that_were_known(fake):
    merged, squashed = sha(77), sha(78)
    fake.state.pulls = {
        "1": merge_request(1, state="merged", merge_commit_sha=merged),
        "2": merge_request(2, state="merged", squash_commit_sha=squashed),
        "3": merge_request(3, state="merged"),
        "4": merge_request(4, state="closed"),
        "5": merge_request(5, state="locked"),
        "6": merge_request(6, base="other"),
    }
    known = ["1", "2", "3", "4", "5", "6", "99", "../x"]
    found = {pull.number: pull for pull in await gitlab_pulls(fake).pulls("main", known)}
    assert {number: (pull.state, pull.merged) for number, pull in found.items()} == {
        "1": (PullState.MERGED, merged),
        "2": (PullState.MERGED, squashed),
        "3": (PullState.MERGED, sha(3)),
        "4": (PullState.CLOSED, ""),
        "5": (PullState.OPEN, ""),
        "6": (PullState.OPEN, ""),
    }
    assert found["6"].base == "other"


ODD = [
    None,
    "a word",
    [],
    {},
    merge_request(1, head="main"),
    {**merge_request(1), "sha": None},
    {**merge_request(1), "iid": "../../7"},
    {**merge_request(1), "iid": -1},
    {**merge_request(1), "iid": True},
    {**merge_request(1), "state": "new one"},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_what_is_no_merge_request_is_left_out(fake, monkeypatch, odd):
    monkeypatch.setattr(fake.spelling, "answer", lambda *_: Reply(200, [odd, merge_request(2)]))
    assert [pull.number for pull in await gitlab_pulls(fake).pulls("main", ())] == ["2"]


async def test_a_fork_that_was_deleted_is_a_fork(fake):
    fake.state.pulls = {"1": merge_request(1, source=None), "2": merge_request(2, source=99)}
    pulls = gitlab_pulls(fake)
    assert [pull.fork for pull in await pulls.pulls("main", ())] == [True, True]
    assert set(pulls.refs) == {sha(1), sha(2)}


async def test_a_note_is_edited_in_place_and_posted_anew_where_it_is_gone(fake):
    fake.state.pulls = {"7": merge_request(7)}
    pulls = gitlab_pulls(fake)
    ident = await pulls.put_comment(Comment("7", "one"))
    assert await pulls.put_comment(Comment("7", "two", ident)) == ident
    assert [(one["body"], one["author"]) for one in fake.state.comments["7"].values()] == [("two", "7")]
    del fake.state.comments["7"][int(ident)]
    assert await pulls.put_comment(Comment("7", "three", ident)) != ident
    assert [one["body"] for one in fake.state.comments["7"].values()] == ["three"]


async def test_a_note_of_the_account_before_is_left_alone(fake):
    fake.state.pulls = {"7": merge_request(7)}
    theirs = fake.state.comment("7", "of the last token", "6")
    assert await gitlab_pulls(fake).put_comment(Comment("7", "mine", str(theirs))) != str(theirs)
    assert fake.state.comments["7"][theirs]["body"] == "of the last token"


async def test_a_merge_request_that_is_gone_is_said(fake):
    with pytest.raises(Refused, match="no merge request 7 any more"):
        await gitlab_pulls(fake).put_comment(Comment("7", "words"))


async def test_only_notes_of_our_own_account_are_found_over_all_pages(fake):
    fake.state.page = 2
    fake.state.pulls = {"7": merge_request(7)}
    for number in range(5):
        fake.state.comment("7", f"<!-- marker --> {number}", "6")
    mine = fake.state.comment("7", "before <!-- marker --> after", "7")
    fake.state.comment("7", "<!-- marker --> later", "7")
    pulls = gitlab_pulls(fake)
    assert await pulls.find_comment("7", "<!-- marker -->") == str(mine)
    assert await pulls.find_comment("7", "<!-- another -->") == ""


async def test_the_longest_note_is_taken(fake):
    fake.state.pulls = {"7": merge_request(7)}
    pulls = gitlab_pulls(fake)
    assert isinstance(pulls, Pulls)
    assert pulls.limit is GITLAB
    assert await pulls.put_comment(Comment("7", "a" * GITLAB.most))


async def test_every_operation_of_the_description_is_used():
    """And none that it does not have: each request of each test is held against it."""
    fake = FakeForge(GitLabSpelling(), state=State(pulls={"7": merge_request(7)}))
    pulls, forge = gitlab_pulls(fake), gitlab(fake)
    await pulls.pulls("main", ["8"])
    await pulls.put_comment(Comment("7", "two", await pulls.put_comment(Comment("7", "one"))))
    await pulls.find_comment("7", "one")
    await hear_all(fake, gitlab_remarks(fake))
    await gitlab_trains(fake).entries("main")
    await forge.put([status()])
    assert await forge.spoke_of([sha(2), sha(1)], CONTEXT)
    assert set(DESCRIPTION.used) == DESCRIPTION.operations
