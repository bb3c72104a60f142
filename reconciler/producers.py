"""Runs that `init` names (`lineageRef`, `modelRef`, `artifactRef`, `tensorboard`), as the folders that they left.

A run is named by its key or its id, so what is meant never changes between attempts. Whoever has its work from another
run has that one's folder. It reads the ledger and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from planner import keys
from planner.canon import Json
from planner.model.gang import Replica
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.query import original_of
from reconciler.core import Core
from reconciler.errors import Refused
from reconciler.ports import RunQuery

__all__ = ["with_folders"]

_VERSIONS = ("modelRef", "artifactRef")
_MOST_STEPS = 32
"""Runs that the work of a run is looked for through: it is one or two."""


async def with_folders(core: Core, run: BoundRun) -> BoundRun:
    """`run` with what its `init` names of other runs as paths.

    Raises:
        Refused: there is no such run, or it left nothing yet; the message names it.
    """
    groups = [await _group(core, group) for group in run.gang.replicas]
    if all(group is before for group, before in zip(groups, run.gang.replicas, strict=True)):
        return run
    return replace(run, gang=replace(run.gang, replicas=tuple(groups)))


async def _group(core: Core, group: Replica) -> Replica:
    said = group.pod.get("init")
    entries = said if isinstance(said, list | tuple) else ()
    found = [await _entry(core, entry) if isinstance(entry, Mapping) else entry for entry in entries]
    return group if found == list(entries) else replace(group, pod={**group.pod, "init": found})


async def _entry(core: Core, entry: Mapping[str, Json]) -> Json:
    rest = {name: value for name, value in entry.items() if name not in {*_VERSIONS, "lineageRef"}}
    if text := entry.get("lineageRef"):
        name, _, artifact = str(text).rpartition(":")
        if not name or not artifact:
            raise Refused(f"init lineageRef: {text!r} is not a run and a name, such as train@g3:model")
        folder = await _folder(core, f"init lineageRef {text!r}", name)
        return {**rest, "paths": [[f"{folder}/outputs/{artifact}", PurePosixPath(artifact).name]]}
    for field in _VERSIONS:
        if text := entry.get(field):
            called = f"init {field} {text!r}"
            name = _version(core, called, str(text))
            run = await _run(core, called, name)
            folder = await _folder(core, called, name)
            return {**rest, "paths": [[f"{folder}/outputs", run.key.place[-1] if run.key.place else run.key.root]]}
    board = entry.get("tensorboard")
    return {**rest, "tensorboard": await _board(core, board)} if isinstance(board, Mapping) else entry


def _version(core: Core, called: str, text: str) -> str:
    """The run of `[owner/][project:]run`. A project of ours has no owner, so any will do."""
    head, at, rest = text.partition("@")
    before, colon, name = head.rpartition(":")
    project = before.rpartition("/")[2]
    ours = core.policy.identity.project
    if colon and project != ours:
        raise Refused(f"{called}: this is the project {ours}, and it knows no runs of {project}")
    return f"{name}{at}{rest}"


async def _board(core: Core, board: Mapping[str, Json]) -> Json:
    """The section with the folder of each run, and what it is called."""
    said = board.get("uuids")
    names = said.split(",") if isinstance(said, str) else said if isinstance(said, Sequence) else ()
    identity = core.policy.identity
    runs: list[Json] = []
    for text in names:
        name = str(text).strip()
        run = await _run(core, "init tensorboard", name)
        label = str(run.key).replace("/", "_") if board.get("useNames") is True else name.replace("/", "_")
        worker = await _worker(core, run)
        runs.append([worker.key.dns_name(identity.instance, identity.project), label])
    return {**board, "runs": runs}


async def _folder(core: Core, called: str, name: str) -> str:
    """The name of the folder that a run left its artifacts in."""
    run = await _run(core, called, name)
    if run.is_parent:
        raise Refused(f"{called}: {run.key} is a DAG, which leaves nothing itself: name one of its nodes")
    worker = await _worker(core, run)
    if worker.attempt_count == 0 or not (worker.status.final or worker.artifacts is not None):
        raise Refused(f"{called}: {run.key} is {worker.status} and has left nothing")
    return worker.key.dns_name(core.policy.identity.instance, core.policy.identity.project)


async def _worker(core: Core, run: RunRecord) -> RunRecord:
    """The run that did the work of `run`."""
    for _ in range(_MOST_STEPS):
        source = original_of(run)
        found = await core.ledger.runs(RunQuery(keys=(source,))) if source is not None else ()
        if not found:
            break
        run = found[0]
    return run


async def _run(core: Core, called: str, name: str) -> RunRecord:
    if keys.SHORT_ID.fullmatch(name):
        found = await core.ledger.runs(RunQuery(short=name, limit=2))
    elif (key := keys.key_of(name)) is not None:
        found = await core.ledger.runs(RunQuery(keys=(key.run,), limit=1))
    else:
        raise Refused(f"{called}: {name!r} names no run: write a key or an id, such as train@g3 or r-7f3k2m4q")
    if len(found) != 1:
        raise Refused(f"{called}: there is no run {name}, or it is not kept any more")
    return found[0]
