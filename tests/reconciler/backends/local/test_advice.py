"""What the daemon is told of the machine before runs are trusted to it."""

import os
import sys
from pathlib import Path

import pytest

from reconciler.backends.local import Containment, LocalSettings, advice, groups
from reconciler.backends.machine.account import Account

pytestmark = pytest.mark.unit

MINE = Account(uid=1000, gid=1000, groups=(), home="/", switched=False)


class Reaching(Account):
    """A user that can go everywhere but into one folder."""

    __slots__ = ("closed",)

    def __init__(self, closed):
        super().__init__(uid=4711, gid=4711, groups=(4711,), home="/", switched=True)
        object.__setattr__(self, "closed", closed)

    def blocked(self, folder):
        return self.closed if folder.is_relative_to(self.closed) else None


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


def test_programs_that_the_user_of_runs_cannot_reach_are_named_with_what_to_do(tmp_path):
    tmp_path.chmod(0o755)
    hidden = tmp_path / "hidden"
    for folder in (hidden / "bin", tmp_path / "open" / "bin", tmp_path / "linked" / "bin"):
        folder.mkdir(parents=True)
    (hidden / "bin" / "python3").touch()
    (tmp_path / "linked" / "bin" / "python3").symlink_to(hidden / "bin" / "python3")
    hidden.chmod(0o700)
    images = {name: tmp_path / name for name in ("hidden", "open", "linked")}
    settings = LocalSettings(root=Path("/s"), runs=Path("/r"), user="stranger", environments=images)
    account = Reaching(hidden)
    assert advice.warnings(settings, account, "/group") == [
        (
            f"user stranger cannot enter {hidden}, so runs cannot use {hidden}/bin, the environment of image hidden: "
            f"chmod o+x {hidden}, or put it where that user can read it"
        ),
        (
            f"user stranger cannot enter {hidden}, so runs cannot use {hidden}/bin, the interpreter of the environment "
            f"of image linked: chmod o+x {hidden}, or put it where that user can read it"
        ),
    ]


def test_the_daemons_own_python_may_be_out_of_reach(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    tmp_path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    settings = LocalSettings(root=Path("/s"), runs=Path("/r"), user="stranger")
    (said,) = advice.warnings(settings, Reaching(tmp_path), "/group")
    assert said.startswith(
        f"user stranger cannot enter {tmp_path}, so runs cannot use {tmp_path}/bin, the programs beside the daemon"
    )
