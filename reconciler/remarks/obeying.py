"""What a command becomes: a question to the planner, a plan that is made anew, or an answer at once.

`retry` and `approve` are the API's own, with who asked. Nobody approves what is of his own making, unless the
configuration allows it. Records nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from planner.model.facts import Asked
from planner.model.pulls import Part, PullState
from planner.remarks import Wish
from reconciler.api.asked import Request
from reconciler.api.commands import LOST, commands_of
from reconciler.api.problems import ApiError
from reconciler.core import Core
from reconciler.ports_remarks import Remark, Remarks
from reconciler.pulls.pulling import Pulling

__all__ = ["HELP", "Obeyed", "Obeying"]

HELP = (
    "commands are `/plumbline plan`, `/plumbline retry OPERATION`, `/plumbline approve HOLD` and `/plumbline help`, "
    "each on a line of its own"
)
_MOST_COMMITS = 20


@dataclass(slots=True)
class Obeyed:
    """What a comment comes to: its parts, the questions, and what is stored with them."""

    parts: list[Part] = field(default_factory=list)
    facts: list[Asked] = field(default_factory=list)
    blobs: dict[str, str] = field(default_factory=dict)


class Obeying:
    """Turns wishes of people who may have them into what they ask for."""

    def __init__(self, core: Core, port: Remarks, pulling: Pulling, *, approve_own: bool) -> None:
        self._core = core
        self._port = port
        self._pulling = pulling
        self._approve_own = approve_own

    async def obeyed(self, remark: Remark, wishes: Iterable[Wish]) -> Obeyed:
        """What a comment comes to.

        Raises:
            Transient, Refused: the forge or the ledger cannot be asked now.
        """
        made = Obeyed()
        helped = False
        for wish in wishes:
            if wish.verb in {"", "help"}:
                if not helped:
                    made.parts.append(Part(wish.text, HELP, good=wish.verb == "help"))
                helped = True
            elif wish.verb == "plan":
                made.parts.append(Part(wish.text, plans=True))
            else:
                made.parts.append(await self._asked(remark, wish, made))
        return made

    async def _asked(self, remark: Remark, wish: Wish, made: Obeyed) -> Part:
        if wish.verb == "approve" and wish.target == LOST:
            return Part(wish.text, "what is lost is agreed to with `plumbline approve lost` only", good=False)
        if wish.verb == "approve" and not self._approve_own and self._is_own_pull(remark):
            return Part(wish.text, "nobody approves on a pull request of his own", good=False)
        try:
            request = Request(wish.verb, wish.target, by=f"{remark.login} on {self._port.name}")
            commands, blobs = await commands_of(self._core, request)
        except ApiError as error:
            return Part(wish.text, error.detail[:500], good=False)
        if wish.verb == "approve" and not self._approve_own:
            own = await self._is_own(remark, wish.target, [command.root for command in commands])
            if own:
                return Part(wish.text, own, good=False)
        made.facts += [Asked(command.root, command, command.at) for command in commands]
        made.blobs |= blobs
        return Part(wish.text, commands=tuple(command.ident for command in commands))

    def _is_own_pull(self, remark: Remark) -> bool:
        pull = self._pulling.seen.get(remark.pull)
        # One whose author nobody knows may be anybody's.
        return pull is None or not pull.author or pull.author.casefold() == remark.login.casefold()

    async def _is_own(self, remark: Remark, hold: str, roots: Collection[str]) -> str:
        """Why a person may not release the hold on `roots`; "" where he may."""
        login = remark.login.casefold()
        records = self._pulling.saying.records
        for number, pull in self._pulling.seen.items():
            if pull.state is not PullState.MERGED or pull.author.casefold() != login or number not in records:
                continue
            if not set(roots).isdisjoint(records[number].roots):
                return f"nobody approves what his own change causes, here pull request {number}"
        commits = await self._commits(hold, roots)
        if len(commits) > _MOST_COMMITS:
            return f"more than {_MOST_COMMITS} commits have caused this: use `plumbline approve`"
        for commit in sorted(commits):
            if login in {name.casefold() for name in await self._port.caused(commit)}:
                return f"nobody approves what his own change causes, here commit {commit[:12]}"
        return ""

    async def _commits(self, hold: str, roots: Collection[str]) -> set[str]:
        """The commits that asked for what is held: of a target those that want it, of a run those that it is of."""
        known = await self._core.ledger.roots()
        found: set[str] = set()
        for record in (known[root] for root in roots if root in known):
            planned, applied = record.planned, record.applied
            if planned is not None and planned.hold is not None and planned.hold.ident == hold:
                found.add(planned.commit)
            if applied is not None and any(held.hold.ident == hold for held in record.held):
                found.add(applied.commit)
        return found - {""}
