"""The peer for each test here. Its environment is made by itself, once per content."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks.peers.environment import Peer, UnavailableError, running


@pytest.fixture
def polyaxon() -> Iterator[Peer]:
    try:
        with running("polyaxon") as peer:
            yield peer
    except UnavailableError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"NOT COMPARED WITH POLYAXON: {error}")
