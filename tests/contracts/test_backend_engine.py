"""The engine's backend keeps the laws of the port, on a real Podman with real containers."""

import pytest

from tests.contracts.backend import BackendContract
from tests.contracts.bringing import BringingContract
from tests.contracts.reporting import ReportingContract, TracingContract
from tests.engine.fixtures import engine, podman

__all__ = ["engine", "podman"]

pytestmark = [pytest.mark.engine, pytest.mark.anyio]


class TestEngineBackend(BackendContract, BringingContract, ReportingContract, TracingContract):
    @pytest.fixture
    def world(self, engine):
        return engine
