"""The local backend keeps the laws of the port, with real processes."""

import pytest

from reconciler.backends.local import Containment
from tests.contracts.backend import BackendContract
from tests.contracts.bringing import BringingContract
from tests.contracts.reporting import ReportingContract, TracingContract
from tests.reconciler.backends.local.support import Machine

pytestmark = [pytest.mark.process, pytest.mark.anyio]


class TestLocalBackend(BackendContract, BringingContract, ReportingContract, TracingContract):
    @pytest.fixture
    def world(self, tmp_path):
        machine = Machine(tmp_path, Containment.AUTO)
        yield machine
        assert machine.shut_down() == []
