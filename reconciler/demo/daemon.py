"""The demo's daemon: started in a session of its own, and ended with everything that it started, however the demo ends.

A person who looks at a demo and goes away must find nothing of it alive: no service, no schedule, no parent of runs.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import httpx

from reconciler.demo import sweep
from reconciler.demo.stage import Stage
from reconciler.errors import Unusable

__all__ = ["daemon", "ended_by_signals"]

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_END_SECONDS = 30.0
_LOOK = 0.1
_SUSPENSION = 60
"""Seconds for which nothing new starts while what is alive is stopped; it ends by itself, for whoever goes on."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C, TERM and a lost terminal end the block as an exception, once, so that it can clear up.

    Further signals are ignored: clearing up takes less than a minute, and half of it would leave something alive.

    Raises:
        KeyboardInterrupt: at SIGINT.
        SystemExit: at the others, with 128 and the signal's number.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        # Whoever has it ignored, as nohup does with HUP, means it.
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> NoReturn:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


@contextmanager
def daemon(stage: Stage, *, keep: bool) -> Iterator[int]:
    """A daemon that follows the stage's repository. At exit it is ended with all that it runs, unless `keep`.

    Raises:
        Unusable: it does not come up; the message ends with its log. Or something of it would not end.
    """
    command = [sys.executable, "-m", "reconciler.cli", "daemon", "-c", str(stage.config)]
    with stage.log.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=stage.folder
        )
    up = False
    try:
        _wait_until_up(stage, process)
        up = True
        yield process.pid
    finally:
        if not (keep and up):
            _end_all(stage, process)


def _wait_until_up(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with stage.client() as client:
                client.get("/v1/status").raise_for_status()
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    tail = stage.log.read_text(errors="replace")[-2000:]
    raise Unusable(f"the daemon did not come up; its log ends with:\n{tail}")


def _end_all(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    """Each step is taken whatever becomes of the one before."""
    try:
        # A daemon that does not answer is ended all the same, and what it leaves is swept up.
        with contextlib.suppress(httpx.HTTPError):
            _stop_runs(stage)
    finally:
        try:
            _end_daemon(process)
        finally:
            left = sweep.end(stage.runs, stage.state)
    if left:
        raise Unusable(f"processes of the demo would not end: {', '.join(map(str, left))}")


def _stop_runs(stage: Stage) -> None:
    """Have the daemon stop what is alive, and wait until it is over."""
    deadline = time.monotonic() + _STOP_SECONDS
    asked: set[str] = set()
    with stage.client() as client:
        _ask(client, "suspend", "", {"for": _SUSPENSION})
        while live := _live(client):
            for operation in sorted(live - asked):
                _ask(client, "stop", operation, {})
            asked |= live
            if time.monotonic() > deadline:
                return
            time.sleep(_LOOK)


def _live(client: httpx.Client) -> set[str]:
    answer = client.get("/v1/runs", params={"live": True, "limit": 10_000}).raise_for_status()
    return {str(run["operation"]) for run in answer.json()["runs"]}


def _ask(client: httpx.Client, verb: str, target: str, args: dict[str, Any]) -> None:
    # The answer may be no, when the run has ended meanwhile: what counts is what is alive.
    client.post("/v1/commands", json={"verb": verb, "target": target, "args": args})


def _end_daemon(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
