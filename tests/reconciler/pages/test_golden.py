"""A few pages as they are, letter by letter: `PLUMBLINE_GOLDEN=write` writes them anew, for a look at what differs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.reconciler.api.support import World, dag, eventually
from tests.reconciler.pages.support import reading
from tests.reconciler.pages.test_states import FILES, sample, settled

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

GOLDEN = Path(__file__).parent / "golden"
TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?")
ASSETS = re.compile(r"/assets/(\w+)-[0-9a-f]{16}")


def held(name: str, html: str) -> None:
    """Hold a page against the one that is kept, but for times and the names of files."""
    text = ASSETS.sub(r"/assets/\1-DIGEST", TIMES.sub("TIME", html))
    text = re.sub(r">\d+ s<", ">SPAN<", re.sub(r"Plumbline [0-9][^<]*<", "Plumbline VERSION<", text))
    file = GOLDEN / f"{name}.html"
    if os.environ.get("PLUMBLINE_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(("name", "path"), [("operation", "/operations/bad"), ("run", "/runs/good@g1")])
async def test_a_page_is_as_it_was(name: str, path: str) -> None:
    world = sample()
    world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        held(name, (await browser.get(path)).html)


async def test_the_pages_of_a_dag_and_its_commit_are_as_they_were() -> None:
    world = World()
    ident = world.push({"f.yaml": dag("graph")})
    async with world.running() as api, reading(world) as browser:
        await api.until("graph", "succeeded")
        held("dag", (await browser.get("/runs/graph@g1")).html)

        async def said() -> bool:
            return bool((await api.get(f"/v1/commits/{ident}"))["final"])

        await eventually(said)
        held("commit", (await browser.get(f"/commits/{ident}")).html)
