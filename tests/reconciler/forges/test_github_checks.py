"""Check runs before a GitHub that keeps them: what people see, also when something went wrong half way."""

from __future__ import annotations

import anyio
import pytest
import trio.testing

from planner.errors import Severity
from planner.model.checks import Annotation, Check, Conclusion
from reconciler.errors import Transient
from reconciler.forges.github.checks import GitHubChecks
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import REPOSITORY, client_of, sha

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

NAME = "plumbline-plan/test in detail"


class World:
    def __init__(self) -> None:
        self.spelling = GitHubSpelling()
        self.runs = self.spelling.checks
        self.fake = FakeForge(self.spelling)
        self.port = GitHubChecks(client_of(self.fake), REPOSITORY, lambda commit, _: f"https://p.example.org/{commit}")

    def shown(self, commit: str = sha(1)):
        return self.runs.shown(commit)[NAME]


def check(marks: int = 0, **more) -> Check:
    levels = list(Severity)
    annotations = tuple(
        Annotation(f"ops/{number}.yaml", number + 1, levels[number % 3], "PL-101", f"words {number}")
        for number in range(marks)
    )
    given = {"conclusion": Conclusion.FAILURE, "title": "1 problem", "summary": "### Plan"} | more
    return Check(sha(1), NAME, annotations=annotations, **given)


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(("marks", "requests"), [(0, 1), (1, 1), (50, 1), (51, 2), (200, 4)])
async def test_all_marks_are_there_in_as_few_requests_as_can_be(world, marks, requests):
    assert await world.port.put_check(check(marks)) == ""
    shown = world.shown()
    lines = [
        (one["path"], one["start_line"], one["end_line"], one["message"]) for one in shown["output"]["annotations"]
    ]
    assert lines == [(f"ops/{at}.yaml", at + 1, at + 1, f"words {at}") for at in range(marks)]
    assert len(world.fake.state.asked) == requests
    assert {asked.method for asked in world.fake.state.asked} <= {"POST", "PATCH"}, "nothing is read"


@pytest.mark.parametrize("conclusion", Conclusion)
async def test_each_end_is_shown_as_over(world, conclusion):
    assert await world.port.put_check(check(conclusion=conclusion)) == ""
    assert (world.shown()["status"], world.shown()["conclusion"]) == ("completed", str(conclusion))
    assert world.shown()["details_url"] == f"https://p.example.org/{sha(1)}"


async def test_marks_of_before_are_gone_when_something_else_is_said(world):
    await world.port.put_check(check(60))
    await world.port.put_check(check(2, title="2 problems"))
    assert world.shown()["output"]["title"] == "2 problems"
    assert len(world.shown()["output"]["annotations"]) == 2


@pytest.mark.parametrize("fault", ["500", "429-seconds", "timeout", "timeout-after", "reset-after"])
async def test_what_a_fault_cut_in_the_middle_is_whole_when_it_is_put_again(world, fault):
    world.fake.script.extend(["", fault])
    with pytest.raises(Transient) as caught:
        await world.port.put_check(check(120))
    assert world.shown()["status"] == "completed", "nobody waits for what is half said"
    await anyio.sleep(caught.value.after or 1.0)
    assert await world.port.put_check(check(120)) == ""
    assert len(world.shown()["output"]["annotations"]) == 120


async def test_an_app_that_may_not_is_tried_again_each_hour(world):
    world.runs.allowed = False
    refused = await world.port.put_check(check())
    assert "403" in refused
    assert "Checks: write" in refused
    asked = len(world.fake.state.asked)
    assert await world.port.put_check(check()) == refused
    assert len(world.fake.state.asked) == asked
    world.runs.allowed = True
    await anyio.sleep(3601)
    assert await world.port.put_check(check()) == ""
    assert world.shown()["conclusion"] == "failure"


async def test_a_commit_that_is_gone_holds_up_no_other(world):
    world.fake.state.commits = {sha(2)}
    assert "422" in await world.port.put_check(check())
    world.fake.state.commits = {sha(1)}
    assert await world.port.put_check(check()) == ""


async def test_longest_words_are_taken(world):
    words = "\U0001f600" * 400
    assert await world.port.put_check(check(3, title=words, summary="ü" * 32_767)) == ""
