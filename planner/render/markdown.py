"""A plan as a comment on the pull request that would cause it: what destroys or waits first and never folded away.

    verdict         how many of what, and how many runs start
    warnings        what is removed or stopped, what a person must release, what is wrong with files
    table           one line an operation
    details         each field that moves, graphs of DAGs, what is known later; folded

The verdict is always there. Warnings, rows and details fill what is left of the forge's limit in this order, and what
does not fit is counted. Words of the pull request are shown and do nothing (`planner.render.foreign`). Words and order
are those of the text that `plumbline plan` prints.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from planner import canon
from planner.errors import Place
from planner.model.plan import Action, FieldChange, Plan, Rehearsed, Verb
from planner.render.counted import many
from planner.render.foreign import code, fenced, phrase
from planner.render.frame import Frame
from planner.render.graph import graph_mermaid
from planner.render.section import NOTE, Section

__all__ = ["marker", "plan_markdown"]

_NAMED = 20
"""Names in a warning before the rest is counted."""
_EFFECTS = 3
"""Effects in a row of the table before the rest goes into its details."""
_PHRASE = 300
"""Letters of one sentence."""
_VALUE = 2000
"""Letters of one value."""
_DESTROYS = frozenset({Verb.REMOVE, Verb.STOP})


def marker(instance: str) -> str:
    """What tells our comment of an instance from any other; it shows nothing."""
    return f"<!-- plumbline preview of {re.sub('[^A-Za-z0-9._]+', '-', instance).strip('-')} -->"


def plan_markdown(plan: Plan, frame: Frame) -> str:
    """The whole comment; never longer than the frame's limit."""
    top, foot = f"{marker(frame.instance)}\n{_verdict(plan, frame)}", _foot(plan, frame)
    sections = (
        Section("change of .plumbline.yaml", _settings(frame), share=0.2),
        Section("warning", list(_warnings(plan, frame)), share=0.6),
        Section("operation", list(_rows(plan, frame)), share=0.6, head=_HEAD, between="\n"),
        Section("detail", list(_details(plan, frame))),
    )
    parts = [top]
    left = frame.limit.room(top, foot) - len(sections) * (NOTE + frame.limit.size(code(frame.whole)))
    for section in sections:
        text = section.within(int(left * section.share), frame.limit, frame.whole)
        left -= frame.limit.size(text)
        parts.append(text)
    return "\n\n".join(part for part in (*parts, foot) if part) + "\n"


_HEAD = "| | Operation | What | Runs |\n|---|---|---|---|"


def _verdict(plan: Plan, frame: Frame) -> str:
    """What is always there, in a size that does not grow with the plan."""
    counts = Counter(action.verb for action in plan.actions)
    parts = [f"{counts[verb]} {verb}" for verb in Verb if counts[verb]]
    verdict = " · ".join([*parts, f"{len(plan.unchanged)} unchanged"]) if parts else "nothing changes"
    title = f"### Plumbline plan for {code(frame.instance)}: {verdict}"
    if plan.actions:
        plural = "s" if frame.scale.runs == 1 else ""
        asked = f", and ask{plural} for {many(frame.scale.gpus, 'GPU')}" if frame.scale.gpus else ""
        held = len(_holds(plan))
        waits = f" {many(held, 'operation')} wait{'s' if held == 1 else ''} for a person." if held else ""
        soon = f" Next by itself: {plan.wake_at:%Y-%m-%d %H:%M} UTC." if plan.wake_at is not None else ""
        trials = f", for {many(frame.scale.trials, 'trial')}" if frame.scale.trials else ""
        return f"{title}\n\n{many(frame.scale.runs, 'run')} start{plural}{trials}{asked}.{waits}{soon}"
    count = len(plan.unchanged)
    return f"{title}\n\n{many(count, 'operation')} {'stays as it is' if count == 1 else 'stay as they are'}."


def _settings(frame: Frame) -> list[str]:
    """What the pull request changes of what governs planning: whoever reads on must know by which rules."""
    if not frame.settings:
        return []
    shown, left = frame.settings[:_NAMED], len(frame.settings) - _NAMED
    more = [f"and {many(left, 'field')} more"] if left > 0 else []
    head = _warning("IMPORTANT", f"**Changes {code('.plumbline.yaml')}**, by which this plan is made already:")
    return ["\n\n".join((head, fenced([*_diff(shown), *more], "diff")))]


def _warnings(plan: Plan, frame: Frame) -> Iterator[str]:
    if frame.moved:
        yield _warning("WARNING", f"**Stale:** the base is {code(frame.moved[:10])} by now; this plan is not of it.")
    if destroyed := [_destroyed(action) for action in plan.actions if action.verb in _DESTROYS]:
        yield _warning("CAUTION", _named("**Removes**", destroyed))
    for held in plan.held:
        release = f"After the merge a person releases it: {code(f'plumbline approve {held.hold.ident}')}"
        names = _named("", map(code, held.roots))
        yield _warning("WARNING", f"**Held** {code(held.hold.ident)}: {_phrase(held.hold.reason)}:{names}", release)
    count = sum(problem.severity == "error" for problem in plan.problems)
    if count:
        kept = "" if plan.complete else ": what comes from these files stays as it is"
        yield _warning("WARNING", f"**{many(count, 'problem')}**{kept}")
    for problem in plan.problems:
        yield f"- {_place(problem.place, frame)} {problem.severity} {problem.code}: {_phrase(problem.sentence)}"


