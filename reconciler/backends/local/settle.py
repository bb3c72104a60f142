"""Looks at one claim, and settles what nobody else can: a dead supervisor, a restarted machine, a deaf supervisor.

It signals only what it has identified by pid, start time and claim token in this boot, and records every end
exclusively, so that any number of looks at the same time agree.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from planner.model.run import Observation, Phase
from reconciler.backends import metrics, outputs
from reconciler.backends.local import supervisor
from reconciler.backends.machine import artifacts, verdict
from reconciler.backends.machine.claims import Claim
from reconciler.backends.machine.damage import unreadable
from reconciler.backends.machine.traces import traced_of
from reconciler.backends.machine.verdict import ReplicaState

__all__ = ["look"]

DEAF = 5.0  # seconds past TERM and grace after which a supervisor that has not ended its replica is replaced by us


def look(claim: Claim, boot: str) -> tuple[Observation, list[str]]:
    """What `claim` is now, and the replicas that nobody has taken yet and that are to be handed over again.

    Raises:
        Unreadable: another version made it, or one of its records makes no sense.
    """
    claim.demand_known()
    try:
        return _look(claim, boot)
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # of JSON that is cut off or none of ours
        raise unreadable(claim.folder, f"one of its records: {error!r}") from error


def _look(claim: Claim, boot: str) -> tuple[Observation, list[str]]:
    names = claim.names
    untaken = [name for name in names if not _settle(claim, name, boot)]
    states = [_state(claim, replica) for replica in claim.record["replicas"]]
    found = verdict.observation(claim.record, states)
    return (
        artifacts.with_left(claim.record.get("attempt", ""), found) if found.phase is Phase.ENDED else found
    ), untaken


def _settle(claim: Claim, name: str, boot: str) -> bool:
    """Settle one replica; returns whether somebody took it or it has its end."""
    folder, record = claim.folder, claim.record
    if (folder / f"{name}.exit").exists():
        return True
    if record["boot"] != boot:
        end = {"code": None, "reason": "node-lost", "stopped": False, "message": "the machine restarted"}
        supervisor.record_end(folder, record, name, end)
        return True
    marker = supervisor.read(folder / f"{name}.start")
    if marker is None:
        return False
    if supervisor.supervised(record, marker):
        _hurry(claim, marker)
    elif not (folder / f"{name}.exit").exists():  # looked at again: it may have ended well in between
        supervisor.bury_lost(folder, record, name, "its supervisor was killed")
    return True


def _hurry(claim: Claim, marker: dict[str, Any]) -> None:
    """Kill a supervisor that had a stop for too long: the next look finds it dead and ends what it left."""
    asked = supervisor.read(claim.folder / "stop.json")
    if asked is not None and time.clock_gettime(time.CLOCK_BOOTTIME) > asked["since_boot"] + asked["grace"] + DEAF:
        supervisor.signal_process((marker["pid"], marker["start"]), signal.SIGKILL)


def _state(claim: Claim, replica: dict[str, Any]) -> ReplicaState:
    name = replica["name"]
    started = supervisor.read_started(claim.folder, name)
    end = supervisor.read(claim.folder / f"{name}.exit")
    return ReplicaState(
        name=name,
        role=replica["role"],
        started_at=started["at"] if started else None,
        ready=(claim.folder / f"{name}.ready").exists(),
        end=end,
        outputs=traced_of(claim).outputs(_outputs(claim, name)) if end else None,
        metrics=traced_of(claim).summary(_metrics(replica)) if end else None,
        active_at=_active_at(claim, replica),
    )


def _outputs(claim: Claim, name: str) -> outputs.Outputs | None:
    try:
        data = (claim.folder / f"{name}.output").read_bytes()
    except FileNotFoundError:
        return None
    return outputs.parse(data)


def _active_at(claim: Claim, replica: dict[str, Any]) -> float | None:
    said = supervisor.read(claim.folder / f"{replica['name']}.active") if replica.get("activity") else None
    return float(said["at"]) if said is not None else None


def _metrics(replica: dict[str, Any]) -> metrics.Summary | None:
    path = replica["env"].get("PLUMBLINE_METRICS", "")
    file = metrics.opened(Path(path)) if path else None
    if file is None:
        return None
    with file:
        return metrics.summary(file)
