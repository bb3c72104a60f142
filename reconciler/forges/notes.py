"""Git notes as a forge: one note a commit on `refs/notes/plumbline/<instance>`, one JSON line a context.

`git log --notes='plumbline/*'` shows them. `git push --mirror` from a user's clone deletes the ref; `intact` notices
that, so that everything is said again from the ledger. Never forces a ref.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from planner.model.commits import StatusRecord
from reconciler.ports import Clock
from reconciler.source.notes import PLUMBLINE, Notes
from reconciler.source.repository import GitSource

__all__ = ["NotesForge"]


class NotesForge:
    """Writes statuses as notes into the repository that `source` follows."""

    def __init__(self, source: GitSource, clock: Clock) -> None:
        self._notes = Notes(source, PLUMBLINE)
        self._clock = clock
        self._told: str | None = None

    async def put(self, statuses: Sequence[StatusRecord]) -> None:
        """See `Forge.put`: all commits of the batch in one notes commit."""
        commits: dict[str, list[StatusRecord]] = {}
        for status in statuses:
            commits.setdefault(status.commit, []).append(status)
        merges = {commit: functools.partial(merge, news) for commit, news in commits.items()}
        await self._notes.write(merges, self._clock.now())
        self._told = statuses[-1].commit if statuses else self._told

    async def intact(self) -> bool:
        """See `Forge.intact`: whether the note that was written last is still there."""
        return self._told is None or bool(await self._notes.read([self._told]))


def merge(news: Sequence[StatusRecord], before: str | None) -> str:
    """The note's text with `news`: one line a context, in order of context; foreign lines are kept as they are."""
    lines: dict[str, str] = {}
    for index, line in enumerate((before or "").splitlines()):
        lines[_context(line) or f"\uffff{index:06}"] = line
    for status in news:
        lines[status.context] = _line(status)
    return "".join(f"{line}\n" for _, line in sorted(lines.items()))


def _context(line: str) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    context = value.get("context") if isinstance(value, dict) else None
    return context if isinstance(context, str) else None


def _line(status: StatusRecord) -> str:
    value = {
        "context": status.context,
        "state": str(status.state),
        "description": status.description,
        "at": status.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return json.dumps(value, ensure_ascii=False)
