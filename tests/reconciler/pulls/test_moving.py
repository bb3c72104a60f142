"""The comment on a branch is a note that moves with its head: one is left, wherever the daemon died on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from planner.model.facts import Fact
from reconciler.forges.branches import NOTES, BranchPulls
from tests.reconciler.pulls.world import Lives, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]


class DeadError(Exception):
    """The daemon is dead, and writes nothing any more."""


class Death:
    """Comes after so many writes, to the ledger or to the repository."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def step(self) -> None:
        """One write, if it comes to that."""
        self.left -= 1
        if self.left < 0:
            raise DeadError


class MortalNotes:
    """The notes of a port, up to its death."""

    def __init__(self, port: BranchPulls, death: Death) -> None:
        self._notes = port._notes
        self._death = death
        self.read = self._notes.read

    async def write(self, *args: Any) -> None:
        self._death.step()
        await self._notes.write(*args)

    async def erase(self, *args: Any) -> None:
        self._death.step()
        await self._notes.erase(*args)


class Branches(Lives):
    """Lives over branches that are called `pull-N`."""

    death: Death | None = None

    def begin(self) -> None:
        port: Any = BranchPulls(self.source, self.clock, ["pull-*"])
        port.open = {}
        if self.death is not None:
            port._notes = MortalNotes(port, self.death)
        self.port = port
        self.ledger.before = self.write
        super().begin()

    async def write(self, facts: Sequence[Fact]) -> None:
        if self.death is not None:
            self.death.step()

    async def live(self, command: str, writes: int | None = None) -> str:
        """A life that previews one more head, and no longer than so many writes; the head."""
        self.death = Death(writes) if writes is not None else None
        self.begin()
        head = self.pull("7", {"b.yaml": job("b", command)})
        with contextlib.suppress(DeadError):
            await self.settle()
        return head


async def lived(folder: Path, writes: tuple[int, ...]) -> int:
    """Lives that are cut short, one after the other, then a whole one; writes that the last of the short had left."""
    world = Branches(folder)
    await world.push({"a.yaml": job("a")})
    for number, count in enumerate(writes):
        await world.live(f"fit-{number}", count)
    left = world.death.left if world.death is not None else 0
    head = await world.live("true")
    said = world.remote.notes(f"refs/notes/{NOTES}/test")
    assert list(said) == [head], f"after {writes}"
    assert "1 start" in said[head]
    assert (world.said(head) or ("",))[0] == "success"
    await world.end()
    return left


ENDLESS = 1_000


@pytest.mark.parametrize("before", [(), (ENDLESS,), (3, 3)])
async def test_one_comment_is_left_wherever_the_daemon_died(tmp_path, before):
    for writes in range(ENDLESS):
        folder = tmp_path / str(writes)
        await anyio.Path(folder).mkdir()
        if await lived(folder, (*before, writes)) > 0:
            break
    assert writes >= 5, "that many times it could die"
