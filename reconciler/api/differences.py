"""What differs between two runs, field by field: what they were started with, and what came of them.

A value whose name says that it is a secret is never shown: only that it differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from planner.canon import Json, plain
from planner.changes import value_changes
from planner.model.desired import CompiledOperation
from planner.model.gang import Replica
from planner.model.plan import FieldChange
from planner.model.run import BoundRun
from planner.query import original_of
from reconciler.api import find, problems, views
from reconciler.api.stories import Story, one
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["between"]

_SECRET = re.compile(r"secret|token|passw|pwd|credential|private|api[-_]?key|access[-_]?key|auth", re.IGNORECASE)
_SAID = re.compile(r"((?:secret|token|passw|pwd|api[-_]?key|access[-_]?key)[-\w]*[=:]\s*)\S+", re.IGNORECASE)
"""A secret within a text, such as `--token=abc` or `https://host?token=abc`."""
_HIDDEN = "(hidden)"
_SECTIONS = ("run", "params", "image", "command", "env", "resources", "code", "spec", "outputs", "end")
"""In the order in which they are shown: what a run is, what it was started with, what came of it."""


async def between(core: Core, before: str, after: str) -> dict[str, Json]:
    """What differs between the runs that two names mean.

    Raises:
        ApiError: a name fits nothing, or more than one thing.
    """
    stories = [await _story(core, name) for name in (before, after)]
    told = [await _told(core, story) for story in stories]
    changes = sorted(value_changes(*told), key=lambda change: _SECTIONS.index(change.pointer.split("/")[1]))
    identity = core.policy.identity
    return {
        "before": views.run_view(stories[0], identity),
        "after": views.run_view(stories[1], identity),
        "changes": views.digest_view([_shown(change) for change in changes]),
    }


async def _story(core: Core, name: str) -> Story:
    found = await find.run(core, name)
    assert found.run is not None
    story = await one(core, found.run.key, newest=False)
    if story is None:
        raise problems.missing(f"there is no run {found.run.key}")
    return story


async def _told(core: Core, story: Story) -> dict[str, Json]:
    run, source = story.run, story.source
    bound = await _bound(core, story)
    form = await core.form(run.form)
    last = source.last
    took = source.finished_at - source.started_at if source.finished_at and source.started_at else None
    return {
        "run": {"operation": run.root, "node": "/".join(run.key.place), "kind": run.kind, "commit": run.commit},
        **(_started_with(bound) if bound is not None else {}),
        # Of a DAG nothing is bound: what it is made of says how it differs.
        "spec": _spec(form) if bound is None and form is not None else {},
        "outputs": dict(source.outputs),
        "end": {
            "status": str(story.status),
            "reason": run.reason or source.reason,
            "attempts": source.attempt_count,
            "exitCode": last.exit_code if last is not None else None,
            "seconds": round(took.total_seconds(), 3) if took is not None else None,
        },
    }


async def _bound(core: Core, story: Story) -> BoundRun | None:
    """What the run was started with; of one that is cached, what the run was that did its work."""
    digest, original = story.source.bound, original_of(story.run)
    if not digest and original is not None:
        found = await core.ledger.runs(RunQuery(keys=(original,), limit=1))
        digest = found[0].bound if found else ""
    return await core.bound(digest) if digest else None


def _started_with(bound: BoundRun) -> dict[str, Json]:
    groups = bound.gang.replicas
    return {
        "params": plain(bound.context.get("params") or {}),
        "image": {group.role: group.container.image for group in groups},
        "command": {group.role: [*group.container.command, *group.container.args] for group in groups},
        "env": {group.role: dict(group.container.env) for group in groups},
        "resources": {group.role: _resources(group) for group in groups},
        "code": {tree.target or ".": f"{tree.source or '.'} at {tree.object_id}" for tree in bound.gang.code},
    }


def _resources(group: Replica) -> Mapping[str, Json]:
    return {**group.container.resources, "replicas": group.count}


def _spec(operation: CompiledOperation) -> Json:
    return plain(operation.fields)


def _shown(change: FieldChange) -> FieldChange:
    if not any(_SECRET.search(part) for part in change.pointer.split("/")[2:]):
        return replace(change, before=_without(change.before), after=_without(change.after))
    before = change.before if change.added else _HIDDEN
    return replace(change, before=before, after=change.after if change.removed else _HIDDEN)


def _without(value: Json) -> Json:
    return _SAID.sub(rf"\1{_HIDDEN}", value) if isinstance(value, str) else value
