"""What people ask for: run, stop, retry, suspend, approve. Each command becomes facts and one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from planner import keys
from planner.desire import backfill
from planner.desire.approval import approve_run
from planner.desire.retry import give_up, retry, target_of, up_as
from planner.desire.stopping import stop_tree
from planner.desire.view import Draft
from planner.model.facts import Answered, Approved, Opened, Suspended
from planner.model.people import Command
from planner.model.status import StopReason

__all__ = ["answer"]


def answer(draft: Draft) -> None:
    """Plan every command of this root that was not answered yet, oldest first."""
    for command in draft.state.record.commands:
        try:
            ok, message = _VERBS.get(command.verb, _unknown)(draft, command)
        except ValueError as error:
            ok, message = False, str(error)
        draft.add(Answered(draft.name, command.ident, ok, message, draft.now))


def _unknown(draft: Draft, command: Command) -> tuple[bool, str]:
    return False, f"{draft.name} cannot be asked to {command.verb}"


def _run(draft: Draft, command: Command) -> tuple[bool, str]:
    record = draft.state.record
    planned = record.planned
    form = str(command.args.get("form") or (planned.form if planned else ""))
    operation = draft.form(form) if form else None
    if operation is None or planned is None:
        return False, f"{draft.name} is not in the repository"
    if operation.refused:
        return False, f"{draft.name} cannot run here: {operation.refused}"
    if draft.suspended is not None:
        return False, f"{draft.name} is suspended by {draft.suspended.by}; {draft.unsuspend}"
    if operation.kind == "service":
        if up := up_as(draft):
            return False, f"{draft.name} is up or starting as {up}; plumbline stop {draft.name} first"
        give_up(draft, command.by)
    key = keys.request(draft.name, command.ident)
    draft.add(
        Opened(
            root=draft.name,
            key=key,
            kind=operation.kind,
            commit=planned.commit,
            generation=record.highest,
            form=form,
            because=f"asked for by {command.by}",
            at=draft.now,
            fresh=bool(command.args.get("fresh")),
            params=_params(command),
        )
    )
    return True, str(key)


def _params(command: Command) -> dict[str, str]:
    given = command.args.get("params")
    return {name: str(text) for name, text in given.items()} if isinstance(given, Mapping) else {}


def _stop(draft: Draft, command: Command) -> tuple[bool, str]:
    target = target_of(command)
    ident = str(command.args.get("backfill") or "")
    count, ended = backfill.stop(draft, ident, command.by) if target is None else (0, [])
    stopped = count if ident else stop_tree(draft, target, StopReason.BY_PERSON, command.by)
    runs = f"{stopped} run{'s' if stopped > 1 else ''}"
    if ended:
        return True, f"stopping {', '.join(ended)}" + (f" and {runs}" if stopped else "")
    if ident:
        return False, f"{ident} is over, or is no backfill of {draft.name}"
    if not stopped:
        return False, f"nothing of {target or draft.name} is running"
    return True, f"stopping {runs}"


def _suspend(draft: Draft, command: Command) -> tuple[bool, str]:
    seconds = command.args.get("for")
    until: datetime | None = None
    if isinstance(seconds, int | float):
        until = draft.now + timedelta(seconds=seconds)
    draft.add(Suspended(draft.name, by=command.by, at=draft.now, active=True, until=until))
    return True, f"{draft.name} is suspended" + (f" until {until.isoformat(timespec='seconds')}" if until else "")


def _unsuspend(draft: Draft, command: Command) -> tuple[bool, str]:
    if draft.state.record.suspended is None:
        return False, f"{draft.name} is not suspended"
    draft.add(Suspended(draft.name, by=command.by, at=draft.now, active=False))
    return True, f"{draft.name} goes on"


def _approve(draft: Draft, command: Command) -> tuple[bool, str]:
    released = approve_run(draft, command)
    if released:
        return True, f"{released}: approved"
    planned = draft.state.record.planned
    hold = planned.hold if planned else None
    if hold is None or hold.ident != command.args.get("hold"):
        return False, f"{draft.name} has no such hold"
    baseline = bool(command.args.get("baseline"))
    draft.add(Approved(draft.name, hold, command.by, draft.now, baseline=baseline))
    return True, f"{draft.name}: released" + (" as done" if baseline else "")


_VERBS: Mapping[str, Callable[[Draft, Command], tuple[bool, str]]] = {
    "run": _run,
    "backfill": backfill.ask,
    "stop": _stop,
    "retry": retry,
    "suspend": _suspend,
    "unsuspend": _unsuspend,
    "approve": _approve,
}
