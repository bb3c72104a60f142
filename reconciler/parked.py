"""Statuses that the forge will never take, in sentences for people. The records are in the ledger: this only counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from planner.model.commits import StatusRecord
from reconciler.ports import Refusal
from reconciler.telemetry import log

__all__ = ["Parked"]

_MOST = 1000
_SHOWN = 3


class Parked:
    """The newest of them, by commit and context."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], str] = OrderedDict()

    def load(self, statuses: Iterable[StatusRecord]) -> None:
        """What the ledger has of them, as after a start."""
        for status in statuses:
            if status.refused:
                self._keep(status, status.refused)

    def note(self, refused: Iterable[Refusal]) -> None:
        """The forge refused them just now."""
        for refusal in refused:
            status = refusal.status
            log.warning("a status is parked", commit=status.commit, context=status.context, reason=refusal.reason)
            self._keep(status, refusal.reason)

    def settle(self, statuses: Iterable[StatusRecord]) -> None:
        """The forge took these: what was parked of their contexts is of the past."""
        for status in statuses:
            self._kept.pop((status.commit, status.context), None)

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence a reason, the newest first, a few at most."""
        by_reason: dict[str, list[tuple[str, str]]] = {}
        for name, reason in reversed(self._kept.items()):
            by_reason.setdefault(reason, []).append(name)
        found = [_sentence(reason, names) for reason, names in by_reason.items()]
        rest = len(found) - _SHOWN
        return tuple(found[:_SHOWN] + ([f"the forge refused statuses for {rest} reasons more"] if rest > 0 else []))

    def _keep(self, status: StatusRecord, reason: str) -> None:
        name = (status.commit, status.context)
        self._kept[name] = reason
        self._kept.move_to_end(name)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def _sentence(reason: str, names: list[tuple[str, str]]) -> str:
    commit, context = names[0]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the forge will not show {context} on {commit[:10]}{more}, and is not asked again: {reason}"
