"""Drawing operations, and edits of them, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from planner.model.desired import OnChange, Policy, RunPolicy
from planner.model.gang import Update
from planner.model.retention import Retention
from planner.model.schedule import CronSchedule, IntervalSchedule
from tests.simulation.clock import EPOCH
from tests.simulation.specs import Part, Periodic, Spec
from tests.simulation.tunes import drawn, extended, widened

__all__ = ["SMOKE", "Style", "draw", "edited", "rescheduled", "retuned"]

_SECOND = timedelta(seconds=1)

LISTENED = ("ingest", "probe", "report", "serve", "train", "tune")
"""Operations whose runs others may listen to."""

QUEUES = ("narrow", "urgent")
"""Queues with limits, or a priority, of their own (`tests.simulation.world.LIMITS`)."""

SMOKE = "smoke"
"""The name of whoever sends events."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a seed's authors write.

    Attributes:
        paced: only what ends the same whatever the timing: no policy that asks how late something is.
        slow: schedules of hours and days.
        sweeps: mostly sweeps.
    """

    paced: bool = False
    slow: bool = False
    sweeps: bool = False


def draw(chance: random.Random, name: str, style: Style) -> Spec:
    """A new operation."""
    if style.sweeps and chance.random() < 0.7:
        return _sweep(chance, name, style)
    made = chance.choices([_job, _service, _dag], [5, 4, 4])[0](chance, name)
    if made.kind != "service" and chance.random() < 0.4:
        made = replace(rescheduled(chance, made, style), gpu=0)
    policy = Policy(
        run=chance.choices([RunPolicy.ON_CHANGE, RunPolicy.MANUAL, RunPolicy.ON_COMMIT], [18, 1, 1])[0],
        on_change=chance.choice([OnChange.FINISH, OnChange.STOP]),
        self_heal=chance.random() < 0.9,
        prune=chance.random() < 0.95,
        progress_deadline=1000.0 if style.paced else chance.choice([60.0, 120.0]),
    )
    if not style.paced:
        # Dice of their own: a history of before goes on as before, where nothing of it is gated.
        gates = random.Random(f"{name} {made}")
        made = replace(made, approval=gates.random() < 0.1, parts=_gated(gates, made.parts))
        hooks = random.Random(f"hooks of {name} {made}")
        made = replace(made, hook=_hook(hooks, 0.15), parts=_hooked(hooks, made.parts))
        made = replace(made, most_failed=hooks.choice([0, 0, 0, 25, 50]) if made.kind == "dag" else 0)
    made = replace(made, listens=() if style.paced else _listens(made))
    if not style.paced:
        policy, made = replace(policy, retention=_retention(made, style)), _lived(made, style)
    return replace(made, policy=policy, refused="no such framework" if chance.random() < 0.03 else "")


def _sweep(chance: random.Random, name: str, style: Style) -> Spec:
    """A sweep, which others may listen to, and a schedule may start."""
    policy = Policy(
        run=chance.choices([RunPolicy.ON_CHANGE, RunPolicy.MANUAL, RunPolicy.ON_COMMIT], [18, 1, 1])[0],
        on_change=chance.choice([OnChange.FINISH, OnChange.STOP]),
    )
    made = Spec(name, "matrix", retries=chance.choice([0, 0, 1]), tune=drawn(chance, paced=style.paced), policy=policy)
    return rescheduled(chance, made, style) if chance.random() < 0.1 else made


def _lived(made: Spec, style: Style) -> Spec:
    """With the queue that it stands in, and what becomes of it in time; dice of their own."""
    chance = random.Random(f"life of {made}")
    slowly = 50 if style.slow else 1
    return replace(
        made,
        queue=chance.choice(["", "", *QUEUES]) if made.kind == "job" else "",
        joins=made.kind == "job" and chance.random() < 0.15,
        ttl=slowly * chance.choice([0, 0, 60, 400]) if made.kind != "dag" else 0,
        idle=slowly * chance.choice([0, 0, 30, 300]) if made.kind == "service" else 0,
    )


def _retention(made: Spec, style: Style) -> Retention | None:
    """How many runs are kept, and how long; dice of their own."""
    chance = random.Random(f"retention of {made}")
    if chance.random() < 0.5:
        return None
    count, age = chance.choice([(1, None), (3, None), (None, 300.0), (3, 900.0)])
    return Retention(count, age if age is None or not style.slow else 100 * age)


def _listens(made: Spec) -> tuple[tuple[str, str], ...]:
    """What starts an operation instead of a change; dice of their own: a history without any goes on as before."""
    chance = random.Random(f"events {made}")
    if made.kind == "service" or made.schedule is not None or chance.random() < 0.7:
        return ()
    # Those before it by name, so that operations rarely start one another in a circle.
    others = [name for name in LISTENED if name < made.name]
    statuses = ("succeeded", "failed", "done", "running", "retrying", "stopped")
    found = [(SMOKE, "alert_warning")] if chance.random() < 0.5 else []
    found += [(f"runs.{name}", f"run_status_{chance.choice(statuses)}") for name in others for _ in range(2)]
    if chance.random() < 0.3 or not found:
        found.append(("repository", "connection_git_commit"))
    return tuple(dict.fromkeys(found))


def edited(chance: random.Random, spec: Spec, style: Style) -> Spec:
    """An edit of identity fields: a new generation; now and then another kind under the same name."""
    if chance.random() < 0.1:
        return replace(draw(chance, spec.name, style), version=spec.version + 1)
    if spec.tune is not None and chance.random() < 0.7:
        return replace(spec, tune=extended(chance, spec.tune))
    if spec.kind == "dag" and chance.random() < 0.8:
        return replace(spec, parts=_bumped(chance, spec.parts))
    return replace(spec, version=spec.version + 1)


def retuned(chance: random.Random, spec: Spec, style: Style) -> Spec:
    """An edit of live fields: no new generation."""
    if spec.tune is not None:
        return replace(spec, tune=widened(chance, spec.tune))
    edits: list[Callable[[], Spec]] = [
        lambda: replace(spec, retries=chance.randrange(4)),
        lambda: replace(spec, policy=replace(spec.policy, on_change=chance.choice(list(OnChange)))),
        lambda: replace(spec, at_once=chance.choice([None, 1, 2])),
    ]
    if spec.schedule is not None:
        edits += [lambda: rescheduled(chance, spec, style)] * 2
        edits += [lambda: replace(spec, schedule=_policies(chance, spec.schedule, style))] * 2
    return chance.choice(edits)()


def rescheduled(chance: random.Random, spec: Spec, style: Style) -> Spec:
    """`spec` with another schedule."""
    if style.paced:
        made: Periodic = CronSchedule(cron="5,35 * * * *")  # between two moves, and long before the next
    elif style.slow and chance.random() < 0.4:
        made = CronSchedule(cron=chance.choice(["30 * * * *", "0 * * * *"]))
    elif style.slow:
        start = EPOCH + timedelta(hours=chance.randrange(50)) if chance.random() < 0.3 else None
        made = IntervalSchedule(frequency=chance.choice([2, 7, 24, 50]) * timedelta(hours=1), start_at=start)
    elif chance.random() < 0.5:
        made = CronSchedule(cron=chance.choice(["*/5 * * * *", "*/2 * * * *", "3-59/10 * * * *", "30 * * * *"]))
    else:
        start = EPOCH + timedelta(seconds=chance.randrange(3600)) if chance.random() < 0.3 else None
        made = IntervalSchedule(frequency=chance.choice([70, 120, 300, 1000]) * _SECOND, start_at=start)
    return replace(spec, schedule=_policies(chance, made, style))


def _policies(chance: random.Random, schedule: Periodic | None, style: Style) -> Periodic | None:
    if schedule is None:
        return None
    if style.paced:
        return replace(
            schedule,
            missed=chance.choice(["latest", "all"]),
            jitter=chance.choice([0, 20]) * _SECOND,
            depends_on_past=chance.random() < 0.3,
        )
    return replace(
        schedule,
        missed=chance.choice(["latest", "latest", "none", "all", "all"]),
        max_catch_up=chance.choice([2, 100]),
        concurrency_policy=chance.choice(["allow", "forbid", "replace"]),
        depends_on_past=chance.random() < 0.2,
        jitter=chance.choice([0, 0, 30]) * _SECOND,
        start_deadline=chance.choice([None, None, 100 * _SECOND]),
        max_runs=chance.choice([None, None, None, 6]),
    )


def _job(chance: random.Random, name: str) -> Spec:
    return Spec(name, "job", retries=chance.choice([0, 0, 1, 2, 3]), gpu=chance.choice([0, 0, 1, 2]))


def _service(chance: random.Random, name: str) -> Spec:
    return Spec(
        name,
        "service",
        ports=chance.choice([(), (8080,), (8080, 9090)]),
        update=chance.choice([Update.ROLLING, Update.RECREATE]),
    )


def _dag(chance: random.Random, name: str) -> Spec:
    shape = chance.choice([_chain, _diamond, _nested, _clean_up, _wide])
    return Spec(name, "dag", parts=shape(chance), at_once=chance.choice([None, None, 1, 2]))


def _chain(chance: random.Random) -> tuple[Part, ...]:
    return (
        Part("load", retries=chance.randrange(3)),
        Part("fit", needs=("load",), retries=chance.randrange(3)),
        Part("score", needs=("fit",)),
    )


def _diamond(chance: random.Random) -> tuple[Part, ...]:
    return (
        Part("load", retries=2),
        Part("left", needs=("load",), retries=1),
        Part("right", after=("load",), retries=chance.randrange(2)),
        Part("join", after=("left", "right"), trigger=chance.choice(["all_succeeded", "all_done", "one_succeeded"])),
    )


def _nested(chance: random.Random) -> tuple[Part, ...]:
    inner = (Part("split", retries=1), Part("fold", needs=("split",), retries=1))
    return (
        Part("load", retries=chance.randrange(3)),
        Part("inner", after=("load",), parts=inner),
        Part("report", after=("inner",), trigger=chance.choice(["all_succeeded", "all_done"])),
    )


def _clean_up(chance: random.Random) -> tuple[Part, ...]:
    return (
        Part("try"),
        Part("mend", after=("try",), trigger=chance.choice(["one_failed", "all_failed"])),
        Part("skip", after=("mend",), skips=True),
        Part("tell", after=("try", "mend"), trigger=chance.choice(["all_done", "one_done"])),
    )


def _wide(chance: random.Random) -> tuple[Part, ...]:
    return (
        *(Part(f"shard{number}", retries=1) for number in range(4)),
        Part("sum", needs=("shard0",), trigger="all_done"),
    )


def _gated(chance: random.Random, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Nodes of which some wait for a person, for a status or for a value."""
    return tuple(_gate(chance, part) for part in parts)


def _gate(chance: random.Random, part: Part) -> Part:
    waits = bool(part.needs or part.after)
    return replace(
        part,
        parts=_gated(chance, part.parts),
        approval=not part.parts and chance.random() < 0.05,
        only_over=chance.choice([0, 1]) if waits and chance.random() < 0.2 else None,
        starts_on=chance.choice(["running", "retrying", "scheduled"]) if part.after and chance.random() < 0.2 else "",
    )


def _hooked(chance: random.Random, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(
        replace(part, parts=_hooked(chance, part.parts), hook="" if part.parts else _hook(chance, 0.05))
        for part in parts
    )


def _hook(chance: random.Random, share: float) -> str:
    return chance.choice(["done", "succeeded", "failed"]) if chance.random() < share else ""


def _bumped(chance: random.Random, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    index = chance.randrange(len(parts))
    part = parts[index]
    if part.parts:
        changed = replace(part, parts=_bumped(chance, part.parts))
    else:
        changed = replace(part, version=part.version + 1)
    return (*parts[:index], changed, *parts[index + 1 :])
