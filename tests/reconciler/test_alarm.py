"""The end of a process that does not end by itself."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from reconciler.alarm import Alarm

pytestmark = pytest.mark.unit


def test_it_rings_when_its_time_has_come():
    rung = threading.Event()
    said = []
    Alarm("over", lambda words: (said.append(words), rung.set())).set(time.monotonic())
    assert rung.wait(30)
    assert said == ["over"]


def test_what_is_put_off_or_stopped_does_not_ring():
    rung, other = threading.Event(), threading.Event()
    alarm = Alarm("over", lambda _: rung.set())
    alarm.set(time.monotonic() + 1000)
    alarm.stop()
    alarm.set(time.monotonic() + 2000)
    Alarm("another", lambda _: other.set()).set(time.monotonic())
    assert other.wait(30)
    assert not rung.is_set()
    alarm.set(time.monotonic())
    assert rung.wait(30), "and it can be set again"


@pytest.mark.process
def test_it_ends_a_process_whose_loop_is_stuck():
    code = "import time; from reconciler.alarm import Alarm; Alarm('it is late').set(time.monotonic())\nwhile 1: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (3, "plumbline: it is late\n")
