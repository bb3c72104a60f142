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
    taken = {*declared.values()}
    new_by_digest: dict[str, list[str]] = {}
    for name, operation in fresh.items():
        if name not in taken:
            new_by_digest.setdefault(operation.digest, []).append(name)
    old_by_digest: dict[str, list[str]] = {}
    for name, record in gone.items():
        # What a file with problems holds is not known to be gone.
        if name not in declared and record.planned and record.planned.path not in desired.bad_files:
            old_by_digest.setdefault(record.planned.digest or "", []).append(name)
    pairs = ((old, new_by_digest.get(digest, [])) for digest, old in old_by_digest.items())
    return declared | {old[0]: new[0] for old, new in pairs if len(old) == len(new) == 1}


def _is_absent(record: RootRecord | None) -> bool:
    """Whether a name is free: never used, or used by what was removed since."""
    return record is None or record.planned is None or record.planned.digest is None


def after_renames(records: Mapping[str, RootRecord], renames: Mapping[str, str]) -> dict[str, RootRecord]:
    """`records` as they are once `renames`, old name to new, are made."""
    taken = set(renames.values())
    moved = {new: replace(records[old], name=new) for old, new in renames.items()}
    return {name: record for name, record in records.items() if name not in taken and name not in renames} | moved
