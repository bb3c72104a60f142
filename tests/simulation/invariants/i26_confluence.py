"""I26: whatever way led there, what is in force at the end is what the branch asks for, and nothing else is up."""

from __future__ import annotations

from tests.simulation.history import History

NAME = "I26"


def check(history: History) -> list[str]:
    """By the branch's last tree alone: files with a problem stay as they were, and nothing is removed beside them."""
    last = history.commits.get(history.head)
    if last is None or last.empty or not history.settled:
        return []
    wanted, found = last.operations(), []
    for name, operation in wanted.items():
        record = history.state.roots.get(name)
        planned = record.planned if record is not None else None
        if planned is None or planned.digest != operation.digest:
            found.append(f"{name} is not planned as the branch has it: {planned}")
        elif planned.form != operation.form:
            found.append(f"{name} is planned with other words than the branch has")
        elif operation.kind == "service" and _is_ready(history, name):
            found += _other_services(history, name, operation.digest)
    if last.bad_files:
        return found
    for name, record in history.state.roots.items():
        planned = record.planned
        if name not in wanted and planned is not None and planned.digest is not None and planned.prune:
            found.append(f"{name} is planned, and the branch does not have it")
    return found


def _is_ready(history: History, name: str) -> bool:
    """Whether the service in force has taken over: until it does, and again after a loss, another one may be up.

    After a rename onto the name of a removal that was held, the root has two that were both in service before.
    """
    applied = history.state.roots[name].applied
    runs = [run for run in history.state.runs.values() if applied is not None and run.key.top == applied.key]
    return any(attempt.ready_at is not None for run in runs for attempt in run.attempts if attempt.live)


def _other_services(history: History, name: str, digest: str) -> list[str]:
    found = []
    for key in sorted(history.alive):
        run = history.state.runs.get(key.run)
        if run is None or run.root != name or run.kind != "service":
            continue
        top = history.state.runs[run.key.top]
        form = history.forms.get(top.form)
        if form is not None and form.digest != digest and form.kind == "service":
            found.append(f"{key} is up, and is not the service that the branch has")
    return found
