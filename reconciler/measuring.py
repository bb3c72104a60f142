"""Measuring: what runs report while they run, on its way into their records (docs/run-contract.md, "Metrics").

Asks nothing while nothing runs. It records what has changed and decides nothing: it wakes the roots that have a rule on
what was reported, whose plan decides. What it keeps in memory is only for speed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import anyio

from planner.desire.heeding import heeds
from planner.fold import RootState
from planner.keys import Key
from planner.model.facts import Measured
from planner.model.metric import Mark, Progress
from planner.model.records import RunRecord
from reconciler.core import Core
from reconciler.errors import Transient, Unusable
from reconciler.telemetry import log

__all__ = ["Measuring"]

PACE = 2.0
"""Seconds between two facts of one run."""
CALM = 60.0
"""A run that no rule looks at is recorded less often the older it is: once a minute after an hour."""
_TOGETHER = 500  # facts in one transaction
_KEPT_FORMS = 1024
_LONGEST_BACK_OFF = 60.0


@dataclass(slots=True)
class _Seen:
    """An attempt that reports: what was taken of it last, and when."""

    progress: Mapping[str, Progress]
    at: float
    since: float
    heeded: bool


class Measuring:
    """Records the metrics of runs while they run."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen: dict[Key, _Seen] = {}
        self._heeds: dict[str, frozenset[str]] = {}
        self._hinted = anyio.Event()

    def hint(self) -> None:
        """Something may run."""
        self._hinted.set()

    async def run(self, every: float) -> None:
        """Look each `every` seconds while anything runs, until cancelled; what fails is tried later, each time more."""
        failures = 0
        while True:
            await self._hinted.wait()
            self._hinted = anyio.Event()
            goes_on = True
            while goes_on:
                await anyio.sleep(min(every * 2**failures, _LONGEST_BACK_OFF))
                try:
                    goes_on = await self.look()
                    failures = 0
                except Transient as error:
                    if not failures:
                        log.warning("metrics of runs are read later", reason=error.message)
                    failures = min(failures + 1, 10)
                except Unusable:
                    raise
                except Exception:  # noqa: BLE001 -- our own fault: runs go on, and so does everything else
                    log.exception("reading the metrics of runs crashed", name="metrics")
                    failures = 10

    async def look(self) -> bool:
        """Record what attempts have reported since the last look; whether any runs, so that it must be looked again.

        Raises:
            Transient: the backend cannot be asked now, or nothing can be recorded.
        """
        roots = {claim.key: claim.root for claim in await self._core.ledger.claims()}
        for key in self._seen.keys() - roots.keys():
            del self._seen[key]
        if not roots:
            return False
        found = await self._core.backend.progress(roots.keys())
        now, by_root = anyio.current_time(), dict[str, list[Key]]()
        for key, progress in found.items():
            if key in roots and self._is_due(key, progress, now):
                by_root.setdefault(roots[key], []).append(key)
        facts: list[Measured] = []
        taken: list[Key] = []
        woken: set[str] = set()
        for root, keys in by_root.items():
            facts += await self._facts(root, keys, found, woken)
            taken += keys
            if len(facts) >= _TOGETHER:
                await self._record(facts, taken, found, woken)
        await self._record(facts, taken, found, woken)
        return True

    def _is_due(self, key: Key, progress: Mapping[str, Progress], now: float) -> bool:
        seen = self._seen.get(key)
        if seen is None:
            return True
        if seen.progress is progress:
            return False
        # A look may come a little early: the next one would be too late.
        pace = PACE if seen.heeded else max(PACE, (now - seen.since) / CALM)
        return now - seen.at >= pace - 0.5

    async def _facts(
        self, root: str, keys: Collection[Key], found: Mapping[Key, Mapping[str, Progress]], woken: set[str]
    ) -> list[Measured]:
        state, facts = await self._core.ledger.root(root), []
        now, at = anyio.current_time(), self._core.clock.now()
        for key in keys:
            run = state.runs.get(key.run)
            heeded = await self._heeded(state, run) if run is not None else frozenset[str]()
            news = _news(run, key, found[key], heeded) if run is not None else {}
            since = self._seen[key].since if key in self._seen else now
            self._seen[key] = _Seen(self._seen[key].progress if key in self._seen else {}, now, since, bool(heeded))
            if news:
                facts.append(Measured(root, key, news, at))
                if not heeded.isdisjoint(news):
                    woken.add(root)
        return facts

    async def _record(
        self,
        facts: list[Measured],
        taken: list[Key],
        found: Mapping[Key, Mapping[str, Progress]],
        woken: set[str],
    ) -> None:
        """Record `facts` and forget them; only then is what they say of the attempts `taken` no news any more."""
        if facts:
            async with self._core.recording:
                await self._core.ledger.record(facts)
        for key in taken:
            self._seen[key].progress = found[key]
        for root in sorted(woken):
            self._core.queue.add(f"root:{root}")
        facts.clear()
        taken.clear()
        woken.clear()

    async def _heeded(self, state: RootState, run: RunRecord) -> frozenset[str]:
        """The metrics that rules look at: of the operation that it is a run of, and of that in force."""
        top, record = state.runs.get(run.key.top, run), state.record
        forms = {top.form, record.applied.form if record.applied else "", record.planned.form if record.planned else ""}
        return frozenset[str]().union(*[await self._of_form(form) for form in sorted(forms - {""})])

    async def _of_form(self, form: str) -> frozenset[str]:
        if form not in self._heeds:
            operation = await self._core.form(form)
            if len(self._heeds) >= _KEPT_FORMS:
                self._heeds.clear()
            self._heeds[form] = heeds(operation) if operation is not None else frozenset()
        return self._heeds[form]


def _news(
    run: RunRecord, key: Key, progress: Mapping[str, Progress], heeded: Collection[str]
) -> Mapping[str, Progress]:
    """What the record of a run does not have yet of the progress of its attempt `key`."""
    if run.status.final or run.last is None or run.last.number != key.attempt:
        return {}
    told = {}
    for name, one in progress.items():
        known = run.progress.get(name)
        fresh = replace(one, marks=_fresh(known, one) if name in heeded else ())
        if fresh.marks or known is None or replace(known, marks=()) != fresh:
            told[name] = fresh
    return told


def _fresh(known: Progress | None, progress: Progress) -> tuple[Mark, ...]:
    if known is None or not known.marks or progress.count < known.count:
        return progress.marks
    return tuple(mark for mark in progress.marks if mark.count > known.marks[-1].count)
