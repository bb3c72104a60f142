"""What the daemon is told of the machine before runs are trusted to it."""

import os
from pathlib import Path

import pytest

from reconciler.backends.local import Containment, LocalSettings, advice, groups
from reconciler.backends.local.account import Account

pytestmark = pytest.mark.unit

MINE = Account(uid=1000, gid=1000, groups=(), home="/", switched=False)


def told(monkeypatch, group, *, containment=Containment.AUTO, unit=None, pid=77):
    monkeypatch.setattr(groups, "killing_unit", lambda moved: None if moved else unit)
    monkeypatch.setattr(os, "getpid", lambda: pid)
    return advice.warnings(LocalSettings(root=Path("/s"), runs=Path("/r"), containment=containment), MINE, group)


def test_a_good_machine_is_not_talked_of(monkeypatch):
    assert told(monkeypatch, "/sys/fs/cgroup/plumbline-x") == []
    assert told(monkeypatch, None, containment=Containment.SWEEP) == []


def test_process_1_cannot_adopt(monkeypatch):
    (said,) = told(monkeypatch, "/group", pid=1)
    assert said == "the daemon is process 1: when it ends its runs end with it, and none can be adopted"


def test_a_unit_that_kills_is_named_with_what_to_do(monkeypatch):
    kills, sweeps = told(monkeypatch, None, unit="plumbline.service")
    assert kills == (
        "restarting plumbline.service may kill its runs, which then count as lost; set KillMode=process in that unit "
        "so that they are adopted instead"
    )
    assert sweeps == "no control group may be made here: what runs leave behind is found by sweeping /proc"


def test_a_group_that_was_left_kills_nothing(monkeypatch):
    assert told(monkeypatch, "/group", unit="plumbline.service") == []
