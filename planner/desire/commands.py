"""What people ask for: run, stop, retry, suspend, approve. Each command becomes facts and one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from planner import keys
from planner.desire.approval import approve_run
from planner.desire.nodes import latest
from planner.desire.stopping import below, stop_tree
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.facts import Answered, Approved, Opened, Retried, Settled, Suspended
from planner.model.people import Command
from planner.model.records import RunRecord
from planner.model.status import RunStatus, StopReason

__all__ = ["answer"]

_RETRIED = {RunStatus.FAILED, RunStatus.UPSTREAM_FAILED, RunStatus.STOPPED, RunStatus.SKIPPED}


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
    if operation.kind == "service" and (up := _up(draft, command.by)):
        return False, f"{draft.name} is up or starting as {up}; plumbline stop {draft.name} first"
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
        )
    )
    return True, str(key)


def _stop(draft: Draft, command: Command) -> tuple[bool, str]:
    target = _target(command)
    stopped = stop_tree(draft, target, StopReason.BY_PERSON, command.by)
    if not stopped:
        return False, f"nothing of {target or draft.name} is running"
    return True, f"stopping {stopped} run{'s' if stopped > 1 else ''}"


def _retry(draft: Draft, command: Command) -> tuple[bool, str]:
    target = _target(command)
    top = _retry_top(draft, target)
    if top is None:
        return False, f"{target or draft.name} has no run to retry"
    applied = draft.state.record.applied
    if applied is not None and applied.digest is None:
        return False, f"{draft.name} is not in the repository"
    if top.key.generation is not None and (applied is None or applied.key != top.key):
        return False, f"{top.key} is of an earlier generation; what is in the repository now is not retried with it"
    _give_up(draft, top, command.by)
    if top.kind == "service" and (up := _up(draft, command.by)) and up.top != top.key:
        return False, f"{draft.name} is up or starting as {up}; plumbline stop {draft.name} first"
    everything = command.args.get("mode") == "all"
    places = _places(draft, top, target, everything=everything)
    if not places:
        hint = "is final" if everything else "failed or was stopped (--all retries what has succeeded too)"
        return False, f"nothing of {target or top.key} {hint}"
    number = max(top.rounds.values(), default=0) + 1
    draft.add(Retried(draft.name, top.key, number, places, command.by, draft.now))
    if places == ("",):
        _open_round(draft, top, number, command.by)
    return True, f"{top.key} round {number}: {', '.join(place or top.key.root for place in places)}"


def _up(draft: Draft, by: str) -> Key | None:
    """The run that the service goes on as: a second one beside it would want its ports and its name."""
    for key in draft.state.record.open:
        top = draft.run(key)
        if top is None or top.kind != "service":
            continue
        _give_up(draft, top, by)
        run = draft.run(latest(draft, key, ()))
        if run is not None and not run.status.final:
            return run.key
    return None


def _give_up(draft: Draft, top: RunRecord, by: str) -> None:
    """A service that is down and not healed is given up for the new round."""
    run = draft.run(latest(draft, top.key, ()))
    if run is None or run.kind != "service" or run.status.final or run.alive or not run.attempts:
        return
    draft.add(Settled(draft.name, run.key, RunStatus.FAILED, f"down until {by} retried it", draft.now))


def _open_round(draft: Draft, top: RunRecord, number: int, by: str) -> None:
    draft.add(
        Opened(
            root=draft.name,
            key=top.key.at_round(number),
            kind=top.kind,
            commit=top.commit,
            generation=top.generation,
            form=top.form,
            because=f"retried by {by}",
            at=draft.now,
        )
    )


def _places(draft: Draft, top: RunRecord, target: Key | None, *, everything: bool) -> tuple[str, ...]:
    found = []
    for run in draft.state.runs.values():
        if run.key.top != top.key or run.key.round != top.rounds.get("/".join(run.key.place), 0):
            continue
        if not run.key.place and _has_children(draft, top):
            continue
        wanted = everything or run.status in _RETRIED
        if wanted and run.status.final and (target is None or below(run.key, target)):
            found.append("/".join(run.key.place))
    return tuple(sorted(found))


def _retry_top(draft: Draft, target: Key | None) -> RunRecord | None:
    key = target.top if target is not None else draft.state.record.last
    return draft.run(key) if key is not None else None


def _has_children(draft: Draft, top: RunRecord) -> bool:
    return top.kind == "dag" or any(key.place and key.top == top.key for key in draft.state.runs)


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


def _target(command: Command) -> Key | None:
    text = command.args.get("key")
    return replace(keys.parse(str(text)), attempt=0) if text else None


_VERBS: Mapping[str, Callable[[Draft, Command], tuple[bool, str]]] = {
    "run": _run,
    "stop": _stop,
    "retry": _retry,
    "suspend": _suspend,
    "unsuspend": _unsuspend,
    "approve": _approve,
}
