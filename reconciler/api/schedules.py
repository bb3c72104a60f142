"""What schedules do next, as values. Reads only."""

from __future__ import annotations

from datetime import datetime

from planner.canon import Json
from planner.desire.forecast import Forecast, forecast
from planner.model.desired import CompiledOperation
from planner.model.records import RootRecord
from reconciler.api import find, problems, views
from reconciler.core import Core

__all__ = ["forecast_view", "in_force", "schedules"]


async def schedules(core: Core, name: str, count: int, at: datetime | None = None) -> dict[str, Json]:
    """The next `count` ticks of the operation `name`, or of all with a schedule in force for "".

    Raises:
        ApiError: there is no such operation, or it has no schedule.
    """
    project = await core.ledger.project()
    records = {name: await find.operation(core, name)} if name else await core.ledger.roots()
    now = at or core.clock.now()
    found: list[Json] = []
    for root, record in sorted(records.items()):
        operation = await in_force(core, record)
        if operation is None or operation.schedule is None:
            if name:
                raise problems.missing(f"{root} has no schedule in force")
            continue
        suspensions = [one for one in (record.suspended, project.suspended) if one is not None]
        told = forecast(operation.schedule, record.cursor, now, count, suspensions)
        found.append(forecast_view(root, told, operation.refused))
    return {"at": views.instant(now), "schedules": found}


def forecast_view(name: str, told: Forecast, refused: str) -> dict[str, Json]:
    """A forecast under the operation's name; one that is refused starts nothing."""
    remarks = [f"refused: {refused}"] if refused else list(told.remarks)
    return {
        "operation": name,
        "rule": told.rule,
        "timezone": told.timezone,
        "ticks": [] if refused else [{"at": views.instant(tick.at), "local": tick.local} for tick in told.ticks],
        "remarks": list[Json](remarks),
    }


async def in_force(core: Core, record: RootRecord) -> CompiledOperation | None:
    """The form in force: of the newest commit where its digest is applied, as its live fields count at once."""
    planned, applied = record.planned, record.applied
    if applied is None or applied.digest is None:
        return None
    if planned is not None and planned.digest == applied.digest and planned.form:
        return await core.form(planned.form)
    return await core.form(applied.form)
