"""The sample repository, as its user has it."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample():
    """Its folder. Nothing may be written there."""
    return Path(__file__).parents[2] / "sample-repo"
