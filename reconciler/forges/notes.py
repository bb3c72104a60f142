"""Git notes as a forge: one note a commit on `refs/notes/plumbline/<instance>`, one JSON line a context.

`git log --notes='plumbline/*'` shows them. `git push --mirror` from a user's clone deletes the ref or sets it back;
that is noticed as its commit does not stand on the one before, so that what is gone is said again from the ledger.
Never forces a ref.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from planner.model.commits import StatusRecord
from planner.outbox import Budget
from reconciler.ports import Clock, Taken
from reconciler.source.notes import PLUMBLINE, Notes
from reconciler.source.repository import GitSource

__all__ = ["NotesForge"]


class NotesForge:
    """Writes statuses as notes into the repository that `source` follows."""

    def __init__(self, source: GitSource, clock: Clock) -> None:
        self._notes = Notes(source, PLUMBLINE)
        self._clock = clock
        self._turn = anyio.Lock()
        # The notes commit that was written or looked at last: whatever comes must stand on it.
        self._tip: str | None = None
        self._broken = False

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`: a batch costs the same whatever is in it."""
        return None

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`: all commits of the batch in one notes commit."""
        commits: dict[str, list[StatusRecord]] = {}
        for status in statuses:
            commits.setdefault(status.commit, []).append(status)
        merges = {commit: functools.partial(merge, news) for commit, news in commits.items()}
        async with self._turn:
            written = await self._notes.write(merges, self._clock.now())
            await self._follow(written.before)
            self._tip = written.after
        return Taken(tuple(statuses))

    async def erase(self, commits: Sequence[str]) -> None:
        """See `reconciler.ports_sweep.Eraser.erase`. A note with lines that are no status of anybody stays."""
        async with self._turn:
            written = await self._notes.erase(commits, self._clock.now(), _only_statuses)
            await self._follow(written.before)
            self._tip = written.after

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """See `Forge.spoke_of`."""
        found = await self._notes.read(commits)
        return any(context in _shown(text) for text in found.notes.values())

    async def intact(self) -> bool:
        """See `Forge.intact`: whether the ref still stands on the notes commit that was written or read last."""
        async with self._turn:
            await self._follow((await self._notes.read([])).tip)
            return not self._broken

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        """See `Forge.lost`. A commit that the repository does not have cannot carry a note: nothing of it is lost."""
        async with self._turn:
            found = await self._notes.read(list(dict.fromkeys(status.commit for status in said)))
            self._tip, self._broken = found.tip, False
        shown = {commit: _shown(text) for commit, text in found.notes.items()}
        return [
            status
            for status in said
            if status.commit in found.commits
            and shown.get(status.commit, {}).get(status.context) != (str(status.state), status.description)
        ]

    async def _follow(self, tip: str | None) -> None:
        """Go on from `tip`, which somebody else may have put there."""
        if self._tip is None or tip == self._tip:
            return
        if tip is None or not await self._notes.contains(tip, self._tip):
            self._broken = True
        self._tip = tip


def merge(news: Sequence[StatusRecord], before: str | None) -> str:
    """The note's text with `news`: one line a context, in order of context; foreign lines are kept as they are."""
    lines: dict[str, str] = {}
    for index, line in enumerate((before or "").splitlines()):
        lines[_context(_read(line)) or f"\uffff{index:06}"] = line
    for status in news:
        lines[status.context] = _line(status)
    return "".join(f"{line}\n" for _, line in sorted(lines.items()))


def _only_statuses(text: str) -> bool:
    return all(_context(_read(line)) for line in text.splitlines())


def _shown(text: str) -> dict[str, tuple[object, object]]:
    """State and description by context."""
    values = [_read(line) for line in text.splitlines()]
    return {context: (value.get("state"), value.get("description")) for value in values if (context := _context(value))}


def _read(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _context(value: Mapping[str, Any]) -> str | None:
    context = value.get("context")
    return context if isinstance(context, str) else None


def _line(status: StatusRecord) -> str:
    value = {
        "context": status.context,
        "state": str(status.state),
        "description": status.description,
        "at": status.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return json.dumps(value, ensure_ascii=False)
