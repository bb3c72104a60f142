"""Plans for which the cluster is asked: what it says stands by the action, and nothing is done."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from planner.model.plan import FieldChange, Rehearsed
from reconciler import rehearsing
from reconciler.errors import Transient
from reconciler.ports import Order
from tests.reconciler.api.support import World, dag, job, policy, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

IMAGE = FieldChange("Deployment/spec/template/spec/containers/main/image", "a", "b")
MEMORY = FieldChange("Pod/spec/containers/main/resources/limits/memory", None, "512Mi", added=True)


@dataclass
class Rehearsal:
    """Says the same of everything that it is asked for."""

    away: str = ""
    asked: list[str] = field(default_factory=list)

    async def of(self, order: Order) -> Rehearsed:
        if self.away:
            raise Transient(self.away)
        self.asked.append(str(order.key))
        name = f"Deployment ml/{order.key.root}"
        return Rehearsed(str(order.key.run), name, ("Pod: no",), admitted=(MEMORY,), changes=(IMAGE,))


def world_of(files: dict[str, bytes], rehearsal: Rehearsal) -> World:
    """A world with these files, and nothing of them was planned."""
    world = World()
    world.backend.rehearsal = rehearsal  # type: ignore[attr-defined]
    world.push(files)
    return world


async def test_the_cluster_is_asked_for_what_would_start_and_nothing_else() -> None:
    rehearsal = Rehearsal()
    world = world_of({"a.yaml": service("serve"), "b.yaml": dag("flow")}, rehearsal)
    async with world.client() as client:
        plan = (await client.get("/v1/plan", params={"server": True})).json()
        actions = {action["root"]: action for action in plan["plan"]["actions"]}
        assert sorted(rehearsal.asked) == ["flow@g1/first#1", "serve@g1#1"], "the second node waits for the first"
        (told,) = actions["serve"]["rehearsed"]
        assert (told["run"], told["refused"], told["unknown"]) == ("serve@g1", ["Pod: no"], [])
        assert '      Deployment/spec/template/spec/containers/main/image: "a" -> "b"\n' in plan["text"]
        assert '      admission sets Pod/spec/containers/main/resources/limits/memory: "512Mi" (new)\n' in plan["text"]
        assert "    on the cluster, serve@g1: Deployment ml/serve\n      ! refused: Pod: no\n" in plan["text"]
        assert not await world.ledger.roots(), "nothing is recorded"
        assert "processes of the daemon's machine" not in plan["text"]
        plain = (await client.get("/v1/plan")).json()
        assert all(not action["rehearsed"] for action in plain["plan"]["actions"])


async def test_a_cluster_that_is_away_keeps_nobody_from_the_plan() -> None:
    world = world_of({"a.yaml": service("serve")}, Rehearsal(away="the API server is busy"))
    async with world.client() as client:
        text = (await client.get("/v1/plan", params={"server": True})).json()["text"]
    assert "    on the cluster, serve@g1: nothing was asked for\n      ? the API server is busy\n" in text


async def test_of_many_the_first_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "MOST", 3)
    rehearsal = Rehearsal()
    files = {f"{name}.yaml": job(name) for name in ("a", "b", "c", "d", "e")}
    async with world_of(files, rehearsal).client() as client:
        answer = (await client.get("/v1/plan", params={"server": True})).json()
    assert len(rehearsal.asked) == 3
    unknown = [one["rehearsed"][0]["unknown"] for one in answer["plan"]["actions"]]
    assert unknown.count(["only the first 3 runs of a plan are asked for"]) == 2


async def test_where_there_is_no_cluster_that_is_said() -> None:
    world = World()
    world.push({"a.yaml": job("a"), **policy("defaults: {runPolicy: manual}")})
    async with world.client() as client:
        refused = await client.get("/v1/plan", params={"server": True})
        assert refused.status_code == 409
        assert "there is no cluster that could be asked" in refused.json()["detail"]
