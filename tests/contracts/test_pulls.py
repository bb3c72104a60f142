"""Every forge with pull requests under the suite of its port."""

from __future__ import annotations

import pytest

from reconciler.forges.github.pulls import GitHubPulls, by_app, by_token
from reconciler.forges.http.forge import HttpForge
from reconciler.ports_pulls import Pulls
from tests.contracts.pulls import PullsContract
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import REPOSITORY, client_of, github

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class GitHubWorld:
    def __init__(self, *, app: bool) -> None:
        self.spelling = GitHubSpelling()
        self.fake = FakeForge(self.spelling)
        client = client_of(self.fake)
        own = by_app(self.spelling.app) if app else by_token(client)
        self.forge = HttpForge(github(self.fake), GitHubPulls(client, REPOSITORY, own))
        assert isinstance(self.forge, Pulls)

    def open(self, head: str, base: str = "main", *, fork: bool = False) -> str:
        number = len(self.fake.state.pulls) + 1
        ours = {"full_name": REPOSITORY}
        self.fake.state.pulls[str(number)] = {
            "number": number,
            "state": "open",
            "head": {"sha": head, "ref": "x", "repo": {"full_name": "stranger/models"} if fork else ours},
            "base": {"ref": base, "repo": ours},
            "user": {"login": "ada"},
            "html_url": f"https://github.com/{REPOSITORY}/pull/{number}",
            "merged_at": None,
            "merge_commit_sha": "f" * 40,
        }
        return str(number)

    def merge(self, number: str, commit: str) -> None:
        done = {"state": "closed", "merged_at": "2026-11-26T12:00:00Z", "merge_commit_sha": commit}
        self.fake.state.pulls[number] |= done

    def close(self, number: str) -> None:
        self.fake.state.pulls[number]["state"] = "closed"

    def comments(self, number: str) -> list[str]:
        return [one["body"] for one in self.fake.state.comments.get(number, {}).values()]

    def comment(self, number: str, body: str) -> None:
        self.fake.state.comment(number, body, 5)

    def delete_comments(self, number: str) -> None:
        self.fake.state.comments.pop(number, None)

    def requests(self) -> int:
        return self.fake.whole


class TestGitHubByToken(PullsContract):
    @pytest.fixture
    def world(self):
        return GitHubWorld(app=False)


class TestGitHubByApp(PullsContract):
    @pytest.fixture
    def world(self):
        return GitHubWorld(app=True)


async def test_a_fork_that_was_deleted_is_still_one():
    world = GitHubWorld(app=False)
    number = world.open("a" * 40)
    world.fake.state.pulls[number] |= {"user": None}
    world.fake.state.pulls[number]["head"]["repo"] = None
    (pull,) = await world.forge.pulls("main", ())
    assert (pull.fork, pull.author) == (True, "")


async def test_200_open_pull_requests_cost_three_requests_at_first_and_none_that_count_after():
    world = GitHubWorld(app=False)
    for number in range(200):
        world.open(f"{number:040x}")
    await world.forge.pulls("main", ())
    first, whole = len(world.fake.state.asked), world.fake.whole
    assert first <= 3
    for _ in range(120):  # an hour at the usual poll
        await world.forge.pulls("main", ())
    assert world.fake.whole == whole
    assert len(world.fake.state.asked) <= 3 * 121
