"""A merge queue of GitHub from its webhook to the branch: a daemon that polls once an hour, git over HTTP, a kill."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Place, environment, git, job, until
from tests.e2e.test_previews import open_pull
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.listening import listening
from tests.git_http import Smart
from tests.ports import free_port
from tests.reconciler.webhooks.deliveries import SECRET, delivery

pytestmark = pytest.mark.process

CONTEXT = "plumbline-plan/default"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Where the repositories below this test's folder are served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Smart)
    server.environment = {**environment(Path.cwd()), "GIT_PROJECT_ROOT": str(tmp_path), "GIT_HTTP_EXPORT_ALL": "1"}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Queue:
    """GitHub's side: it merges pull requests into branches of its own, and the branch follows one that is green."""

    def __init__(self, place: Place, forge: FakeForge, hooks: str) -> None:
        self.place, self.forge, self.hooks = place, forge, hooks
        self.sent = 0
        forge.state.refs = self.refs

    def refs(self) -> dict[str, str]:
        lines = git(self.place.bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def hook(self, topic: str) -> None:
        self.sent += 1
        made = delivery("github", topic, ident=f"d-{self.sent}")
        link = http.client.HTTPConnection(self.hooks, timeout=10)
        link.request("POST", "/webhook", made.body, made.headers)
        assert link.getresponse().status == 202
        link.close()

    def add(self, number: int, head: str, behind: str) -> str:
        """Merge `head` into `behind`, and ask for its checks; the commit."""
        tree = git(self.place.bare, "merge-tree", "--write-tree", behind, head).strip()
        words = ("-m", f"Merge pull request {number}", "-p", behind, "-p", head)
        who = ("-c", "user.name=GitHub", "-c", "user.email=noreply@github.com")
        commit = git(self.place.bare, *who, "commit-tree", tree, *words).strip()
        git(self.place.bare, "update-ref", f"refs/heads/gh-readonly-queue/main/pr-{number}-{behind}", commit)
        self.hook("queue")
        return commit

    def take_out(self, number: int, behind: str, *, merged: str = "") -> None:
        git(self.place.bare, "update-ref", "-d", f"refs/heads/gh-readonly-queue/main/pr-{number}-{behind}")
        if merged:
            git(self.place.bare, "update-ref", "refs/heads/main", merged)
            self.hook("push")
        self.hook("queue")

    def said(self, commit: str) -> tuple[str, str] | None:
        found = self.forge.state.shown().get((commit, CONTEXT))
        return (found.state, found.description) if found else None

    def ends(self, commit: str) -> tuple[str, str]:
        """What its status says at last."""
        return until(lambda: (one := self.said(commit)) and one[0] != "pending" and one, "it ends")


def test_a_queue_gets_what_it_waits_for(places: Callable[..., Place], served: str, tmp_path: Path) -> None:
    for name, text in {"hook": SECRET, "token": "canary-token"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    hooks, forge = f"127.0.0.1:{free_port()}", FakeForge(GitHubSpelling())
    with listening(forge) as address:
        place = places(
            repository={"url": f"{served}/place/repo.git", "branch": "main", "poll": 3600},
            webhooks={"listen": hooks, "secrets": [{"file": str(tmp_path / "hook")}], "repository": "team/models"},
            forge={
                "kind": "github",
                "url": address,
                "repository": "team/models",
                "tokenFile": str(tmp_path / "token"),
            },
            previews={"poll": 3600, "forks": "off"},
            firstSync="run",
        )
        base = place.push({"one.yaml": job("one", "true")})
        daemon = place.start()
        place.settled(base)
        queue = Queue(place, forge, hooks)
        good = open_pull(place, forge, 7, {"two.yaml": job("two", "true")})
        wrong = open_pull(place, forge, 8, {"three.yaml": "version: 1.1\nkind: operation\nnmae: x\n"}, "stranger")
        queue.hook("pull")
        assert queue.ends(good) == ("success", "1 starts, nothing removed")
        comment = until(lambda: forge.state.comments.get("7"), "it has its comment")
        # Two wait, the second behind the first; the daemon is killed as soon as it has begun.
        first = queue.add(7, good, base)
        second = queue.add(8, wrong, first)
        until(lambda: queue.said(first), "it is pending")
        daemon.kill()
        place.start()
        assert queue.ends(first) == ("success", "1 starts, nothing removed")
        state, words = queue.ends(second)
        assert (state, "three.yaml" in words) == ("failure", True)
        assert place.operation("two") is None, "nothing of it was applied"
        # The first is merged, the second taken out.
        queue.take_out(8, first)
        queue.take_out(7, base, merged=first)
        assert place.settled(first)["state"] == "success"
        until(lambda: place.state_of("two") == "succeeded", "it ran")
        assert queue.said(first) == ("success", "1 starts, nothing removed")
        assert {name for of, name in forge.state.shown() if of == first} >= {CONTEXT, "plumbline/default"}
        assert queue.said(wrong) is None, "forks get nothing here"
        assert len(comment) == 1
        assert forge.state.comments.keys() == {"7"}
        for one in place.daemons:
            if not one.ended:
                assert one.end() == 0
    assert "crashed" not in place.log.read_text()
