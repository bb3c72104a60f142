"""What every forge must do. An adapter's test subclasses `ForgeContract` and gives it a `world`.

A world is a forge and what people see of it. What a forge shows is compared in our own words: state and description.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pytest

from planner.model.commits import StatusRecord, StatusState
from reconciler.ports import Forge, Refusal
from tests.contracts.forge_words import FAILURE, PENDING, SUCCESS, said

__all__ = ["ForgeContract", "World"]


class World(Protocol):
    """A forge and those who look at it."""

    forge: Forge
    shows_all: bool
    """Whether people see what was said at all."""

    async def commits(self) -> Sequence[str]:
        """Two commits that the forge has."""
        ...

    async def shown(self, commit: str) -> dict[str, tuple[str, str]]:
        """State, in our words, and description of each context."""
        ...

    def again(self) -> Forge:
        """The forge of another life of the daemon."""
        ...


async def put_all(forge: Forge, statuses: Sequence[StatusRecord]) -> list[Refusal]:
    """Put as the publisher does, until nothing is left; what was refused."""
    refused: list[Refusal] = []
    while statuses:
        told = await forge.put(statuses)
        done = [*told.taken, *(refusal.status for refusal in told.refused)]
        assert done == list(statuses[: len(done)]), "from the first on"
        assert done, "one at least"
        refused += told.refused
        statuses = statuses[len(done) :]
    return refused


class ForgeContract:
    """The laws of `reconciler.ports_forge.Forge`."""

    async def test_what_is_said_is_shown(self, world: World):
        first, second = await world.commits()
        assert await put_all(world.forge, [said(first), said(first, "train"), said(second, "train", SUCCESS)]) == []
        if not world.shows_all:
            return
        assert await world.shown(first) == {
            "plumbline/test": ("pending", "words"),
            "plumbline/test/train": ("pending", "words"),
        }
        assert await world.shown(second) == {"plumbline/test/train": ("success", "words")}

    async def test_the_last_word_of_a_context_counts(self, world: World):
        first, _ = await world.commits()
        await put_all(world.forge, [said(first, "train", PENDING, "waits")])
        await put_all(world.forge, [said(first, "train", FAILURE, "exit code 3")])
        if world.shows_all:
            assert await world.shown(first) == {"plumbline/test/train": ("failure", "exit code 3")}

    async def test_saying_it_twice_changes_nothing(self, world: World):
        first, _ = await world.commits()
        for _ in range(2):
            assert await put_all(world.forge, [said(first, "", SUCCESS, "1 operation done")]) == []
        if world.shows_all:
            assert await world.shown(first) == {"plumbline/test": ("success", "1 operation done")}

    async def test_nothing_is_taken_of_nothing(self, world: World):
        told = await world.forge.put([])
        assert (told.taken, told.refused) == ((), ())

    @pytest.mark.parametrize("state", list(StatusState))
    async def test_every_state_has_a_word(self, world: World, state):
        first, _ = await world.commits()
        assert await put_all(world.forge, [said(first, "", state)]) == []
        if world.shows_all:
            shown = (await world.shown(first))["plumbline/test"][0]
            assert shown in {state.value, "success" if state is StatusState.SUPERSEDED else state.value}

    async def test_another_life_sees_that_something_was_said(self, world: World):
        first, second = await world.commits()
        assert not await world.forge.spoke_of([first, second], "plumbline/test")
        await put_all(world.forge, [said(second)])
        other = world.again()
        assert await other.spoke_of([first, second], "plumbline/test") is world.shows_all
        assert not await other.spoke_of([first], "plumbline/test")
        assert not await other.spoke_of([first, second], "plumbline/other")
        assert not await other.spoke_of([], "plumbline/test")

    async def test_a_commit_that_is_unknown_holds_up_no_other(self, world: World):
        first, _ = await world.commits()
        refused = await put_all(world.forge, [said("f" * 40), said(first)])
        assert {refusal.status.commit for refusal in refused} <= {"f" * 40}
        if world.shows_all:
            assert "plumbline/test" in await world.shown(first)

    async def test_what_was_said_is_there(self, world: World):
        first, _ = await world.commits()
        await put_all(world.forge, [said(first)])
        assert await world.forge.intact()
        assert list(await world.forge.lost([said(first)])) == []
        assert await world.forge.intact()

    async def test_words_of_any_length_and_letters_are_taken(self, world: World):
        first, _ = await world.commits()
        odd = "\U0001f600" * 200 + "\n\t" + "ü" * 200
        long = [said(first, "n" * 240, FAILURE, odd), said(first, "n" * 250, FAILURE, "")]
        refused = await put_all(world.forge, long)
        assert refused == []
        if world.shows_all:
            assert len(await world.shown(first)) == 2, "two contexts never become one"
