"""Which roots of a commit are earlier ones under another name (design: "A changed root").

Compares the commit with what was planned before it. Never decides what a rename carries: `planner.fold` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.model.desired import DesiredState
from planner.model.records import RootRecord

__all__ = ["after_renames", "renames_of"]


def renames_of(desired: DesiredState, records: Mapping[str, RootRecord]) -> dict[str, str]:
    """Renames of this commit, old name to new: declared ones, and one that digests prove.

    A removal and an addition with equal digest apart from the name, one candidate on each side, is a rename.
    """
    gone = {
        name: record
        for name, record in records.items()
        if name not in desired.roots and record.planned is not None and record.planned.digest is not None
    }
    fresh = {name: operation for name, operation in desired.roots.items() if _is_absent(records.get(name))}
    declared = {old: new for old, new in desired.moved.items() if old in gone and new in fresh}
    if declared or desired.bad_files:
        return declared
    by_digest: dict[str, list[str]] = {}
    for name, operation in fresh.items():
        by_digest.setdefault(operation.digest, []).append(name)
    renames = {}
    for name, record in gone.items():
        digest = record.planned.digest if record.planned else None
        twins = [other for other, that in gone.items() if that.planned and that.planned.digest == digest]
        candidates = by_digest.get(digest or "", [])
        if len(twins) == 1 and len(candidates) == 1:
            renames[name] = candidates[0]
    return renames


def _is_absent(record: RootRecord | None) -> bool:
    """Whether a name is free: never used, or used by what was removed since."""
    return record is None or record.planned is None or record.planned.digest is None


def after_renames(records: Mapping[str, RootRecord], renames: Mapping[str, str]) -> dict[str, RootRecord]:
    """`records` as they are once `renames`, old name to new, are made."""
    taken = set(renames.values())
    moved = {new: replace(records[old], name=new) for old, new in renames.items()}
    return {name: record for name, record in records.items() if name not in taken and name not in renames} | moved
