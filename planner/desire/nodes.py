"""Nodes of a top by their place: the newest round of each, whose story it tells, and the values that others read of it.

Reads the draft alone and decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from planner.canon import Json
from planner.compile import variables
from planner.compile.bind import BindError
from planner.desire.view import Draft, Identity
from planner.fold.own import below
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf, Reference
from planner.model.inputs import ANY_TRIAL
from planner.model.records import RunRecord
from planner.query.graph import node_of
from planner.spec.words import some

__all__ = [
    "effective",
    "entered",
    "form_of",
    "globals_of",
    "has_begun",
    "is_under_way",
    "latest",
    "newest",
    "operation_of",
    "place_of",
    "said_by",
    "told_of",
    "upstream",
    "value",
]


def latest(draft: Draft, top: Key, place: tuple[str, ...]) -> Key:
    """The key of a node's newest round."""
    record = draft.run(top.top if top.place or top.round else top)
    return Key(top.root, top.cause, place, record.round_of(place) if record else 0)


def newest(draft: Draft, top: RunRecord) -> RunRecord:
    """The newest round of a top: of a leaf that was run again it is another record than the top's own."""
    return draft.run(latest(draft, top.key, ())) or top


def has_begun(draft: Draft, dag: Key) -> bool:
    """Whether something of a DAG has a record, of whichever round."""
    return bool(below(draft.state.runs, dag))


def is_under_way(draft: Draft, dag: Key) -> bool:
    """Whether something of a DAG inside a DAG has a record in its newest round: its upstream is not asked any more."""
    return any(latest(draft, dag, key.place) == key for key in below(draft.state.runs, dag))


def effective(draft: Draft, run: RunRecord) -> RunRecord:
    """The record that tells the run's story: its own, or the one that it was carried from."""
    if run.carried_from is None:
        return run
    return draft.run(run.carried_from) or run


def form_of(draft: Draft, top: RunRecord) -> CompiledOperation | None:
    """What the run of a cause goes by: live fields follow the newest commit as long as the identity is the same."""
    opened, now = draft.form(top.form), draft.in_force()
    if opened is not None and now is not None and opened.digest == now.digest:
        return now
    return opened


def operation_of(draft: Draft, run: RunRecord) -> CompiledOperation | None:
    """The compiled operation that a run goes by now; None where its top is not known here."""
    top = draft.run(run.key.top)
    return node_of(form_of(draft, top), run.key.place) if top is not None else None


def entered(run: RunRecord) -> frozenset[str]:
    """Statuses that a run has been in, in the reference's words; those that it left within one look too."""
    service, told = run.kind == "service", run.stop is not None or any(attempt.stop for attempt in run.attempts)
    seen = any(attempt.seen_at for attempt in run.attempts) or run.started_at is not None
    up = any(attempt.ready_at for attempt in run.attempts) if service else run.started_at is not None
    been = {
        "created": True,
        "compiled": bool(run.bound),
        "queued": bool(run.bound),
        "scheduled": run.attempt_count > 0,
        "starting": seen,
        "running": up,
        "retrying": run.attempt_count > 1,
        "stopping": told,
        str(run.status): True,
    }
    return frozenset(name for name, was in been.items() if was)


def place_of(key: Key, reference: Reference) -> tuple[str, ...]:
    """Where a node is that the run `key` refers to: what is in a trial of a sweep is in the trial that `key` is in."""
    return tuple(
        key.place[depth] if name == ANY_TRIAL and depth < len(key.place) else name
        for depth, name in enumerate(reference.place)
    )


def value(draft: Draft, key: Key, reference: Reference) -> Json:
    """The value of a reference.

    Raises:
        BindError: the node that should have it does not.
    """
    place = place_of(key, reference)
    run = draft.run(latest(draft, key, place))
    if run is None:
        raise BindError(f"{reference} is not known: {'/'.join(place)} has not run")
    return said_by(run, effective(draft, run), reference, draft.view.identity)


