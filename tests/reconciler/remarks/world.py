"""A forge in memory on which people comment, and the part of a daemon that hears them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from planner.model import facts as f
from planner.model.people import Command
from reconciler.ports_remarks import Level, Remark
from reconciler.remarks.hearing import Hearing
from reconciler.remarks.rights import Rules
from tests.reconciler.pulls.world import Lives, job

__all__ = ["Heard", "MemoryRemarks", "job"]

_NOTHING = {"a.yaml": None, "b.yaml": None, "words.md": b"words\n"}


class MemoryRemarks:
    """Comments, who wrote them, and what was asked of the forge."""

    name = "GitHub"

    def __init__(self) -> None:
        self.said: list[Remark] = []
        self.levels: dict[str, Level] = {"ada": Level.WRITE, "bob": Level.WRITE}
        self.teams: dict[str, set[str]] = {}
        self.causes: dict[str, frozenset[str]] = {}
        self.reactions: list[tuple[str, bool]] = []
        self.asked: list[str] = []
        self.failures: list[Exception] = []

    async def remarks(self, since: datetime, pulls: Collection[str]) -> Sequence[Remark]:
        self._fail("remarks")
        return [one for one in self.said if one.pull in pulls and one.changed >= since]

    async def level(self, remark: Remark) -> Level:
        self._fail("level")
        return self.levels.get(remark.login, Level.NONE)

    async def belongs(self, remark: Remark, team: str) -> bool:
        self._fail("belongs")
        return remark.login in self.teams.get(team, ())

    async def caused(self, commit: str) -> frozenset[str]:
        self._fail("caused")
        return self.causes.get(commit, frozenset())

    async def react(self, pull: str, ident: str, *, good: bool) -> None:
        self._fail("react")
        self.reactions.append((ident, good))

    def _fail(self, name: str) -> None:
        self.asked.append(name)
        if self.failures and name == "react":
            raise self.failures.pop(0)


class Heard:
    """Lives of a daemon that previews pull request 7, which Carol opened, and hears what is said on it."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.lives = Lives(folder)
        self.port = MemoryRemarks()
        self.rules = Rules(**({"permission": "write"} | rules))
        self.again()

    def again(self) -> None:
        """Another life, on what the ledger and the forge have."""
        self.lives.begin()
        self.hearing = Hearing(self.lives.core, self.port, self.lives.port, self.lives.pulling, self.rules)

    async def open(self) -> None:
        """Two operations, and a pull request on them."""
        await self.lives.push({"a.yaml": job("a"), "b.yaml": job("b")})
        self.lives.pull("7", {"c.yaml": job("c")})
        self.by("7", "carol")
        await self.lives.settle()

    def by(self, number: str, author: str) -> None:
        self.lives.port.open[number] = replace(self.lives.port.open[number], author=author)

    def say(self, body: str, login: str = "ada", *, pull: str = "7", after: float = 1.0, **more: Any) -> str:
        """A comment, some time after what was before."""
        self.lives.clock.at += timedelta(seconds=after)
        at = self.lives.clock.at
        ident = str(len(self.port.said) + 1)
        account = str(100 + sum(map(ord, login)))
        self.port.said.append(replace(Remark(ident, pull, body, login, account, at, at), **more))
        return ident

    async def listen(self) -> float | None:
        """Look at pull requests, then at what was said; answer what can be."""
        await self.lives.settle()
        wait = await self.hearing.turn()
        await self.lives.settle()
        return wait

    async def commands(self) -> list[Command]:
        """All that was ever asked of the planner."""
        return [fact.command for _, fact in await self.lives.ledger.facts() if isinstance(fact, f.Asked)]

    async def answer(self, *, ok: bool = True, message: str = "done") -> None:
        """The planner answers all that waits."""
        answered = {fact.ident for _, fact in await self.lives.ledger.facts() if isinstance(fact, f.Answered)}
        for command in await self.commands():
            if command.ident not in answered:
                now = self.lives.clock.now()
                await self.lives.ledger.record([f.Answered(command.root, command.ident, ok, message, now)])
        await self.hearing.turn()

    def answers(self, number: str = "7") -> list[str]:
        """What was answered on a pull request; its preview is none."""
        return [body for on, body in self.lives.port.comments.values() if on == number and body.startswith("To ")]

    async def hold(self) -> str:
        """The branch removes all operations, which is held; the hold."""
        await self.lives.push(_NOTHING)
        return await self._held()

    async def hold_by_merge(self, author: str) -> str:
        """The same by a pull request of somebody, which was previewed and merged."""
        self.lives.pull("8", _NOTHING)
        self.by("8", author)
        await self.listen()
        self.lives.merge("8")
        self.lives.port.over["8"] = replace(self.lives.port.over["8"], author=author)
        await self.lives.commits.reconcile()
        return await self._held()

    async def _held(self) -> str:
        (hold,) = (await self.lives.ledger.roots())["b"].holds
        return hold.ident
