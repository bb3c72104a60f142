"""When an operation runs: schedules, events, joins, conditions (reference, sections 15 to 17)."""

from __future__ import annotations

from typing import Any

from tests.generate.dice import Dice, Free

TRIGGERS = ("all_succeeded", "all_failed", "all_done", "one_succeeded", "one_failed", "one_done")
EVENTS = ("run_status_running", "run_status_succeeded", "run_status_done", "run_new_artifacts", "alert_info")
_START, _END = "2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"


def schedule(dice: Dice, kind: str = "") -> dict[str, Any]:
    """A schedule."""
    kind = kind or dice.pick(["cron", "interval", "datetime"])
    if kind == "datetime":
        return {"kind": kind, "startAt": _START}
    own: dict[str, Any] = {"cron": dice.pick(["0 0 * * *", "*/5 * * * *", "@daily", "30 6 * * 1-5"])}
    if kind == "interval":
        own = {"frequency": dice.pick([60, 3600, "PT1H", "P1D"])}
    return {"kind": kind, **own} | dice.fields(
        ("startAt", 0.4, lambda: _START),
        ("endAt", 0.3, lambda: _END),
        ("maxRuns", 0.3, lambda: dice.whole(1, 20)),
        ("dependsOnPast", 0.3, lambda: dice.chance(0.5)),
    )


def event(dice: Dice, ref: str) -> dict[str, Any]:
    """What else starts an operation."""
    return {"kinds": dice.some(EVENTS, 1, 2), "ref": ref}


def join(dice: Dice) -> dict[str, Any]:
    """Values of many runs."""
    name = dice.name().replace("-", "_")
    params = Free({name: {"value": dice.pick(["outputs.loss", "globals.uuid", "inputs.rate"]), "contextOnly": True}})
    query = dice.pick(
        ["status: succeeded", "kind: job, metrics.loss: <0.5", "name: %train%", "status: succeeded|failed"]
    )
    return {"query": query, "params": params} | dice.fields(
        ("sort", 0.5, lambda: dice.pick(["metrics.loss", "-created_at", "outputs.loss,-name"])),
        ("limit", 0.4, lambda: dice.whole(1, 500)),
        ("offset", 0.2, lambda: dice.whole(0, 20)),
    )
