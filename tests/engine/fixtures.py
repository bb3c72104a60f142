"""Fixtures of tests on a real container engine: one Podman for each process of pytest."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import ports
from tests.cluster import images
from tests.engine.asked import Given
from tests.engine.podman import Podman, demand
from tests.engine.world import EngineWorld

__all__ = ["engine", "free_port", "podman"]


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman | Given]:
    """An engine with the small image: a Podman of our own, or the one that the environment names."""
    given = os.environ.get("PLUMBLINE_TEST_ENGINE")
    if not given:
        demand()
    made = Given(Path(given)) if given else Podman()
    try:
        if not given:
            made.start()
        made.load(images.BUSYBOX)
        yield made
    finally:
        made.close()


@pytest.fixture
async def engine(podman: Podman, tmp_path: Path) -> AsyncIterator[EngineWorld]:
    """A world on it, with nothing in it."""
    world = EngineWorld(podman, tmp_path)
    yield world
    await world.close()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    return ports.free_port()
