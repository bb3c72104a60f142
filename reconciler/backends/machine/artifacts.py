"""What is under `outputs/` when a run ends: written down once for each attempt, beside the run's folder.

The list is of the daemon's: a later attempt may change the files, never what was written down of an earlier one. A look
at a run must stay short, so what is listed and what is hashed have limits, and the list says where it stops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from planner.model.artifacts import Artifact, Artifacts
from planner.model.run import Observation, Phase
from reconciler.backends import below, given
from reconciler.backends.below import Entry, Nothing
from reconciler.backends.machine import records
from reconciler.backends.machine.own import artifacts_of

__all__ = ["MOST_ENTRIES", "content", "kept_at", "listed", "manifest_of", "summary", "taken", "with_left"]

MOST_ENTRIES = 10_000
MOST_LISTED = 100_000
MOST_NAMES = 500
LARGEST_HASHED = 1 << 20
HASHED_TOGETHER = 16 << 20


def manifest_of(home: Path, attempt: int) -> Path:
    """The file with the list of an attempt; it lies where no program can write."""
    return home / f"artifacts-{attempt}.json"


def taken(home: Path, attempt: int) -> Artifacts:
    """The summary of an attempt that has ended: its list is made unless it was before.

    Raises:
        OSError: the list cannot be written.
    """
    path = manifest_of(home, attempt)
    found = records.read(path)
    if found is None:
        found = {"version": 1, **_look(artifacts_of(home))}
        if found["entries"]:  # an empty folder is as good as no list, and most runs have one
            records.write_once(path, found)  # two looks at once: the first one counts
            found = records.read(path) or found
    return summary(home, found)


def with_left(attempt: str, ended: Observation) -> Observation:
    """An end with what the run left; while that cannot be written down, it has not ended as far as anybody knows.

    Args:
        attempt: the folder of the attempt; "" where it never had one.
        ended: its end.
    """
    if not attempt:
        return ended
    try:
        left = taken(Path(attempt).parent, ended.key.attempt)
    except OSError as error:
        message = f"it has ended, and waits for its artifacts to be listed: {error.strerror or error}"
        return Observation(ended.key, Phase.RUNNING, started_at=ended.started_at, message=message, stamp=ended.stamp)
    return replace(ended, artifacts=left)


def summary(home: Path, manifest: dict[str, Any]) -> Artifacts:
    """What the record keeps of a list."""
    entries = manifest["entries"]
    names = [entry["path"] for entry in entries if "/" not in entry["path"]]
    return Artifacts(
        folder=str(artifacts_of(home)),
        names=tuple(sorted(names)[:MOST_NAMES]),
        files=sum(entry["kind"] == "file" for entry in entries),
        size=sum(entry["size"] for entry in entries),
        more=manifest["more"] or len(names) > MOST_NAMES,
    )


def listed(home: Path, attempt: int, path: str) -> list[Artifact]:
    """What is at `path` below `outputs` now: a file itself, of a folder what is in it at any depth.

    Files that are as they were at the end of `attempt` have the digest that was taken then.

    Raises:
        Nothing: there is nothing there.
    """
    where = "/".join(("outputs", *below.parts_of(path)))
    manifest = records.read(manifest_of(home, attempt)) or {"entries": []}
    digests = {(one["path"], one["size"], one["modified"]): one.get("sha256") for one in manifest["entries"]}
    with below.opened(artifacts_of(home), where) as (_, entry):
        found = [entry] if entry.kind == "file" else islice(below.entries(artifacts_of(home), where), MOST_LISTED)
        return [_artifact(one, digests) for one in found]


def _artifact(entry: Entry, digests: Mapping[tuple[str, int, float], str | None]) -> Artifact:
    path = entry.path.removeprefix("outputs/")
    digest = digests.get((path, entry.size, entry.modified)) or ""
    return Artifact(path, entry.kind, entry.size, datetime.fromtimestamp(entry.modified, UTC), digest, entry.executable)


def kept_at(home: Path, path: str) -> Entry:
    """What is at `path` below `outputs`.

    Raises:
        Nothing: there is nothing that can be read.
    """
    with below.opened(artifacts_of(home), "/".join(("outputs", *below.parts_of(path)))) as (_, entry):
        return entry


def content(home: Path, entry: Entry) -> Iterator[bytes]:
    """See `given.content`, of what is in the folder of a run."""
    return given.content(artifacts_of(home), entry)


def _look(folder: Path) -> dict[str, Any]:
    try:
        found = list(islice(below.entries(folder, "outputs", most=MOST_ENTRIES + 1), MOST_ENTRIES + 1))
    except Nothing:
        found = []
    entries, left = [], HASHED_TOGETHER
    for entry in found[:MOST_ENTRIES]:
        record = {**asdict(entry), "path": entry.path.removeprefix("outputs/")}
        if entry.kind == "file" and entry.size <= min(LARGEST_HASHED, left):
            left -= entry.size
            record["sha256"] = _digest(folder, entry)
        entries.append(record)
    return {"entries": entries, "more": len(found) > MOST_ENTRIES}


def _digest(folder: Path, entry: Entry) -> str | None:
    try:
        with below.opened(folder, entry.path) as (handle, now):
            digest = hashlib.sha256()
            for piece in below.pieces(handle, now.size if now.kind == "file" else 0):
                digest.update(piece)
            return digest.hexdigest()
    except (Nothing, OSError):
        return None
