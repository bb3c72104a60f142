"""A sweep with what it has found: its trials in order, the best of them, what its params do, and how it stands.

Reads what is recorded; which trial is better than another is for `planner.findings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner import findings
from planner.canon import Json, plain
from planner.desire.view import Identity
from planner.keys import Key
from planner.model.desired import Sweep
from planner.model.records import RunRecord
from planner.model.search import Goal, HyperbandSearch
from planner.search import most
from planner.search.rungs import amount
from planner.swept import kind_of
from planner.trials import sweeps_of
from reconciler.api import find, problems, views
from reconciler.api.stories import MOST_TRIALS, one, operation_of, story_of
from reconciler.api.trials import Looked, goal_of, trials_of
from reconciler.core import Core

__all__ = ["Asked", "standing_of", "sweep_view"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sweep, and by what its trials are compared.

    Attributes:
        name: an operation, a run, `OPERATION/NODE` or a node of a run; of a DAG the one sweep that it has.
        metric: what they are compared by; "" for what the sweep itself goes by.
        minimize: whether less of that metric is better; None for as the sweep says, else more.
    """

    name: str
    metric: str = ""
    minimize: bool | None = None


async def sweep_view(core: Core, asked: Asked) -> dict[str, Json]:
    """Everything about a sweep.

    Raises:
        ApiError: nothing fits the name, more than one thing does, or it is no sweep.
    """
    run, body = await _found(core, asked.name)
    goal = _goal(body, asked)
    looked = await trials_of(core, run.key, body, goal)
    tried = [found.tried for found in looked]
    rows = {found.tried.number: _row(found, core.policy.identity) for found in looked}
    ordered = findings.ranked(tried, goal)
    best = ordered[0] if goal is not None and ordered and ordered[0].value is not None else None
    story = await story_of(core, run, newest=True)
    return {
        "sweep": str(run.key),
        "operation": run.root,
        "status": str(story.status),
        "reason": story.run.reason,
        "search": kind_of(body.search),
        "metric": goal.metric if goal is not None else None,
        "maximize": goal.maximize if goal is not None else None,
        "concurrency": body.concurrency,
        "total": _total(body),
        "counts": _counts(tried),
        "progress": findings.standing(tried, _total(body), goal),
        "cut": len(looked) >= MOST_TRIALS,
        "best": rows[best.number] if best is not None else None,
        "trials": [rows[found.number] for found in ordered],
        "params": _params(tried, goal),
        "history": [plain(step) for step in findings.history(tried, goal)] if goal is not None else [],
        "rungs": _rungs(tried, body, goal),
    }


async def standing_of(core: Core, run: RunRecord) -> str:
    """How a sweep that is not over stands, in a few words; "" for anything else."""
    if run.kind != "matrix" or run.status.final:
        return ""
    body = await _body(core, run.key)
    if body is None:
        return ""
    goal = goal_of(body)
    looked = await trials_of(core, run.key, body, goal)
    return findings.standing([found.tried for found in looked], _total(body), goal)


async def _found(core: Core, name: str) -> tuple[RunRecord, Sweep]:
    """The run of the sweep that a name means, and the sweep."""
    run = await _run(core, name)
    body = await _body(core, run.key)
    if body is not None:
        return run, body
    for depth in range(len(run.key.place) - 1, -1, -1):
        above = Key(run.key.root, run.key.cause, run.key.place[:depth])
        if await _body(core, above) is not None:
            raise problems.conflict(f"{run.key} is part of a sweep: name that, as `{above}`")
    form = await core.form(run.form) if not run.key.place else None
    found = [place for place, _ in sweeps_of(form)] if form is not None else []
    if len(found) == 1:
        return await _below(core, run.key, found[0])
    if found:
        names = ", ".join(f"`{run.key}/{'/'.join(place)}`" for place in found[:10])
        raise problems.conflict(f"{run.key} has {len(found)} sweeps: name one of them, as {names}")
    raise problems.conflict(f"{run.key} is no sweep: it has no `matrix`")


