"""What every forge with pull requests must do. An adapter's test subclasses `PullsContract` and gives it a `world`."""

from __future__ import annotations

from typing import Protocol

import pytest

from planner.model.pulls import Comment, PullState
from reconciler.errors import Refused, Transient
from reconciler.ports_pulls import Pulls
from tests.forges.parts import sha

__all__ = ["PullsContract", "World"]

MARKER = "<!-- plumbline:test -->"


class World(Protocol):
    """A forge and people who open and merge pull requests there."""

    forge: Pulls

    def open(self, head: str, base: str = "main", *, fork: bool = False) -> str:
        """Somebody opens a pull request; its number."""
        ...

    def merge(self, number: str, commit: str) -> None: ...

    def close(self, number: str) -> None: ...

    def comments(self, number: str) -> list[str]:
        """What is to be read on it, oldest first."""
        ...

    def comment(self, number: str, body: str) -> None:
        """Somebody else comments."""
        ...

    def delete_comments(self, number: str) -> None: ...

    def requests(self) -> int:
        """How many whole answers the forge has sent."""
        ...


class PullsContract:
    """The laws of `reconciler.ports_pulls.Pulls`."""

    async def test_those_that_are_open_against_the_base(self, world: World):
        first = world.open(sha(1))
        world.open(sha(2), "other")
        closed = world.open(sha(3))
        world.close(closed)
        stranger = world.open(sha(4), fork=True)
        found = {pull.number: pull for pull in await world.forge.pulls("main", ())}
        assert found.keys() == {first, stranger}
        assert (found[first].head, found[first].base, found[first].fork) == (sha(1), "main", False)
        assert found[stranger].fork
        assert {pull.state for pull in found.values()} == {PullState.OPEN}
        assert all(first in found[first].ref and pull.ref.startswith("refs/") for pull in found.values())

    async def test_what_became_of_those_that_are_known(self, world: World):
        merged, closed, gone = world.open(sha(1)), world.open(sha(2)), "999"
        await world.forge.pulls("main", ())
        world.merge(merged, sha(9))
        world.close(closed)
        found = {pull.number: pull for pull in await world.forge.pulls("main", [merged, closed, gone, "../x", ""])}
        assert {number: pull.state for number, pull in found.items()} == {
            merged: PullState.MERGED,
            closed: PullState.CLOSED,
        }
        assert found[merged].merged == sha(9)
        assert found[closed].merged == ""

    async def test_all_pages_are_read(self, world: World):
        numbers = {world.open(sha(number)) for number in range(1, 251)}
        assert {pull.number for pull in await world.forge.pulls("main", ())} == numbers

    async def test_what_did_not_change_is_not_sent_again(self, world: World):
        for number in range(1, 4):
            world.open(sha(number))
        first = await world.forge.pulls("main", ())
        sent = world.requests()
        for _ in range(5):
            assert await world.forge.pulls("main", ()) == first
        assert world.requests() == sent
        world.open(sha(7))
        assert len(await world.forge.pulls("main", ())) == 4

    async def test_one_comment_is_edited_in_place(self, world: World):
        number = world.open(sha(1))
        ident = await world.forge.put_comment(Comment(number, "planning"))
        assert await world.forge.put_comment(Comment(number, "1 starts", ident)) == ident
        assert world.comments(number) == ["1 starts"]

    async def test_a_comment_that_somebody_deleted_is_posted_anew(self, world: World):
        number = world.open(sha(1))
        ident = await world.forge.put_comment(Comment(number, "planning"))
        world.delete_comments(number)
        other = await world.forge.put_comment(Comment(number, "1 starts", ident))
        assert other != ident
        assert world.comments(number) == ["1 starts"]

    async def test_our_own_comment_is_found_and_nobody_elses(self, world: World):
        number = world.open(sha(1))
        for index in range(120):
            world.comment(number, f"{index} {MARKER}")
        assert await world.forge.find_comment(number, MARKER) == ""
        await world.forge.put_comment(Comment(number, "another of ours"))
        ident = await world.forge.put_comment(Comment(number, f"{MARKER}\nplan"))
        assert await world.forge.find_comment(number, MARKER) == ident
        assert await world.forge.find_comment(number, "<!-- plumbline:other -->") == ""

    @pytest.mark.parametrize("odd", ["", "../1", "1/../2", "0", "-1", "1" * 40, "1?x=y", "é"])
    async def test_what_no_number_is_asks_nothing_odd(self, world: World, odd):
        assert await world.forge.find_comment(odd, MARKER) == ""
        with pytest.raises((Refused, Transient)):
            await world.forge.put_comment(Comment(odd, "words"))

    async def test_the_longest_comment_is_taken(self, world: World):
        number = world.open(sha(1))
        body = "\U0001f600" * (world.forge.limit.room() // world.forge.limit.size("\U0001f600"))
        await world.forge.put_comment(Comment(number, body))
        assert world.comments(number) == [body]
