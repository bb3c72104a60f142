"""Runs that `init` names: by key and by id, through the cache, and what is said of those that left nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from planner import keys
from planner.keys import Key
from planner.model import facts as f
from planner.model.artifacts import Artifacts
from planner.model.run import BoundRun, Leases, Observation, Phase
from planner.model.status import RunStatus, StopReason
from reconciler.errors import Refused
from reconciler.producers import with_folders
from tests.planner.builders import gang
from tests.reconciler.api.support import World

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TRAIN, CACHED, FLOW, LIVE = (keys.generation(name, 1) for name in ("train", "cached", "flow", "live"))
FIT, SKIPPED, TICK = FLOW.child("fit"), keys.generation("skipped", 1), keys.tick("train", AT)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def opened(key: Key, kind: str = "job") -> f.Opened:
    return f.Opened(key.root, key, kind, "c", 1, "", "", AT)


def ran(key: Key) -> list[f.Fact]:
    attempt = key.at_attempt(1)
    left = Artifacts("/runs/x/artifacts", ("model",), 1, 1)
    end = Observation(attempt, Phase.ENDED, ended_at=AT, reason=StopReason.EXITED, exit_code=0, artifacts=left)
    return [
        opened(key),
        f.Intended(key.root, attempt, Leases(), AT),
        f.Observed(key.root, end, AT),
        f.Settled(key.root, key, RunStatus.SUCCEEDED, "", AT),
    ]


@pytest.fixture
async def world() -> World:
    world = World()
    hit = [opened(CACHED), f.CacheHit("cached", CACHED, TRAIN, {}, AT)]
    await world.ledger.record([*ran(TRAIN), *ran(TICK), *hit, f.Settled("cached", CACHED, RunStatus.SUCCEEDED, "", AT)])
    live = [opened(LIVE), f.Intended("live", LIVE.at_attempt(1), Leases(), AT)]
    skipped = [opened(SKIPPED), f.Settled("skipped", SKIPPED, RunStatus.SKIPPED, "", AT)]
    await world.ledger.record([opened(FLOW, "dag"), *ran(FIT), *live, *skipped])
    yield world
    await world.backend.close()


async def entries(world: World, *said: object) -> list[object]:
    """What the entries of `init` become."""
    made = gang("train")
    (group,) = made.replicas
    run = BoundRun(keys.generation("x", 1), "job", "d", replace(made, replicas=(replace(group, pod={"init": said}),)))
    return list((await with_folders(world.core, run)).gang.replicas[0].pod["init"])


def folder(key: Key) -> str:
    return key.dns_name("test", "project")


def ident(key: Key) -> str:
    return key.short_id("test", "project")


@pytest.mark.parametrize(
    ("entry", "paths"),
    [
        ({"lineageRef": "train@g1:model"}, [[f"{folder(TRAIN)}/outputs/model", "model"]]),
        ({"lineageRef": f"{ident(TRAIN)}:deep/model"}, [[f"{folder(TRAIN)}/outputs/deep/model", "model"]]),
        ({"lineageRef": f"{TICK}:model"}, [[f"{folder(TICK)}/outputs/model", "model"]]),
        ({"lineageRef": "cached@g1:model"}, [[f"{folder(TRAIN)}/outputs/model", "model"]]),
        ({"modelRef": "train@g1"}, [[f"{folder(TRAIN)}/outputs", "train"]]),
        ({"modelRef": "project:flow@g1/fit"}, [[f"{folder(FIT)}/outputs", "fit"]]),
        ({"artifactRef": f"owner/project:{ident(TRAIN)}"}, [[f"{folder(TRAIN)}/outputs", "train"]]),
        ({"artifactRef": f"owner/project:{TICK}"}, [[f"{folder(TICK)}/outputs", "train"]]),
    ],
    ids=lambda value: str(next(iter(value.values()))) if isinstance(value, dict) else "",
)
async def test_what_a_run_left_is_a_path(world, entry, paths):
    assert await entries(world, {**entry, "path": "in"}) == [{"path": "in", "paths": paths}]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"lineageRef": "train@g9:model"}, "init lineageRef 'train@g9:model': there is no run train@g9"),
        ({"lineageRef": "model"}, "init lineageRef: 'model' is not a run and a name"),
        ({"lineageRef": "flow@g1:model"}, "flow@g1 is a DAG, which leaves nothing itself: name one of its nodes"),
        ({"modelRef": "other:train@g1"}, "this is the project project, and it knows no runs of other"),
        ({"modelRef": "1.4"}, "init modelRef '1.4': '1.4' names no run: write a key or an id"),
        ({"artifactRef": "live@g1"}, "live@g1 is scheduled and has left nothing"),
        ({"artifactRef": "skipped@g1"}, "skipped@g1 is skipped and has left nothing"),
        ({"tensorboard": {"uuids": ["r-aaaaaaaa"]}}, "init tensorboard: there is no run r-aaaaaaaa"),
    ],
    ids=lambda value: str(next(iter(value.values()))) if isinstance(value, dict) else "",
)
async def test_what_left_nothing_is_refused_with_its_name(world, entry, why):
    with pytest.raises(Refused) as refused:
        await entries(world, entry)
    assert why in refused.value.message


async def test_a_board_shows_runs_by_id_or_by_name_also_while_they_run(world):
    by_id = {"uuids": [ident(LIVE), "cached@g1"]}
    by_name = {"uuids": f"{ident(FIT)}, live@g1", "useNames": True}
    assert await entries(world, {"tensorboard": by_id}, {"tensorboard": by_name}) == [
        {"tensorboard": {**by_id, "runs": [[folder(LIVE), ident(LIVE)], [folder(TRAIN), "cached@g1"]]}},
        {"tensorboard": {**by_name, "runs": [[folder(FIT), "flow@g1_fit"], [folder(LIVE), "live@g1"]]}},
    ]


async def test_other_entries_stay_as_they_are(world):
    said = [{"file": {"content": "x"}}, {"paths": ["a"]}]
    assert await entries(world, *said) == said
