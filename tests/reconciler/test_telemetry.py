"""What is logged: a line each, also of what libraries log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from reconciler import telemetry

pytestmark = pytest.mark.unit


@contextlib.contextmanager
def configured(*, as_json: bool) -> Iterator[None]:
    """A block with logging as a daemon has it; pytest's own handlers are away for it."""
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], []
    telemetry.configure_logging(json=as_json)
    try:
        yield
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()


@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_library_fails_at_behind_our_back_is_one_line(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    async def forgotten() -> None:
        raise ConnectionResetError("Cannot write to closing transport\nnor read")

    async def forget() -> None:
        task = asyncio.ensure_future(forgotten())
        await asyncio.wait([task])
        del task

    with configured(as_json=as_json):
        asyncio.run(forget())

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "Task exception was never retrieved" in said[0]
    assert "ConnectionResetError: Cannot write to closing transport" in said[0]
    assert not as_json or json.loads(said[0])["library"] == "asyncio"


def test_what_libraries_say_below_a_warning_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    with configured(as_json=True):
        logging.getLogger("botocore").info("Found credentials in environment variables.")
        logging.getLogger("botocore").warning("the clock is off by %s s", 7)

    (said,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (said["event"], said["level"]) == ("the clock is off by 7 s", "warning")


def test_words_and_arguments_that_do_not_fit_are_said_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with configured(as_json=True):
        logging.getLogger("botocore").handle(
            logging.LogRecord("botocore", logging.WARNING, __file__, 1, "%d of %d", ("one",), None)
        )

    (said,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert said["event"] == "%d of %d"
