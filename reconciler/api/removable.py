"""What retention would remove now, as a value for people and programs. Reads only."""

from __future__ import annotations

from planner.canon import Json
from reconciler.api import views
from reconciler.leftovers import Leftovers
from reconciler.retention import Retention

__all__ = ["removable"]

_MOST = 1000


async def removable(retention: Retention, leftovers: Leftovers) -> dict[str, Json]:
    """Runs that would go, oldest first of each operation, with their bytes on the disk; and what belongs to no run."""
    found = await retention.all(_MOST + 1)
    shown: list[Json] = []
    total = 0
    for going in found[:_MOST]:
        size = await retention.weigh(going)
        total += size
        top = going.runs[0]
        shown.append(
            {
                "run": str(going.top),
                "operation": going.root,
                "status": str(top.status),
                "finishedAt": views.instant(top.finished_at),
                "runs": len(going.runs),
                "bytes": size,
                "kept": going.rule,
            }
        )
    rest: dict[str, Json] = {
        name: {"count": one.count, "bytes": one.size} for name, one in (await leftovers.all()).items()
    }
    return {
        "removable": shown,
        "count": len(shown),
        "bytes": total,
        "more": len(found) > _MOST,
        "leftovers": rest,
    }
