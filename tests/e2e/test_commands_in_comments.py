"""Commands in comments on pull requests, from the forge to the runs: GitHub of the tests, and a real daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Place, job, until
from tests.e2e.test_previews import open_pull
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.listening import listening
from tests.forges.state import Person

pytestmark = pytest.mark.process

BOB, MALLORY = 4, 6


@pytest.fixture
def forge(place: Place) -> Iterator[FakeForge]:
    made = FakeForge(GitHubSpelling())
    made.state.people = {BOB: Person("bob", "maintain"), MALLORY: Person("mallory", "read")}
    token = place.base / "token"
    token.write_text("canary-token\n")
    token.chmod(0o600)
    with listening(made) as address:
        place.configure(
            forge={"kind": "github", "url": address, "repository": "team/models", "tokenFile": str(token)},
            previews={"poll": 1},
            commands={"permission": "maintain"},
        )
        yield made
        for daemon in place.daemons:
            daemon.end()
    assert "canary-token" not in place.log.read_text()
    assert "crashed" not in place.log.read_text()


def answers(forge: FakeForge) -> list[str]:
    """What was answered on pull request 7."""
    comments = forge.state.comments.get("7", {}).values()
    return [one["body"] for one in comments if one["body"].startswith("To <code>")]


def answered(forge: FakeForge, body: str, author: int = BOB) -> str:
    """The answer to a comment."""
    before = len(answers(forge))
    forge.state.comment("7", body, author)
    until(lambda: len(answers(forge)) > before, f"{body!r} is answered")
    return answers(forge)[before]


def test_a_held_removal_is_approved_a_failed_run_retried_and_a_plan_made_anew(place: Place, forge: FakeForge) -> None:
    flag = place.base / "flag"
    flaky = job("flaky", f"test -e {flag}")
    first = place.push({"one.yaml": job("one", "true"), "flaky.yaml": flaky, "README.md": "words\n"})
    place.start()
    place.settled(first)
    open_pull(place, forge, 7, {"two.yaml": job("two", "true")})
    until(lambda: forge.state.comments.get("7"), "the pull request is previewed")
    # A failed run runs again.
    flag.touch()
    assert "<code>bob</code>" in answered(forge, "please\n/plumbline retry flaky")
    until(lambda: place.operation("flaky")["last"]["status"] == "succeeded", "it runs again")
    # A removal that is held is approved by its exact hold, and by nobody else.
    place.push({"one.yaml": None, "flaky.yaml": None})
    until(lambda: place.get("/v1/status")["holds"], "the removal is held")
    hold = place.get("/v1/status")["holds"][0]["hold"]
    assert "not obeyed" in answered(forge, f"/plumbline approve {hold}", MALLORY)
    assert "only" in answered(forge, "/plumbline approve lost")
    assert place.operation("one") is not None
    answered(forge, f"/plumbline approve {hold}")
    until(lambda: place.operation("one") is None and place.operation("flaky") is None, "it is removed")
    # A plan is made anew though nothing changed.
    assert "planned anew" in answered(forge, "/plumbline plan")
    assert (len(forge.state.reactions), len(answers(forge))) == (5, 5)
