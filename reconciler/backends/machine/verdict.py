"""What the records of a claim's replicas say together. Pure: reads no disk, asks no process.

A job's gang is over when its decider is, or at the first failure; the supervisors enforce that, this module tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from planner import keys
from planner.model.run import Observation, Phase, Stamp
from planner.model.status import StopReason
from reconciler.backends.metrics import Summary
from reconciler.backends.outputs import Outputs

__all__ = ["NEVER", "ReplicaState", "observation"]

NEVER = "stopped before it started"
WORST = (StopReason.TIMEOUT, StopReason.NODE_LOST, StopReason.LOST, StopReason.DELETED, StopReason.EVICTED)


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """The records of one replica.

    Attributes:
        name, role: which one.
        started_at: seconds since 1970; None before its program executes.
        ready: whether its probe succeeds; without one, whether it lived long enough.
        end: its exit record.
        outputs: of its output file, once ended.
        metrics: of its metrics file, once ended.
        active_at: when the service was last in use; None where nobody asked yet.
    """

    name: str
    role: str
    started_at: float | None = None
    ready: bool = False
    end: Mapping[str, Any] | None = None
    outputs: Outputs | None = None
    metrics: Summary | None = None
    active_at: float | None = None


def observation(record: Mapping[str, Any], replicas: Sequence[ReplicaState]) -> Observation:
    """The observation of the claim that claim.json says `record` of."""
    key, stamp = keys.parse(record["key"]), _stamp(record.get("stamp"))
    starts = [replica.started_at for replica in replicas if replica.started_at is not None]
    started_at = _instant(min(starts)) if starts else None
    ends = [replica.end for replica in replicas if replica.end is not None]
    if len(ends) < len(replicas):
        phase = Phase.RUNNING if starts else Phase.STARTING
        used = max((one.active_at for one in replicas if one.active_at is not None), default=None)
        return Observation(
            key,
            phase,
            ready=_ready(record, replicas),
            started_at=started_at,
            stamp=stamp,
            active_at=None if used is None else _instant(used),
        )
    deciders = [replica for replica in replicas if replica.role == record.get("decider")]
    code, message = _outcome(replicas, deciders)
    outputs, remarks = _outputs(deciders)
    metrics, more = _metrics(replicas, deciders)
    return Observation(
        key,
        Phase.ENDED,
        started_at=started_at,
        ended_at=_instant(max((end["at"] for end in ends), default=record.get("made_at", 0.0))),
        reason=_reason(ends),
        exit_code=code,
        message="; ".join(part for part in (message, *remarks, *more) if part),
        outputs=outputs,
        stamp=stamp,
        metrics=metrics,
    )


def _ready(record: Mapping[str, Any], replicas: Sequence[ReplicaState]) -> bool:
    return all(
        replica.started_at is not None and replica.end is None and (replica.ready or not _awaited(record))
        for replica in replicas
    )


def _awaited(record: Mapping[str, Any]) -> bool:
    """Whether supervisors tell readiness. They do not of jobs, nor without a probe in claims of before `steady`."""
    if not record["service"]:
        return False
    return record.get("steady") is not None or any(replica["probe"] for replica in record["replicas"])


def _reason(ends: Sequence[Mapping[str, Any]]) -> StopReason:
    reasons = {StopReason(end["reason"]) for end in ends}
    return next((reason for reason in WORST if reason in reasons), StopReason.EXITED)


def _outcome(replicas: Sequence[ReplicaState], deciders: Sequence[ReplicaState]) -> tuple[int | None, str]:
    """Exit code and message: of the first replica that failed by itself, else of the decider."""
    if not replicas:
        return None, NEVER
    failed = sorted(
        (replica for replica in replicas if replica.end and not replica.end["stopped"] and replica.end["code"] != 0),
        key=lambda replica: replica.end["at"] if replica.end else 0.0,
    )
    chosen = next(iter(failed), None) or next((one for one in deciders if one.end and one.end["code"]), deciders[0])
    end = chosen.end or {}
    message = str(end.get("message", ""))
    if len(replicas) > 1 and failed:
        said = message or f"exit code {end.get('code')}"
        message = f"{chosen.name}: {said}"
    code = end.get("code")
    return (None if code is None else int(code)), message


def _outputs(deciders: Sequence[ReplicaState]) -> tuple[dict[str, Any], list[str]]:
    """Outputs of the decider's replicas; where two wrote one name, the lower index counts."""
    found = [replica.outputs for replica in deciders if replica.outputs is not None]
    merged: dict[str, Any] = {}
    for outputs in reversed(found):
        merged.update(outputs.values)
    return merged, [outputs.message for outputs in found]


def _metrics(
    replicas: Sequence[ReplicaState], deciders: Sequence[ReplicaState]
) -> tuple[dict[str, float | str], list[str]]:
    """Metrics of all replicas; where several wrote one name, a decider counts, and the lower index."""
    merged: dict[str, float | str] = {}
    for replica in (*reversed(replicas), *reversed(deciders)):
        merged |= replica.metrics.latest if replica.metrics is not None else {}
    said = [(replica.name, replica.metrics.message) for replica in replicas if replica.metrics is not None]
    return merged, [f"{name}: {text}" if text and len(replicas) > 1 else text for name, text in said]


def _stamp(record: Mapping[str, Any] | None) -> Stamp | None:
    if not record:
        return None
    return Stamp(record["ledger"], record["sequence"], record["instance"], record["project"])


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
