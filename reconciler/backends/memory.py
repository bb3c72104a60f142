"""A backend without processes: for tests, the simulation and trying a configuration.

Keeps the laws of the port to the letter. What a "program" does is scripted; time is the clock's, so that a virtual
clock makes it finish.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import anyio

from planner.canon import Json
from planner.keys import Key
from planner.model.artifacts import Artifact, Artifacts
from planner.model.metric import Metric, Progress
from planner.model.run import Observation, Phase, Snapshot
from planner.model.status import StopReason
from reconciler.backends.scripted import Program, run_for_a_second, summed
from reconciler.errors import Refused
from reconciler.ports import Clock, Content, Ensured, Order

__all__ = ["MemoryBackend", "Program"]


@dataclass(slots=True)
class _Object:
    order: Order
    program: Program
    seen: Observation
    cleaned: bool = False
    told: tuple[Mapping[str, int], Mapping[str, Progress]] = field(default_factory=lambda: ({}, {}))


class MemoryBackend:
    """Attempts as entries of a dictionary."""

    def __init__(self, clock: Clock, script: Callable[[Order], Program] = run_for_a_second) -> None:
        self._clock = clock
        self._script = script
        self._objects: dict[Key, _Object] = {}
        # Names that were ever used; those that were stopped before they were made show as ended until cleaned.
        self._taken: set[Key] = set()
        self._tombs: set[Key] = set()
        self._forgotten: dict[Key, int] = {}
        self.starts: dict[Key, int] = {}
        self._hints = anyio.create_memory_object_stream[Key](100_000)

    async def ensure(self, order: Order) -> Ensured:
        """See `Backend.ensure`."""
        if (known := self._objects.get(order.key)) is not None and known.seen.drift:
            known.seen = replace(known.seen, drift="")
            self._hint(order.key)
            return Ensured.CORRECTED
        if order.key in self._taken or order.stamp.sequence <= self._forgotten.get(order.key.run, -1):
            return Ensured.UNCHANGED
        self._taken.add(order.key)
        now = self._clock.now()
        program = self._script(order)
        seen = Observation(order.key, Phase.RUNNING, started_at=now, stamp=order.stamp)
        if program.waits_for:
            seen = replace(seen, phase=Phase.STARTING, started_at=None, message=program.waits_for)
        self._objects[order.key] = _Object(order, program, seen)
        self.starts[order.key] = self.starts.get(order.key, 0) + 1
        self._hint(order.key)
        return Ensured.CREATED

    async def stop(self, key: Key, grace: float) -> None:  # noqa: ARG002 -- these programs end at once
        """See `Backend.stop`."""
        if key not in self._taken:
            self._taken.add(key)
            self._tombs.add(key)
            self._hint(key)
        found = self._objects.get(key)
        if found is not None and found.seen.phase is not Phase.ENDED:
            self._end(found, self._clock.now(), 143, StopReason.EXITED)

    def knows(self, order: Order) -> Mapping[str, Json]:
        """See `Backend.knows`."""
        return {"ports": list(order.leases.ports), "run_artifacts_path": f"/memory/{order.key.run}"}

    async def clean(self, key: Key) -> None:
        """See `Backend.clean`."""
        if key in self._objects:
            self._objects[key].cleaned = True
        self._tombs.discard(key)

    async def forget(self, run: Key, attempts: int, sequence: int) -> None:
        """See `Keeper.forget`: what was ordered before stays undone; what is ordered under the name later is new."""
        self._forgotten[run] = sequence
        for number in range(1, attempts + 1):
            key = run.at_attempt(number)
            self._objects.pop(key, None)
            self._taken.discard(key)

    async def weigh(self, run: Key, attempts: int) -> int:
        """See `Keeper.weigh`: one byte an attempt."""
        return sum(run.at_attempt(number) in self._objects for number in range(1, attempts + 1))

    async def observe(self, keys: Collection[Key] | None = None) -> Snapshot:
        """See `Backend.observe`."""
        now = self._clock.now()
        wanted = self._known() if keys is None else keys
        objects = {key: seen for key in wanted if (seen := self._see(key, now)) is not None}
        return Snapshot(now, objects, None if keys is None else frozenset(keys))

    async def changes(self) -> AsyncIterator[Key]:
        """See `Backend.changes`."""
        with self._hints[1].clone() as hints:
            async for key in hints:
                yield key

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:  # noqa: ARG002
        """See `Backend.logs`: one line that names the attempt."""
        if key in self._objects:
            yield f"{key} ran in memory\n".encode()

    async def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        """See `Backend.metrics`: what the script says; that which has no time, at once."""
        if key in self._objects:
            found = self._objects[key]
            told = {**{name: (value,) for name, value in found.program.metrics.items()}, **self._reported(found)}
            yield tuple(Metric(name, value) for name, values in told.items() for value in values)

    async def progress(self, keys: Collection[Key]) -> Mapping[Key, Mapping[str, Progress]]:
        """See `Backend.progress`: what the script says by now."""
        found = {}
        for key in keys:
            if (one := self._objects.get(key)) is not None and (told := self._reported(one)):
                told_before, progress = one.told
                if told_before != (counts := {name: len(values) for name, values in told.items()}):
                    progress = {name: summed(values) for name, values in told.items()}
                    one.told = (counts, progress)
                found[key] = progress
        return found

    def _reported(self, found: _Object) -> dict[str, Sequence[float]]:
        started, until = found.seen.started_at, found.seen.ended_at or self._clock.now()
        return found.program.reported((until - started).total_seconds()) if started is not None else {}

    async def artifacts(self, key: Key, path: str = "") -> Sequence[Artifact]:
        """See `Backend.artifacts`: files that the script names, without folders."""
        files = self._objects[key].program.files if key in self._objects else {}
        return [
            Artifact(name, "file", len(data), self._clock.now()) for name, data in files.items() if path in {"", name}
        ]

    async def artifact(self, key: Key, path: str) -> Content:
        """See `Backend.artifact`."""
        files = self._objects[key].program.files if key in self._objects else {}
        if path not in files:
            raise Refused(f"{key.run} has no artifact {path!r}")

        async def read() -> AsyncIterator[bytes]:
            yield files[path]

        return Content("file", len(files[path]), read())

    async def close(self) -> None:
        """See `Backend.close`."""

    def refresh(self) -> datetime | None:
        """Hint at everything that came due; returns when the next thing does."""
        now = self._clock.now()
        following: list[datetime] = []
        for key, found in list(self._objects.items()):
            if found.seen.phase is Phase.ENDED:
                continue
            before = found.seen
            self._see(key, now)
            if found.seen != replace(before, active_at=found.seen.active_at):
                self._hint(key)
            following.extend(instant for instant in _turns(found) if instant > now)
        return min(following, default=None)

    def vanish(self, key: Key) -> None:
        """Have the object of `key` be gone without an end, as if its machine burnt."""
        self._objects.pop(key, None)
        self._hint(key)

    def change(self, key: Key, words: str) -> None:
        """Have the workload of `key` be another one than was made, as if somebody had changed it unheard."""
        self._objects[key].seen = replace(self._objects[key].seen, drift=words)

    def alive(self) -> frozenset[Key]:
        """Attempts whose program runs."""
        now = self._clock.now()
        return frozenset(
            key
            for key in self._objects
            if (seen := self._see(key, now, cleaned=True)) is not None and seen.phase is not Phase.ENDED
        )

    def _known(self) -> Collection[Key]:
        return [*self._objects, *self._tombs]

    def _see(self, key: Key, now: datetime, *, cleaned: bool = False) -> Observation | None:
        found = self._objects.get(key)
        if found is None:
            return self._never(key, now) if key in self._tombs else None
        if found.cleaned and not cleaned:
            return None
        if found.seen.phase is not Phase.RUNNING:
            return found.seen
        started = found.seen.started_at or now
        program = found.program
        if program.seconds is not None and now >= started + timedelta(seconds=program.seconds):
            self._end(found, started + timedelta(seconds=program.seconds), program.exit_code, StopReason.EXITED)
        elif program.ready_after is not None and now >= started + timedelta(seconds=program.ready_after):
            found.seen = replace(found.seen, ready=True)
        if found.order.run.activity is not None and found.seen.phase is not Phase.ENDED:
            until = started + timedelta(seconds=program.active_for)
            found.seen = replace(found.seen, active_at=min(now, until))
        return found.seen

    def _never(self, key: Key, now: datetime) -> Observation:
        message = "stopped before it started"
        return Observation(key, Phase.ENDED, ended_at=now, reason=StopReason.EXITED, message=message)

    def _end(self, found: _Object, at: datetime, exit_code: int, reason: StopReason) -> None:
        program, started = found.program, found.seen.started_at or at
        outputs = program.outputs if exit_code == program.exit_code else {}
        told = {name: values[-1] for name, values in program.reported((at - started).total_seconds()).items()}
        found.seen = replace(
            found.seen,
            phase=Phase.ENDED,
            ready=False,
            ended_at=at,
            exit_code=exit_code,
            reason=reason,
            outputs=outputs,
            metrics={**program.metrics, **told},
            artifacts=_left(found),
        )
        self._hint(found.order.key)

    def _hint(self, key: Key) -> None:
        try:
            self._hints[0].send_nowait(key)
        except anyio.WouldBlock:
            # Hints may be lost; the survey makes up for it.
            return


def _left(found: _Object) -> Artifacts:
    files = found.program.files
    names = tuple(sorted({name.partition("/")[0] for name in files}))
    return Artifacts(f"/memory/{found.order.key.run}", names, len(files), sum(map(len, files.values())))


def _turns(found: _Object) -> list[datetime]:
    started = found.seen.started_at
    if started is None:
        return []
    seconds = (found.program.seconds, None if found.seen.ready else found.program.ready_after)
    return [started + timedelta(seconds=value) for value in seconds if value is not None]
