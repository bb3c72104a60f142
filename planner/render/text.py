"""Plans and problems as plain text for a terminal: what destroys first, what is unchanged as a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from planner import canon
from planner.errors import Problem
from planner.model.plan import Action, FieldChange, Held, Plan, Rehearsed, Verb

__all__ = ["action_lines", "change_line", "counted", "held_lines", "plan_text", "problems_text", "summary"]

_WIDTH = 72


def plan_text(plan: Plan) -> str:
    """The whole plan; ends with its summary line."""
    lines = [*_head(plan)]
    for held in plan.held:
        lines.extend(held_lines(held))
    for action in plan.actions:
        lines.extend(action_lines(action))
    lines.extend(f"  {name} stays as it is: {reason}" for name, reason in plan.kept)
    lines.extend(f"? {text}" for text in plan.deferred)
    lines.extend(f"note: {text}" for text in plan.notes)
    if plan.problems:
        lines.append(problems_text(plan.problems))
    lines.append(summary(plan))
    return "\n".join(lines) + "\n"


def summary(plan: Plan) -> str:
    """One line of counts, such as `2 start, 1 remove, 5 unchanged, 12 trials`."""
    parts = [*counted(plan.actions), f"{len(plan.unchanged)} unchanged"]
    if plan.trials:
        parts.append(f"{plan.trials} trial{'s' if plan.trials > 1 else ''}")
    errors = sum(problem.severity == "error" for problem in plan.problems)
    if errors:
        parts.append(f"{errors} problem{'s' if errors > 1 else ''}")
    return f"plan: {', '.join(parts)}"


def counted(actions: Iterable[Action]) -> list[str]:
    """How many of each verb, such as `2 start`."""
    counts = Counter(action.verb for action in actions)
    return [f"{counts[verb]} {verb}" for verb in Verb if counts[verb]]


def problems_text(problems: Iterable[Problem]) -> str:
    """One problem a line, `path:line:column: severity CODE: message; hint`."""
    return "\n".join(str(problem) for problem in problems)


def change_line(change: FieldChange) -> str:
    """One field that moved, old and new."""
    if change.added:
        return f"{change.pointer}: {_value(change.after)} (new)"
    if change.removed:
        return f"{change.pointer}: {_value(change.before)} (gone)"
    return f"{change.pointer}: {_value(change.before)} -> {_value(change.after)}"


def _head(plan: Plan) -> Iterator[str]:
    commit = plan.commit[:10] or "the working folder"
    yield f"plan of {commit}" + (f" against {plan.base[:10]}" if plan.base else "")
    if not plan.complete:
        yield "! not complete: some files have problems; what comes from them stays as it is"


def held_lines(held: Held) -> Iterator[str]:
    """What waits for a person, why, and what releases it."""
    yield f"! held {held.hold.ident}: {held.hold.reason}"
    yield f"    {', '.join(held.roots[:20])}{' …' if len(held.roots) > 20 else ''}"
    yield f"    release it with: plumbline approve {held.hold.ident}"


def action_lines(action: Action) -> Iterator[str]:
    """What is done to one operation, why, what follows, and each field that moves."""
    kind = f" ({action.kind})" if action.kind else ""
    yield f"{action.verb.symbol} {action.verb} {action.root}{kind}: {action.because}"
    yield from (f"    {effect}" for effect in action.effects)
    yield from (f"    {change_line(change)}" for change in action.changes)
    for rehearsed in action.rehearsed:
        yield from _rehearsed(rehearsed)


def _rehearsed(rehearsed: Rehearsed) -> Iterator[str]:
    """What the cluster says; refusals first."""
    what = rehearsed.workload or "nothing was asked for"
    yield f"    on the cluster, {rehearsed.run}: {what}"
    yield from (f"      ! refused: {reason}" for reason in rehearsed.refused)
    yield from (f"      {change_line(change)}" for change in rehearsed.changes)
    yield from (f"      admission sets {change_line(change)}" for change in rehearsed.admitted)
    yield from (f"      ? {reason}" for reason in rehearsed.unknown)


def _value(value: canon.Json) -> str:
    text = canon.dumps(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