def _warning(kind: str, *lines: str) -> str:
    return "\n".join((f"> [!{kind}]", *(f"> {line}  " for line in lines)))


def _destroyed(action: Action) -> str:
    return code(action.root) + (f" (stops {many(action.stops, 'run')})" if action.stops else "")


def _named(what: str, names: Iterable[str]) -> str:
    """Some names, and how many more."""
    found = list(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{what} {', '.join(found[:_NAMED])}{more}"


def _phrase(text: str) -> str:
    return phrase(text if len(text) <= _PHRASE else f"{text[: _PHRASE - 1]}…")


def _place(place: Place, frame: Frame) -> str:
    url = frame.link(place)
    return f"[{code(str(place))}]({url})" if url else code(str(place))


def _holds(plan: Plan) -> dict[str, str]:
    """What keeps an operation from being done, by its name."""
    return {root: held.hold.ident for held in plan.held for root in held.roots}


def _rows(plan: Plan, frame: Frame) -> Iterator[str]:
    holds = _holds(plan)
    yield from (_row(action, frame, holds.get(action.root, "")) for action in plan.actions)


def _row(action: Action, frame: Frame, hold: str) -> str:
    # What is removed has no place at the head any more.
    url = frame.link(action.place) if action.verb is not Verb.REMOVE else ""
    name = f"[{code(action.root)}]({url})" if url else code(action.root)
    kind = f" {phrase(action.kind)}" if action.kind else ""
    fields = f"; {many(len(action.changes), 'field')}" if action.changes else ""
    # Of what is held nothing follows yet, and the table must not look as if it did.
    effects = "<br>".join((*([f"held by {code(hold)}"] if hold else []), *map(_phrase, action.effects[:_EFFECTS])))
    more = f"<br>and {len(action.effects) - _EFFECTS} more" if len(action.effects) > _EFFECTS else ""
    return f"| {action.verb} | {name}{kind} | {_phrase(action.because)}{fields} | {effects}{more} |"


def _details(plan: Plan, frame: Frame) -> Iterator[str]:
    for action in plan.actions:
        parts = [fenced(_diff(action.changes), "diff")] if action.changes else []
        if len(action.effects) > _EFFECTS:
            parts.append("\n".join(f"- {_phrase(effect)}" for effect in action.effects))
        if (graph := frame.graphs.get(action.root)) is not None:
            parts.append(fenced(graph_mermaid(graph), "mermaid"))
        parts += map(_rehearsed, action.rehearsed)
        if parts:
            yield _folded(f"{action.verb} {code(action.root)}", parts)
    if plan.kept:
        kept = "\n".join(f"- {code(name)} stays as it is: {_phrase(reason)}" for name, reason in plan.kept)
        yield _folded(f"{len(plan.kept)} kept as they are", [kept])
    if plan.deferred:
        yield _folded(f"{len(plan.deferred)} known later", ["\n".join(f"- {_phrase(text)}" for text in plan.deferred)])
    if plan.notes:
        yield _folded("Notes", ["\n".join(f"- {_phrase(text)}" for text in plan.notes)])


def _rehearsed(item: Rehearsed) -> str:
    """What the cluster says; refusals first."""
    lines = [f"On the cluster, {code(item.run)}: {code(item.workload) or 'nothing was asked for'}"]
    lines += [f"- **refused**: {_phrase(reason)}" for reason in item.refused]
    lines += [f"- not known: {_phrase(reason)}" for reason in item.unknown]
    lines += [fenced(_diff(item.changes), "diff")] if item.changes else []
    lines += ["Admission sets", "", fenced(_diff(item.admitted), "diff")] if item.admitted else []
    return "\n".join(lines)


def _diff(changes: Iterable[FieldChange]) -> Iterator[str]:
    """A field a block: where it is, what it was, what it becomes."""
    for change in changes:
        yield f"  {change.pointer}"
        if not change.added:
            yield f"- {_value(change.before)}"
        if not change.removed:
            yield f"+ {_value(change.after)}"


def _value(value: canon.Json) -> str:
    text = canon.dumps(value)
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}… ({len(text)} letters)"


def _folded(title: str, parts: Iterable[str]) -> str:
    return "\n\n".join((f"<details><summary>{title}</summary>", *parts, "</details>"))


def _foot(plan: Plan, frame: Frame) -> str:
    base = f" against {code(plan.base[:10])}" if plan.base else ""
    tree = f", merged as tree {code(frame.tree[:10])}" if frame.tree else ""
    head = code(plan.commit[:10] or "the working folder")
    return f"<sub>{head}{base}{tree}; planned {plan.at:%Y-%m-%d %H:%M:%S} UTC. Nothing was executed.</sub>"
