"""A machine for each test, ended with all its processes."""

import pytest

from reconciler.backends.local import Containment
from tests.reconciler.backends.local.support import Machine


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def machine(tmp_path):
    """A machine as it is: control groups where they can be made."""
    made = Machine(tmp_path, Containment.AUTO)
    yield made
    assert made.shut_down() == []


@pytest.fixture(params=list(Containment), ids=lambda mode: mode.name.lower())
def either(tmp_path, request):
    """A machine in each mode of containment."""
    made = Machine(tmp_path, request.param)
    yield made
    assert made.shut_down() == []
