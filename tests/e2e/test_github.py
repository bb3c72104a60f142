"""A daemon that speaks to a forge over HTTP: what commits say, through faults and a kill; a forge that is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Place, job, until, without_times
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.listening import listening

pytestmark = pytest.mark.process

TOKEN = "canary-token"
QUICK = ("500", "502-echo", "reset", "reset-after", "500-after", "wrong-type", "401", "404", "no-json", "gzip-bomb")


class OnGitHub:
    def __init__(self, place: Place, forge: FakeForge, address: str) -> None:
        self.place, self.forge = place, forge
        self.token: Path = place.base / "token"
        self.token.write_text(f"{TOKEN}\n")
        self.token.chmod(0o600)
        place.configure(
            forge={"kind": "github", "url": address, "repository": "team/models", "tokenFile": str(self.token)},
            pages={"url": "https://plumbline.example.org/p"},
        )

    def shown(self, commit: str) -> dict[str, tuple[str, str]]:
        found = dict(self.forge.state.shown())
        return {name: (one.state, without_times(one.description)) for (of, name), one in found.items() if of == commit}

    def settled(self, commit: str) -> dict[str, tuple[str, str]]:
        self.place.settled(commit)
        return self.shown(commit)

    def warnings(self, words: str) -> list[str]:
        return [one for one in self.place.get("/v1/status")["warnings"] if words in one]

    def stop(self) -> None:
        """End the daemon; nothing that it said has the token in it."""
        for daemon in self.place.daemons:
            if not daemon.ended:
                assert daemon.end() == 0
        assert TOKEN not in self.place.log.read_text()


@pytest.fixture
def github(place: Place) -> Iterator[OnGitHub]:
    forge = FakeForge(GitHubSpelling())
    with listening(forge) as address:
        made = OnGitHub(place, forge, address)
        yield made
        made.stop()


def test_commits_say_on_github_what_they_caused(github: OnGitHub) -> None:
    commit = github.place.push({"one.yaml": job("one", "sleep 2"), "two.yaml": job("two", "exit 4")})
    github.place.start()
    assert github.settled(commit) == {
        "plumbline/default": ("failure", "failed: two"),
        "plumbline/default/one": ("success", "succeeded"),
        "plumbline/default/two": ("failure", "failed: exit code 4"),
    }
    urls = {name: one.url for (_, name), one in github.forge.state.shown().items()}
    assert urls["plumbline/default"] == f"https://plumbline.example.org/p/commits/{commit}"
    assert urls["plumbline/default/one"] == "https://plumbline.example.org/p/operations/one"
    assert github.forge.state.statuses[commit, "plumbline/default"][0].state == "pending"
    assert github.place.notes().get(commit, {}) == {}


def test_whatever_goes_wrong_the_end_is_said_once(github: OnGitHub) -> None:
    script = [QUICK[index % len(QUICK)] if index % 2 else "" for index in range(2 * len(QUICK))]
    github.forge.script.extend(script)
    commit = github.place.push({"one.yaml": job("one", "sleep 0.2")})
    daemon = github.place.start()
    until(lambda: github.shown(commit), "something is said")
    daemon.kill()
    second = github.place.push({"two.yaml": job("two", "true")})
    github.place.start()
    for one, name in ((commit, "one"), (second, "two")):
        assert github.settled(one) == {
            "plumbline/default": ("success", "1 operation done"),
            f"plumbline/default/{name}": ("success", "succeeded"),
        }


def test_a_forge_that_is_away_or_says_no_delays_no_run(github: OnGitHub) -> None:
    github.token.write_text("expired\n")
    commit = github.place.push({"one.yaml": job("one", "true")})
    github.place.start()
    until(lambda: github.place.state_of("one") == "succeeded", "it ran")
    said = until(lambda: github.warnings("401"), "it is said")
    assert "make a new one" in said[0]
    assert github.shown(commit) == {}
    github.token.write_text(TOKEN)
    assert github.settled(commit)["plumbline/default"] == ("success", "1 operation done")


def test_what_github_never_takes_is_shown_and_the_rest_is_told(github: OnGitHub) -> None:
    github.forge.state.commits = set()
    first = github.place.push({"one.yaml": job("one", "true")})
    github.place.start()
    said = until(lambda: github.warnings("No commit"), "it is said")
    assert "plumbline/default" in said[0]
    assert first[:10] in said[0]
    refused = until(lambda: [one for one in github.place.commit_view(first)["statuses"] if one["refused"]], "shown")
    assert not refused[0]["posted"]
    second = github.place.commit({"two.yaml": job("two", "true")})
    github.forge.state.commits.add(second)
    github.place.release(second)
    assert github.settled(second)["plumbline/default"] == ("success", "1 operation done")
    assert github.shown(first) == {}
