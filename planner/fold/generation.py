"""The generation in force, as facts make it: which one it is, and by which form of its digest."""

from __future__ import annotations

from planner.fold.changed import changed
from planner.model.facts import Advanced
from planner.model.records import Applied, Planned, RootRecord

__all__ = ["advanced", "kept_up"]


def kept_up(applied: Applied | None, planned: Planned | None) -> Applied | None:
    """The generation in force with the newest form of its digest: a live change stays while the next target waits.

    A form that is held is not in force yet.
    """
    if applied is None or planned is None or applied.digest is None or applied.digest != planned.digest:
        return applied
    if planned.hold is not None:
        return applied
    return changed(applied, form=planned.form)


def advanced(record: RootRecord, fact: Advanced) -> RootRecord:
    """`record` with the next generation in force."""
    now = record.applied
    before = now if now is None or now.started else now.before
    applied = Applied(
        number=fact.number,
        digest=fact.digest,
        commit=fact.commit,
        form=fact.form,
        key=fact.key,
        at=fact.at,
        # An absence acts by stopping; there is nothing to start.
        started=fact.digest is None,
        before=None if fact.digest is None else before,
    )
    reports = tuple(
        changed(report, key=fact.key) if report.commit == fact.commit else report for report in record.reports
    )
    # A newer target may be there already: the plan that says this was made before it.
    latest = kept_up(applied, record.planned)
    return changed(record, applied=latest, highest=fact.number, down=None, reports=reports)
