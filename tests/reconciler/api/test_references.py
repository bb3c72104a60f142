"""What a daemon says of references out of the repository, to whoever plans files that were never committed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planner.model.facts import Pinned
from reconciler.api.asked import MOST_REFERENCES
from reconciler.settings_sources import Hub, HubRepository
from tests.reconciler.api.support import World

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

AT = datetime(2026, 1, 5, tzinfo=UTC)


async def test_what_is_pinned_is_told_with_its_content_and_the_hubs_in_their_order() -> None:
    world = World()
    hubs = (
        Hub(name="far", repository=HubRepository(url="https://forge.example/r")),
        Hub(name="team", path=Path("/srv/c")),
    )
    world.service.settings = world.service.settings.model_copy(update={"hubs": hubs})
    await world.ledger.record([Pinned("hub:train", "sha256:1", "hub:train/train.yaml", AT)], {"sha256:1": "text ü"})
    async with world.client() as client:
        response = await client.post("/v1/references", json={"references": ["hub:train", "url:https://x.org/a"]})

    assert response.status_code == 200, response.text
    assert response.json() == {
        "pinned": {"hub:train": {"path": "hub:train/train.yaml", "digest": "sha256:1", "content": "text ü"}},
        "hubs": [{"name": "far", "path": None}, {"name": "team", "path": "/srv/c"}],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({}, "has `references`, a list of keys", id="nothing"),
        pytest.param({"references": "hub:a"}, "has `references`, a list of keys", id="text"),
        pytest.param({"references": [], "more": 1}, "and nothing else", id="another-member"),
        pytest.param({"references": [1]}, "a key is a text", id="number"),
        pytest.param({"references": ["hub:a" * 9_000]}, "a key is a text", id="long"),
        pytest.param({"references": ["hub:a"] * (MOST_REFERENCES + 1)}, "ask for them in parts", id="many"),
    ],
)
async def test_a_body_that_asks_for_something_else_is_refused(body: object, words: str) -> None:
    async with World().client() as client:
        response = await client.post("/v1/references", content=json.dumps(body))

    assert response.status_code == 400
    assert words in response.json()["detail"]
