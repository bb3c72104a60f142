"""`plumbline demo`: plays the acts, says what happened, and ends by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from reconciler.demo.acts import ACTS, Act
from reconciler.demo.stage import Stage, daemon, make_environment, prepare
from reconciler.demo.watch import Theatre

__all__ = ["run"]


def run(*, keep: bool = False, folder: Path | None = None) -> int:
    """Play the demo; returns the exit code: 0 when everything was as it should be, 1 when not.

    Args:
        keep: leave the daemon running.
        folder: where the repository, state and logs go; a new folder for temporary files when None.

    Raises:
        Unusable: the machine does not allow it.
    """
    say = _printer()
    begun = time.monotonic()
    stage = prepare(folder or Path(tempfile.mkdtemp(prefix="plumbline-demo-")), make_environment(say))
    say(f"repository {stage.bare}")
    if os.geteuid() == 0:
        say("you are root: runs are root's too (backends.local.allowRoot)")
    failed = 0
    with daemon(stage, keep=keep) as pid:
        say(f"daemon {pid} follows it")
        theatre = Theatre(stage, say)
        for number, act in enumerate(ACTS, 1):
            failed += _play(theatre, act, f"\n{number}. {act.title}", say)
    _summary(stage, say, failed, time.monotonic() - begun)
    if keep:
        say(f"the daemon goes on (pid {pid}): plumbline --state {stage.state} status; kill {pid} ends it")
    return 1 if failed else 0


def _play(theatre: Theatre, act: Act, heading: str, say: Callable[[str], None]) -> int:
    """Play one act; returns how many checks did not hold."""
    say(heading)
    act.change(theatre)
    commit = theatre.stage.push(act.message)
    say(f"  pushed {commit[:10]} {act.message!r}")
    for line in _plan(theatre.stage, theatre.good, commit):
        say(f"  | {line}")
    view = theatre.follow(commit)
    if not view["problems"]:
        theatre.good = commit
    checks = act.checks(theatre, view)
    for check in checks:
        say(f"  {'ok' if check.holds else 'NOT SO'}: {check.says}")
    return sum(not check.holds for check in checks)


def _plan(stage: Stage, base: str, head: str) -> list[str]:
    """The plan of the push, as `plumbline plan` shows it."""
    command = [sys.executable, "-m", "reconciler.cli", "plan", "--head", head]
    if base:
        command += ["--base", base]
    done = subprocess.run([*command, str(stage.clone)], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()


def _summary(stage: Stage, say: Callable[[str], None], failed: int, seconds: float) -> None:
    say("")
    say("everything was as it should be" if not failed else f"{failed} things were not as they should be")
    say(f"took {seconds:.0f} s")
    say(f"state    {stage.state}")
    say(f"runs     {stage.runs} (working folders and artifacts)")
    say(f"log      {stage.log}")
    say(f"notes    git -C {stage.bare} log --notes='plumbline/*'")


def _printer() -> Callable[[str], None]:
    """Prints lines at once; failures stand out on a terminal."""
    colours = sys.stdout.isatty()

    def say(line: str) -> None:
        if colours and "NOT SO" in line:
            line = f"\x1b[31m{line}\x1b[0m"
        elif colours and line.startswith("  ok"):
            line = f"\x1b[32m{line}\x1b[0m"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return say