def said_by(run: RunRecord, source: RunRecord, reference: Reference, identity: Identity) -> Json:
    """What a run says to a reference, but for its inputs.

    Args:
        run: its record.
        source: that of the run that it was carried over from, or the same.
        reference: what is asked.
        identity: instance and project.

    Raises:
        BindError: it does not have it.
    """
    section, *rest = reference.path
    called = reference.run or "/".join(reference.place)
    if section == "outputs" and not rest:
        return dict(source.outputs)
    if section == "outputs":
        if rest[0] not in source.outputs:
            raise BindError(f"{called} did not write its output {rest[0]!r}")
        return source.outputs[rest[0]]
    if section == "artifacts":
        return _artifacts(source, called, rest)
    return globals_of(run, source, identity)[rest[0]]


def upstream(draft: Draft, key: Key, leaf: Leaf) -> Mapping[str, Json]:
    """The context file's section on the nodes that this leaf's params refer to."""
    found: dict[str, Json] = {}
    for reference in leaf.references.values():
        if reference.run:
            continue  # `planner.desire.elsewhere`
        place = place_of(key, reference)
        run = draft.run(latest(draft, key, place))
        if run is not None:
            found["/".join(place)] = told_of(effective(draft, run))
    return found


def told_of(story: RunRecord) -> Mapping[str, Json]:
    """What the context file says of another run."""
    said: dict[str, Json] = {"status": str(story.status), "outputs": dict(story.outputs)}
    if story.artifacts is not None:
        said["artifacts"] = story.artifacts.folder
    return said


def _artifacts(run: RunRecord, name: str, path: list[str]) -> Json:
    """Paths of what a run left, as its backend has them (reference, section 7.2).

    Raises:
        BindError: it did not leave it.
    """
    left = run.artifacts
    if left is None:
        raise BindError(f"{name} left no artifacts that this run can reach")
    kept = f"{left.folder}/outputs"
    if not path:
        return {"base": left.folder, "outputs": kept, **{one: f"{kept}/{one}" for one in left.names}}
    wanted = ".".join(path)
    if wanted in {"base", "outputs"} and wanted not in left.names:
        return left.folder if wanted == "base" else kept
    if wanted.startswith("{"):
        picked = json.loads(wanted)
        return {section: [_below(left.folder, entry) for entry in entries] for section, entries in picked.items()}
    if wanted not in left.names and not left.more:
        has = f"it has {some(left.names)}" if left.names else "it has none"
        raise BindError(f"{name} did not leave the artifact {wanted!r}: {has}")
    return f"{kept}/{wanted}"


def _below(folder: str, entry: Json) -> Json:
    if isinstance(entry, list):
        return [f"{folder}/{entry[0]}", entry[1]]
    return f"{folder}/{entry}"


def globals_of(run: RunRecord, source: RunRecord, identity: Identity) -> Mapping[str, Json]:
    """What others may ask of a run's `globals` (`planner.compile.refs.OF_RUNS`).

    Args:
        run: its record.
        source: that of the run that it was carried over from, or the same.
        identity: instance and project.
    """
    instance, project = identity.instance, identity.project
    uuid, folder = run.key.short_id(instance, project), source.artifacts.folder if source.artifacts else None
    begun, ended = source.started_at, source.finished_at
    return {
        **variables.compiled(instance, project, ""),
        "uuid": uuid,
        "name": run.key.place[-1] if run.key.place else run.key.root,
        "status": str(run.status if run.status.final else source.status),
        "run_info": f"{instance}.{project}.runs.{uuid}",
        "created_at": run.opened_at.isoformat(),
        "schedule_at": run.key.tick.isoformat() if run.key.tick else None,
        "started_at": begun.isoformat() if begun else None,
        "finished_at": ended.isoformat() if ended else None,
        "duration": max((ended - begun).total_seconds(), 0.0) if begun and ended else None,
        "condition": {"type": str(source.status), "reason": run.reason or source.reason},
        "cloning_kind": "cache" if run.cached_from or source.cached_from else None,
        "run_artifacts_path": folder,
        "run_outputs_path": f"{folder}/outputs" if folder else None,
    }