async def _below(core: Core, top: Key, place: tuple[str, ...]) -> tuple[RunRecord, Sweep]:
    key = Key(top.root, top.cause, (*top.place, *place))
    story, body = await one(core, key, newest=False), await _body(core, key)
    if story is None or body is None:
        raise problems.conflict(f"{key} has not begun")
    return story.run, body


async def _run(core: Core, name: str) -> RunRecord:
    root, slash, place = name.partition("/")
    if not slash or "@" in root:
        found = await find.run(core, name)
        assert found.run is not None
        return found.run
    above = await find.run(core, root)
    assert above.run is not None
    key = Key(above.run.key.root, above.run.key.cause, tuple(place.split("/")))
    story = await one(core, key, newest=False)
    if story is None:
        raise problems.missing(f"{above.run.key} has no run at `{place[:80]}`")
    return story.run


async def _body(core: Core, key: Key) -> Sweep | None:
    """The sweep that a run is of; None for what is none."""
    operation = await operation_of(core, key)
    return operation.body if operation is not None and isinstance(operation.body, Sweep) else None


def _goal(body: Sweep, asked: Asked) -> Goal | None:
    own = goal_of(body)
    if not asked.metric and own is None:
        if asked.minimize is not None:
            raise problems.bad("this sweep has no metric of its own: name one (`metric`)")
        return None
    metric = asked.metric or (own.metric if own is not None else "")
    if asked.minimize is not None:
        return Goal(metric, not asked.minimize)
    return own if own is not None and own.metric == metric else Goal(metric)


def _total(body: Sweep) -> int | None:
    return most(body.search) if body.tuner is None else None


def _counts(tried: Sequence[findings.Tried]) -> Mapping[str, Json]:
    over = [one for one in tried if one.over]
    running = sum(one.running for one in tried)
    good = sum(one.status == "succeeded" for one in over)
    failed = sum(one.status in {"failed", "upstream_failed"} for one in over)
    return {
        "opened": len(tried),
        "ended": len(over),
        "running": running,
        "waiting": len(tried) - len(over) - running,
        "succeeded": good,
        "failed": failed,
        "others": len(over) - good - failed,
    }


def _row(found: Looked, identity: Identity) -> dict[str, Json]:
    tried, story = found.tried, found.story
    seconds = None
    if found.started_at is not None and tried.ended_at is not None:
        seconds = round(max((tried.ended_at - found.started_at).total_seconds(), 0.0), 3)
    return {
        "number": tried.number,
        "run": str(story.run.key),
        "id": views.short_id(story.run, identity),
        "status": tried.status,
        "value": tried.value,
        "latest": found.latest,
        "params": plain(dict(tried.params)),
        "startedAt": views.instant(found.started_at),
        "finishedAt": views.instant(tried.ended_at),
        "seconds": seconds,
        "reason": found.reason,
        "bracket": tried.bracket,
        "rung": tried.rung,
        "origin": found.suggestion.origin,
        "iteration": found.suggestion.iteration,
        "carriedFrom": str(story.run.carried_from) if story.run.carried_from else None,
        "cachedFrom": str(story.source.cached_from) if story.source.cached_from else None,
    }


def _params(tried: Sequence[findings.Tried], goal: Goal | None) -> list[Json]:
    """What each param has to do with the metric; without one only which there are."""
    if goal is None:
        names = dict.fromkeys(name for found in tried for name in found.params)
        return [{"name": name, "numeric": None, "count": 0, "correlation": None, "choices": []} for name in names]
    return [plain(found) for found in findings.influences(tried, goal)]


def _rungs(tried: Sequence[findings.Tried], body: Sweep, goal: Goal | None) -> list[Json]:
    search = body.search
    if not isinstance(search, HyperbandSearch):
        return []
    return [
        {
            "bracket": found.bracket,
            "rung": found.rung,
            "resource": amount(search, found.bracket, found.rung),
            "trials": found.trials,
            "ended": found.ended,
            "best": found.best,
        }
        for found in findings.rungs_of(tried, goal or search.goal)
    ]
