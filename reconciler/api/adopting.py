"""What another ledger left where our runs go, and its removal, which a person asks for who knows that it is lost."""

from __future__ import annotations

from collections.abc import Sequence

from planner.canon import Json
from reconciler.api import problems
from reconciler.core import Core
from reconciler.ports_adopt import Adopting, Adoption, Left
from reconciler.telemetry import log

__all__ = ["begin", "left"]


async def left(core: Core) -> dict[str, Json]:
    """All that is there of other ledgers.

    Raises:
        ApiError: nothing can be there, as runs are processes of this machine.
        Transient: it cannot be told now.
    """
    return _told(core, await _adoption(core).left())


async def begin(core: Core, by: str) -> dict[str, Json]:
    """Begin to end and remove it; the answer is what there was.

    Raises:
        ApiError, Transient: as `left`.
    """
    adoption = _adoption(core)
    found = await adoption.left()
    if found:
        # The log keeps who did it: our ledger has no word about what was never its own.
        log.warning("what another ledger left is removed", by=by, count=len(found), ledgers=_ledgers(found))
        await adoption.remove(found)
    return _told(core, found)


def _adoption(core: Core) -> Adoption:
    if not isinstance(core.backend, Adopting):
        raise problems.conflict(
            "a state folder has the runs of one ledger, so there is nothing to adopt here; docs/local-backend.md says "
            'under "Another ledger" what to do'
        )
    return core.backend.adoption


def _ledgers(found: Sequence[Left]) -> list[str]:
    return sorted({one.ledger for one in found})


def _told(core: Core, found: Sequence[Left]) -> dict[str, Json]:
    return {
        "ledger": core.ledger.ident,
        "others": list[Json](_ledgers(found)),
        "left": [
            {"ledger": one.ledger, "attempt": one.attempt, "object": one.place, "state": one.state} for one in found
        ],
    }
