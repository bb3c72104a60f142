"""Fixtures for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import database, postgres  # noqa: F401 -- fixtures

# No test goes by the clock: a busy machine is no failure.
settings.register_profile("plumbline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("plumbline")
# A shell has what it runs in the background ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Adapters are tested on the event loop that production uses."""
    return "asyncio"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the simulation told of itself: a lie or bug that nobody sees counted proves nothing."""
    told = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "simulation" and getattr(report, "when", "") == "call"
    ]
    if told:
        terminalreporter.section("simulation")
        for line in sorted(told):
            terminalreporter.write_line(line)
