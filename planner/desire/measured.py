"""What a run has reported, as a search or a rule reads it: a finite number under the name of a metric or an output."""

from __future__ import annotations

from planner.model.records import RunRecord
from planner.model.status import StopReason
from planner.query.subject import number_of
from planner.spec.words import short

__all__ = ["lacking", "reported", "was_cut"]


def reported(run: RunRecord, metric: str) -> float | None:
    """What a run says of a metric, or of an output of that name; None for no finite number."""
    said = number_of(run.metrics.get(metric, run.outputs.get(metric)))
    try:
        return float(said) if said is not None else None
    except OverflowError:  # a whole number that no float holds
        return None


def was_cut(run: RunRecord) -> bool:
    """Whether a rule of early stopping ended it: what it had reported until then counts."""
    return run.last is not None and run.last.reason is StopReason.EARLY_STOPPING


def lacking(run: RunRecord, metric: str) -> str:
    """Why a run that ended well lacks what it was to report, for people; "" where it does not."""
    if not metric or reported(run, metric) is not None:
        return ""
    name = short(metric)
    if metric in run.metrics or metric in run.outputs:
        said = short(str(run.metrics.get(metric, run.outputs.get(metric))))
        return f"its {name} is {said}, and its sweep needs a finite number"
    progress = run.progress.get(metric)
    if progress is not None and progress.complaint:
        return f"it {progress.complaint} for {name}, and its sweep needs one"
    return f"it ended without reporting {name}, which its sweep searches by"
