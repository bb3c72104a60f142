"""A daemon before GitLab and before Gitea: a webhook tells of the push, git has it, and commits say how it went."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Place, environment, git, job, without_times
from tests.e2e.test_webhooks import send
from tests.forges.forge import FakeForge
from tests.forges.gitea import GiteaSpelling
from tests.forges.gitlab import GitLabSpelling
from tests.forges.listening import listening
from tests.git_http import Smart
from tests.ports import free_port
from tests.reconciler.webhooks.deliveries import NAME, SECRET, delivery

pytestmark = pytest.mark.process

TOKEN = "canary-token"
KINDS = {"gitlab": (GitLabSpelling, "failed"), "gitea": (GiteaSpelling, "failure")}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Where git repositories below this test's folder are served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Smart)
    server.environment = {**environment(), "GIT_PROJECT_ROOT": str(tmp_path), "GIT_HTTP_EXPORT_ALL": "1"}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _secret(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_is_told_planned_and_said(places: Callable[..., Place], served: str, tmp_path: Path, kind: str) -> None:
    spelling, failed = KINDS[kind]
    hooks = f"127.0.0.1:{free_port()}"
    forge = FakeForge(spelling(NAME))
    with contextlib.ExitStack() as around:
        address = around.enter_context(listening(forge))
        place = places(
            repository={"url": f"{served}/place/repo.git", "branch": "main", "poll": 3600},
            webhooks={"listen": hooks, "secrets": [{"file": _secret(tmp_path / "hook", SECRET)}]},
            forge={
                "kind": kind,
                "url": address,
                "repository": NAME,
                "tokenFile": _secret(tmp_path / "token", f"{TOKEN}\n"),
            },
            firstSync="run",
        )
        git(place.bare, "config", "http.receivepack", "true")

        def shown(commit: str) -> dict[str, tuple[str, str]]:
            found = dict(forge.state.shown())
            return {c: (s.state, without_times(s.description)) for (of, c), s in found.items() if of == commit}

        first = place.push({"one.yaml": job("one", "sleep 2")})
        place.start()
        place.settled(first)
        assert shown(first)["plumbline/default"] == ("success", "1 operation done")
        assert forge.state.statuses[first, "plumbline/default"][0].state == "pending"
        forge.script.extend(["500", "", "reset-after", "", "429-seconds"])
        second = place.push({"two.yaml": job("two", "exit 4")})
        assert send(hooks, delivery(kind, at=int(time.time()))) == 202
        place.settled(second)
        assert shown(second) == {
            "plumbline/default": (failed, "failed: two"),
            "plumbline/default/two": (failed, "failed: exit code 4"),
        }
        for daemon in place.daemons:
            assert daemon.end() == 0
        assert TOKEN not in place.log.read_text()
        assert SECRET not in place.log.read_text()
