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
    """Print what the simulation and the forges told of themselves: a lie that nobody sees counted proves nothing."""
    told = [
        (name, str(value))
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name in {"simulation", "forges"} and getattr(report, "when", "") == "call"
    ]
    for section in sorted({name for name, _ in told}):
        terminalreporter.section(section)
        for line in sorted(line for name, line in told if name == section):
            terminalreporter.write_line(line)
