"""What every forge with a merge queue must do. An adapter's test subclasses `MergeQueueContract`; it has a `world`."""

from __future__ import annotations

from typing import Protocol

import pytest

from planner.model.pulls import PullState, is_queued
from reconciler.errors import Refused, Transient
from reconciler.ports_merge_queue import MergeQueue
from tests.forges.forge import FakeForge
from tests.forges.parts import sha

__all__ = ["MergeQueueContract", "World"]


class World(Protocol):
    """A forge and people who have things merged by its queue."""

    forge: MergeQueue
    fake: FakeForge

    def enqueue(self, pull: int, head: str, base: str = "main") -> None:
        """The forge makes a commit of a pull request, which waits from now on; instead of an earlier one of it."""
        ...

    def dequeue(self, pull: int) -> None:
        """It is merged, or taken out."""
        ...

    def odd(self) -> None:
        """There are things that only look like entries."""
        ...

    def switch_off(self) -> None:
        """The forge has no queue, or does not show it."""
        ...


class MergeQueueContract:
    """The laws of `reconciler.ports_merge_queue.MergeQueue`."""

    async def heads(self, world: World, base: str = "main") -> list[str] | None:
        found = await world.forge.entries(base)
        return None if found is None else [entry.head for entry in found]

    async def test_those_that_wait_for_the_branch(self, world: World):
        world.enqueue(1, sha(1))
        world.enqueue(2, sha(2), "main/2")
        world.enqueue(3, sha(3))
        found = await world.forge.entries("main")
        assert {entry.head for entry in found} == {sha(1), sha(3)}
        assert {entry.base for entry in found} == {"main"}
        assert all(is_queued(entry.number) and entry.state is PullState.OPEN and not entry.fork for entry in found)
        assert len({entry.number for entry in found}) == 2
        assert all(entry.ref.startswith("refs/") for entry in found)
        assert await self.heads(world, "main/2") == [sha(2)]
        assert await self.heads(world, "other") == []

    async def test_what_was_made_anew_and_what_has_left(self, world: World):
        world.enqueue(1, sha(1))
        world.enqueue(2, sha(2))
        assert set(await self.heads(world)) == {sha(1), sha(2)}
        world.dequeue(1)
        world.enqueue(2, sha(9))
        assert await self.heads(world) == [sha(9)]

    async def test_all_pages_are_read(self, world: World):
        for number in range(1, 251):
            world.enqueue(number, sha(number))
        assert set(await self.heads(world)) == {sha(number) for number in range(1, 251)}

    async def test_what_only_looks_like_an_entry_is_none(self, world: World):
        world.enqueue(1, sha(1))
        world.odd()
        assert await self.heads(world) == [sha(1)]

    async def test_where_there_is_none_it_is_not_asked_for_at_each_look(self, world: World):
        world.switch_off()
        for _ in range(50):
            assert await world.forge.entries("main") is None
        assert len(world.fake.state.asked) == 1

    async def test_one_that_was_there_does_not_go_by_being_refused(self, world: World):
        """Else what waits in it would count as having left."""
        world.enqueue(1, sha(1))
        await world.forge.entries("main")
        world.switch_off()
        with pytest.raises((Refused, Transient)):
            await world.forge.entries("main")

    async def test_what_did_not_change_is_not_sent_again(self, world: World):
        world.enqueue(1, sha(1))
        await world.forge.entries("main")
        sent = world.fake.whole
        for _ in range(5):
            assert await self.heads(world) == [sha(1)]
        assert world.fake.whole == sent
