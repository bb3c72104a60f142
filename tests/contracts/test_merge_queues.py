"""Every forge with a merge queue under the suite of its port; Gitea and Forgejo have none."""

from __future__ import annotations

import pytest

from reconciler.forges.github.queue import GitHubQueue
from reconciler.ports_merge_queue import MergeQueue
from tests.contracts.merge_queue import MergeQueueContract
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.gitlab import GitLabSpelling
from tests.forges.others import gitlab, gitlab_trains
from tests.forges.parts import CONTEXT, REPOSITORY, client_of, sha, status
from tests.forges.state import State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

QUEUE = "refs/heads/gh-readonly-queue"


class GitHubWorld:
    def __init__(self) -> None:
        self.refs: dict[str, str] = {}
        self.fake = FakeForge(GitHubSpelling(), state=State(refs=lambda: self.refs))
        self.forge = GitHubQueue(client_of(self.fake), REPOSITORY)
        assert isinstance(self.forge, MergeQueue)

    def enqueue(self, pull: int, head: str, base: str = "main") -> None:
        self.dequeue(pull)
        self.refs[f"{QUEUE}/{base}/pr-{pull}-{sha(int(head, 16) + 1000)}"] = head

    def dequeue(self, pull: int) -> None:
        self.refs = {ref: head for ref, head in self.refs.items() if f"/pr-{pull}-" not in ref}

    def odd(self) -> None:
        for name in ("pr-1-short", f"pr-x-{sha(5)}", f"pr-1-{sha(5)}/more", f"pr-0-{sha(5)}", f"pr-1-{sha(5)}x"):
            self.refs[f"{QUEUE}/main/{name}"] = sha(5)
        self.refs[f"{QUEUE}/main/pr-2-{sha(6)}"] = "no commit"

    def switch_off(self) -> None:
        self.fake.spelling.repository = "team/renamed"


class TestGitHub(MergeQueueContract):
    @pytest.fixture
    def world(self):
        return GitHubWorld()


class GitLabWorld:
    def __init__(self) -> None:
        self.spelling = GitLabSpelling()
        self.fake = FakeForge(self.spelling, state=State(trains=[]))
        self.forge = gitlab_trains(self.fake)
        assert isinstance(self.forge, MergeQueue)

    def enqueue(self, pull: int, head: str, base: str = "main") -> None:
        self.dequeue(pull)
        ref = f"refs/merge-requests/{pull}/train"
        pipeline = {"id": 246, "sha": head, "ref": ref, "status": "running"}
        self.fake.state.trains.append(
            {"merge_request": {"iid": pull}, "pipeline": pipeline, "target_branch": base, "status": "fresh"}
        )
        self.spelling.forks.add(head)

    def dequeue(self, pull: int) -> None:
        self.fake.state.trains = [one for one in self.fake.state.trains if one["merge_request"]["iid"] != pull]

    def odd(self) -> None:
        whole = self.fake.state.trains[0]
        for change in (
            {"pipeline": None},
            {"pipeline": {"sha": sha(5), "ref": "main"}},
            {"pipeline": {"sha": "x", "ref": "refs/merge-requests/1/train"}},
            {"merge_request": None},
            {"merge_request": {"iid": "../1"}},
            {"target_branch": "other"},
            {"status": "merged"},
        ):
            self.fake.state.trains.append({**whole, **change})

    def switch_off(self) -> None:
        self.fake.state.trains = None


class TestGitLab(MergeQueueContract):
    @pytest.fixture
    def world(self):
        return GitLabWorld()


async def test_a_status_of_a_train_finds_its_pipeline_by_the_ref_of_the_train():
    """Its commit is on no branch of the project."""
    world = GitLabWorld()
    forge = gitlab(world.fake, ref_of=lambda commit: world.forge.refs.get(commit, ""))
    world.enqueue(7, sha(1))
    await world.forge.entries("main")
    assert (await forge.put([status()])).taken
    assert (world.spelling.refs, world.fake.state.shown()[sha(1), CONTEXT].state) == (
        {"refs/merge-requests/7/train": 1},
        "pending",
    )
