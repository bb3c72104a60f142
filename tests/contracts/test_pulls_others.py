"""GitLab and Gitea under the suite of pull requests."""

from __future__ import annotations

import pytest

from reconciler.forges.http.forge import HttpForge
from reconciler.ports_pulls import Pulls
from tests.contracts.pulls import PullsContract
from tests.forges.forge import FakeForge
from tests.forges.gitea import GiteaSpelling
from tests.forges.gitlab import GitLabSpelling
from tests.forges.others import gitea, gitea_pulls, gitlab, gitlab_pulls
from tests.forges.parts import sha

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class OtherWorld:
    """What is common to both: their comments, and how they are counted."""

    fake: FakeForge

    def comments(self, number: str) -> list[str]:
        return [one["body"] for one in self.fake.state.comments.get(number, {}).values()]

    def comment(self, number: str, body: str) -> None:
        self.fake.state.comment(number, body, 5)

    def delete_comments(self, number: str) -> None:
        self.fake.state.comments.pop(number, None)

    def requests(self) -> int:
        return self.fake.whole


class GitLabWorld(OtherWorld):
    def __init__(self) -> None:
        self.fake = FakeForge(GitLabSpelling())
        self.forge = HttpForge(gitlab(self.fake), gitlab_pulls(self.fake))
        assert isinstance(self.forge, Pulls)

    def open(self, head: str, base: str = "main", *, fork: bool = False) -> str:
        number = len(self.fake.state.pulls) + 1
        self.fake.state.pulls[str(number)] = {
            "iid": number,
            "sha": head,
            "state": "opened",
            "target_branch": base,
            "source_project_id": 99 if fork else 15,
            "target_project_id": 15,
            "author": {"id": 3, "username": "ada"},
            "merge_commit_sha": None,
        }
        return str(number)

    def merge(self, number: str, commit: str) -> None:
        self.fake.state.pulls[number] |= {"state": "merged", "merge_commit_sha": commit}

    def close(self, number: str) -> None:
        self.fake.state.pulls[number]["state"] = "closed"


class GiteaWorld(OtherWorld):
    def __init__(self) -> None:
        self.fake = FakeForge(GiteaSpelling())
        self.forge = HttpForge(gitea(self.fake), gitea_pulls(self.fake))
        assert isinstance(self.forge, Pulls)

    def open(self, head: str, base: str = "main", *, fork: bool = False) -> str:
        number = len(self.fake.state.pulls) + 1
        self.fake.state.pulls[str(number)] = {
            "number": number,
            "state": "open",
            "merged": False,
            "merge_commit_sha": None,
            "head": {"sha": head, "repo_id": 99 if fork else 15},
            "base": {"ref": base, "repo_id": 15},
            "user": {"login": "ada"},
        }
        return str(number)

    def merge(self, number: str, commit: str) -> None:
        self.fake.state.pulls[number] |= {"state": "closed", "merged": True, "merge_commit_sha": commit}

    def close(self, number: str) -> None:
        self.fake.state.pulls[number]["state"] = "closed"


class TestGitLab(PullsContract):
    @pytest.fixture
    def world(self):
        return GitLabWorld()


class TestGitea(PullsContract):
    @pytest.fixture
    def world(self):
        return GiteaWorld()

    async def test_what_did_not_change_is_not_sent_again(self, world):
        """It cannot be known: Gitea's lists have no tags. A poll is one request for each 50 pull requests."""
        for number in range(1, 4):
            world.open(sha(number))
        first, sent = await world.forge.pulls("main", ()), world.requests()
        assert await world.forge.pulls("main", ()) == first
        assert world.requests() == sent + 1
