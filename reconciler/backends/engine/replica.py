"""What the claim of an attempt knows of one of its containers, in small files beside `claim.json`.

    NAME.start    a start was sent to the engine: to which container; at most one is ever sent to one
    NAME.run      its program began: when, in which boot of the machine, of which image
    NAME.void     no container of this making, or of one before it, ever begins: they have no folder to mount any more
    NAME.term     TERM was sent
    NAME.active   when the service was last in use, where its claim has how to ask
    NAME.output   the program's output file as it was at the end, at most 1 MiB
    NAME.exit     the end; linked exclusively, so that any number of looks agree
    stop.json     a stop was asked for, of all of them

The folder that a container mounts is `ROLE-INDEX` below that of the attempt, `ROLE-INDEX.N` once renamed N times.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from planner.model.status import StopReason
from reconciler.backends import metrics, outputs
from reconciler.backends.engine import render
from reconciler.backends.machine import records
from reconciler.backends.machine.claims import Claim
from reconciler.backends.machine.traces import traced_of
from reconciler.backends.machine.verdict import ReplicaState
from reconciler.errors import Transient

__all__ = ["Replica", "conclude", "replicas_of", "request_stop", "since_boot", "state_of", "stop_of"]

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replica:
    """One container of a claim."""

    claim: Claim
    record: Record

    @property
    def name(self) -> str:
        """Its name in the claim: role and index."""
        return str(self.record["name"])

    @property
    def called(self) -> str:
        """Its name in the engine."""
        return str(self.record["called"])

    def read(self, suffix: str) -> Record | None:
        """What one of its files says; None where it is not there."""
        return records.read(self._path(suffix))

    async def note(self, suffix: str, record: Record) -> None:
        """Write one of its files, durably; it replaces what it said before."""
        await _synced(lambda: records.write_over(self._path(suffix), record))

    def note_unsynced(self, suffix: str, record: Record) -> None:
        """Write one of its files that means nothing after a power cut, as the container is gone then."""
        spill = self._path(f"{suffix}~")
        records.write_synced(spill, json.dumps(record).encode(), sync=False)
        spill.replace(self._path(suffix))

    async def end(self, end: Record) -> None:
        """Record its end, unless one is recorded."""
        await _synced(lambda: self._end(end))

    def making(self) -> int:
        """How often its folder was renamed: the number of containers that were given up."""
        base = Path(self.record["base"])
        numbers = [int(path.suffix[1:]) for path in base.parent.glob(f"{base.name}.*") if path.suffix[1:].isdigit()]
        return max(numbers, default=0)

    def base(self) -> Path:
        """The folder that its container has as its own."""
        return self._base(self.making())

    async def rename(self) -> None:
        """Take the folder away from every container that was made so far and has not begun."""
        making = self.making()
        self._base(making).rename(self._base(making + 1))
        await _synced(lambda: records.make_durable(Path(self.record["base"]).parent))

    def body(self) -> Record:
        """What the engine is asked to make now."""
        return render.moved(self.record["container"], self.record["base"], str(self.base()), self.making())

    def _base(self, making: int) -> Path:
        base = Path(self.record["base"])
        return base.with_name(f"{base.name}.{making}") if making else base

    def _path(self, suffix: str) -> Path:
        return self.claim.folder / f"{self.name}.{suffix}"

    def _end(self, end: Record) -> None:
        self._keep_outputs()
        records.write_once(self._path("exit"), end)

    def _keep_outputs(self) -> None:
        """The output file as it is now. Whoever comes later finds the first one."""
        if self._path("exit").exists() or (file := metrics.opened(self.base() / "io" / "output")) is None:
            return
        with file:
            data = file.read(outputs.LONGEST_FILE + 1)
        records.write_synced(self._path("output"), data)


def state_of(replica: Replica, *, ready: bool) -> ReplicaState:
    """What its files say of it; `ready` as the probe has it."""
    run, end = replica.read("run"), replica.read("exit")
    return ReplicaState(
        name=replica.name,
        role=str(replica.record["role"]),
        started_at=run["at"] if run is not None else None,
        ready=ready,
        end=end,
        outputs=traced_of(replica.claim).outputs(_outputs(replica)) if end is not None else None,
        metrics=traced_of(replica.claim).summary(_metrics(replica)) if end is not None else None,
        active_at=(replica.read("active") or {}).get("at") if replica.record.get("activity") else None,
    )


def _outputs(replica: Replica) -> outputs.Outputs | None:
    with contextlib.suppress(FileNotFoundError):
        return outputs.parse((replica.claim.folder / f"{replica.name}.output").read_bytes())
    return None


def _metrics(replica: Replica) -> metrics.Summary | None:
    file = metrics.opened(replica.base() / "io" / "metrics")
    if file is None:
        return None
    with file:
        return metrics.summary(file)


# Stops


def since_boot() -> float:
    """Seconds since the machine started: no wall clock that is put back shortens or lengthens a grace."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def stop_of(claim: Claim) -> Mapping[str, Any] | None:
    """The stop that was asked for, with `due`, at which grace is over; None where none was."""
    found = records.read(claim.folder / "stop.json")
    return None if found is None else {**found, "due": found["since_boot"] + found["grace"]}


def replicas_of(claim: Claim) -> list[Replica]:
    """Its containers; none of a key that was stopped before it was made."""
    return [Replica(claim, record) for record in claim.record["replicas"]]


async def conclude(claim: Claim) -> None:
    """Ask the rest of a gang to end once its outcome is decided: by a failure, or by the end of the decider."""
    replicas = replicas_of(claim)
    ends = {replica.name: replica.read("exit") for replica in replicas}
    if len(replicas) < 2 or all(ends.values()):
        return
    service = claim.record["service"]
    failed = any(end and not end["stopped"] and (service or end["code"] != 0) for end in ends.values())
    deciders = [ends[replica.name] for replica in replicas if replica.record["role"] == claim.record["decider"]]
    if failed or all(deciders):
        await request_stop(claim, claim.record["grace"], StopReason.EXITED)


async def request_stop(claim: Claim, grace: float, reason: str) -> None:
    """Ask durably for the end of all containers; a shorter grace replaces a longer one, the first reason counts."""
    now, asked = since_boot(), stop_of(claim)
    if asked is not None and now + grace >= asked["due"]:
        return
    why = reason if asked is None else asked["reason"]
    record = {"at": time.time(), "since_boot": now, "grace": grace, "reason": why}
    await _synced(lambda: records.write_over(claim.folder / "stop.json", record))


async def _synced(work: Callable[[], object]) -> None:
    """Do what waits for the disk, while others go on.

    Raises:
        Transient: the disk says no.
    """
    try:
        await anyio.to_thread.run_sync(work)
    except OSError as error:
        raise Transient(f"the state folder cannot be written: {error.strerror or error}") from error
