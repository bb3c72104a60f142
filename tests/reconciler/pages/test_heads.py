"""The page that the status on the head of a pull request leads to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.model.commits import StatusState
from planner.model.facts import PullNoted, StatusChanged
from planner.model.pulls import PullRecord
from planner.publish import preview_context
from reconciler.pages.plain import plain
from tests.reconciler.api.support import World, eventually, job
from tests.reconciler.pages.support import reading

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

GOLDEN = Path(__file__).parents[2] / "golden" / "render"
HEAD, OTHER = "ab" * 20, "ac" * 20
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
COMMENT = "<!-- plumbline preview of test -->\n### Plumbline plan\n\n| remove | <code>a&#64;g1</code> |\n<script>\n"


async def said(world: World, head: str, number: str, **more: object) -> None:
    """Have the ledger know a preview."""
    text = "pull:1" if more.pop("comment", True) else ""
    record = PullRecord(number, head, NOW, base="ba" * 20, roots=("train",), text=text, **more)  # type: ignore[arg-type]
    facts = [
        PullNoted(number, record, NOW),
        StatusChanged("", head, preview_context("test"), StatusState.SUCCESS, "1 start", NOW),
    ]
    await world.core.ledger.record(facts, {"pull:1": COMMENT})


async def test_the_head_of_a_pull_request_has_what_was_said_of_it() -> None:
    world = World()
    async with world.client(), reading(world) as browser:
        await said(world, HEAD, "7")
        for ident in (HEAD, HEAD[:7]):
            page = await browser.get(f"/commits/{ident}")
            assert page.heads == ["h1 Preview of 7 success", "h2 Operations", "h2 What a merge does"]
            assert "1 start" in page.text
            assert "| remove | a@g1 | <script>" in page.text
            assert "/operations/train" in page.links
        assert "The branch has moved" not in page.text


async def test_where_only_a_status_is_said_and_where_the_base_has_moved() -> None:
    world = World()
    async with world.client(), reading(world) as browser:
        await said(world, HEAD, "feature<b>", comment=False, marked=True)
        page = await browser.get(f"/commits/{HEAD}")
        assert page.heads[0] == "h1 Preview of feature<b> success"
        assert "h2 What a merge does" not in page.heads
        assert "The branch has moved since" in page.text


async def test_a_status_that_outlived_its_pull_request_still_has_its_page() -> None:
    world = World()
    async with world.client(), reading(world) as browser:
        await said(world, HEAD, "7")
        await world.core.ledger.record([PullNoted("7", None, NOW)])
        page = await browser.get(f"/commits/{HEAD}")
        assert page.heads == ["h1 Preview success"]
        await browser.get(f"/commits/{HEAD[:7]}", 404)


async def test_a_beginning_that_two_heads_have_and_one_that_none_has() -> None:
    world = World()
    async with world.client(), reading(world) as browser:
        await said(world, HEAD, "7")
        await said(world, "abcd" + OTHER[4:], "8")
        await browser.get("/commits/ab", 400)
        await browser.get("/commits/abab", 200)
        await said(world, "abab" + OTHER[4:], "9")
        assert "fits 2 heads" in (await browser.get("/commits/abab", 409)).text
        assert "no planned commit and no head" in (await browser.get("/commits/0123", 404)).text


async def test_what_a_planned_commit_says_is_not_what_its_preview_said() -> None:
    """A merge may make the head of a pull request the head of the branch."""
    world = World()
    ident = world.push({"a.yaml": job("train", command="fail")})
    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")

        async def final() -> Mapping[str, object] | None:
            found = await api.get(f"/v1/commits/{ident}")
            return found if found["final"] else None

        await eventually(final)
        fact = StatusChanged("", ident, preview_context("test"), StatusState.FAILURE, "a preview", NOW)
        await world.core.ledger.record([fact])
        assert (await browser.get(f"/commits/{ident}")).heads[0] == f"h1 Commit {ident[:10]} success"
        first = await browser.get("/")
        assert [cells[1] for cells in first.rows if cells and cells[0] == ident[:10]] == ["success"]


@pytest.mark.parametrize("name", ["every-verb", "held", "nothing", "outcome-over"])
def test_a_comment_of_ours_reads_as_text(name: str) -> None:
    text = plain((GOLDEN / f"{name}.md").read_text())
    assert text.startswith("Plumbline")
    assert not any(mark in text for mark in ("<code>", "<details>", "<!--", "```", "](http", "<br>"))
    assert "\n\n\n" not in text


@given(st.text(st.sampled_from("<!->[]()`#*|&;\nab"), max_size=300))
def test_any_text_comes_to_an_end(text: str) -> None:
    assert len(plain(text)) <= 2 * len(text) + 10
