"""Commands that concern the whole project: suspend, unsuspend, and believing a loss."""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.model.facts import Answered, Believed, Fact, Suspended
from planner.model.people import Command, ProjectRecord
from reconciler.core import Core
from reconciler.observe import Observer

__all__ = ["Project"]


class Project:
    """Answers the project's commands."""

    def __init__(self, core: Core, observer: Observer) -> None:
        self._core = core
        self._observer = observer

    async def reconcile(self) -> None:
        """Answer every command that waits, and wake every root when something changed for all of them."""
        core = self._core
        record = await core.ledger.project()
        self._wake_at_end(record)
        if not record.commands:
            return
        facts: list[Fact] = []
        for command in record.commands:
            facts.extend(self._answer(command, core.clock.now()))
        await core.ledger.record(facts)
        if any(isinstance(fact, Believed) for fact in facts):
            self._observer.believe()
        for name in await core.ledger.roots():
            core.queue.add(f"root:{name}")
        self._wake_at_end(await core.ledger.project())

    def _answer(self, command: Command, now: datetime) -> list[Fact]:
        match command.verb:
            case "suspend":
                seconds = command.args.get("for")
                until = now + timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
                return [
                    Suspended("", by=command.by, at=now, active=True, until=until),
                    Answered("", command.ident, ok=True, message="the project is suspended", at=now),
                ]
            case "unsuspend":
                return [
                    Suspended("", by=command.by, at=now, active=False),
                    Answered("", command.ident, ok=True, message="the project goes on", at=now),
                ]
            case "approve" if self._observer.lost:
                return [
                    Believed(tuple(sorted(self._observer.gone)), by=command.by, at=now),
                    Answered("", command.ident, ok=True, message="what vanished counts as lost", at=now),
                ]
            case _:
                message = f"nothing to {command.verb} for the whole project"
                return [Answered("", command.ident, ok=False, message=message, at=now)]

    def _wake_at_end(self, record: ProjectRecord) -> None:
        core = self._core
        if record.suspended is None or record.suspended.until is None:
            return
        left = (record.suspended.until - core.clock.now()).total_seconds()
        if left > 0:
            core.queue.add("project", left)
        else:
            core.queue.add("survey")
