"""Whatever webhooks come, the end is the same as without any: forged, doubled, out of order, of other repositories."""

from __future__ import annotations

import random
import re

import anyio
import anyio.lowlevel
import httpx
import pytest

from planner.model.facts import CommitPlanned, Intended
from reconciler.webhooks.door import Door
from reconciler.webhooks.listener import webhooks_app
from tests.reconciler.api.support import Answer, World, eventually, job
from tests.reconciler.webhooks.deliveries import FORGES, NAME, Delivery, delivery, signed
from tests.reconciler.webhooks.hearing import Hearing

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

OTHER = "whsec_" + "A" * 43 + "="


def drawn(chance: random.Random) -> Delivery:
    """Any delivery: right, wrong, seen before, of another repository, or no sense at all."""
    forge, ident = chance.choice(FORGES), f"d-{chance.randrange(8)}"
    match chance.randrange(6):
        case 0 | 1:
            return delivery(forge, chance.choice(["push", "pull", "comment"]), ident=ident)
        case 2:
            return delivery(forge, ident=ident, secret=OTHER)
        case 3:
            return delivery(forge, ident=ident, at=0)
        case 4:
            return signed(forge, "push", chance.randbytes(chance.randrange(100)), ident=ident)
        case _:
            body = delivery(forge).body.replace(NAME.encode(), b"stranger/models")
            return signed(forge, "push", body, ident=ident)


async def played(chance: random.Random | None) -> tuple[object, ...]:
    """What was planned, intended and said in the end of two pushes, with webhooks around them or without."""
    world = World()
    door = Door(NAME, Hearing().door_secrets, Hearing().clock)
    app = webhooks_app(world.loop.hints, world.loop.metrics, door)
    transport = httpx.ASGITransport(app)

    async def storm(client: httpx.AsyncClient) -> None:
        for _ in range(chance.randrange(1, 60) if chance is not None else 0):
            assert chance is not None
            sent = drawn(chance)
            answer = await client.post("/webhook", content=sent.body, headers=sent.headers)
            assert answer.status_code < 500
            if chance.random() < 0.1:
                await anyio.lowlevel.checkpoint()

    async with httpx.AsyncClient(transport=transport, base_url="http://hooks") as client, world.running() as api:
        commits = []
        for files in ({"a.yaml": job("train"), "b.yaml": job("check")}, {"a.yaml": job("train", command="longer")}):
            await storm(client)
            commits.append(world.remote.commit(files))
            await storm(client)
            world.core.queue.add("source")  # the poll, which comes in any case
            await storm(client)

            async def look(commit: str = commits[-1]) -> Answer | None:
                found = (await api.client.get(f"/v1/commits/{commit}")).json()
                return found if found.get("final") else None

            await eventually(look)
            await storm(client)
        await anyio.wait_all_tasks_blocked()
        facts = [fact for _, fact in await world.ledger.facts(limit=10_000)]
        planned = [fact.commit for fact in facts if isinstance(fact, CommitPlanned)]
        intended = sorted(str(fact.key) for fact in facts if isinstance(fact, Intended))
        statuses = {
            (one.context, one.state, re.sub(r" in \d+ (s|min)\b", "", one.description))
            for commit in commits
            for one in await world.ledger.statuses(commit)
        }
        return planned, intended, statuses


@pytest.mark.parametrize("seed", range(10))
async def test_the_end_is_that_of_a_poll(seed: int) -> None:
    assert await played(random.Random(seed)) == await played(None)
