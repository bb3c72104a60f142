"""Places, cleared at the end of each test, and the nursery of their daemons."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Nursery, Place

# Under nohup it is ignored, by all that is started from here as well.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def places(tmp_path: Path, nursery: Nursery) -> Iterator[Callable[..., Place]]:
    """Makes places by name. At the end nothing of them is left, and no daemon of theirs showed a traceback."""
    made: list[Place] = []

    def make(name: str = "place", **settings: object) -> Place:
        made.append(Place(tmp_path / name, nursery, **settings))
        return made[-1]

    yield make
    left = {place.base.name: place.clear() for place in made}
    logs = {place.base.name: place.log.read_text(errors="replace") for place in made if place.log.exists()}
    assert not any(left.values()), f"would not end: {left}"
    for log in logs.values():
        assert "Traceback" not in log, log


@pytest.fixture
def place(places: Callable[..., Place]) -> Place:
    return places()
