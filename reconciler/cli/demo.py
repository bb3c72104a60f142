"""`plumbline demo`: plays the acts, says what happened, and ends by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer

from reconciler.cli.failure import Failure
from reconciler.demo.acts import ACTS, Act
from reconciler.demo.daemon import daemon, ended_by_signals
from reconciler.demo.stage import Stage, make_environment, prepare
from reconciler.demo.watch import Theatre
from reconciler.errors import Unusable
from reconciler.settings import environment

__all__ = ["printer", "run"]

Say = Callable[[str], None]


@dataclass(slots=True)
class _Outcome:
    """How far it came: None failed while the acts were not played to their end."""

    begun: float
    failed: int | None = None
    pid: int = 0


def run(
    *,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Leave the daemon running at the end, or end all of it.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the repository, the state and the logs go; a new temporary folder if left out."),
    ] = None,
) -> int:
    """Show the whole chain in one terminal: push, plan, run, status.

    Ends with 1 when something was not as it should be. When it is ended early, by Ctrl-C or TERM, everything that it
    started is stopped too, unless --keep is given.

    Raises:
        Unusable: the machine does not allow it.
    """
    say = printer()
    outcome = _Outcome(time.monotonic())
    with ended_by_signals(), _in_words():
        venv = make_environment(say)
        stage = prepare(folder or Path(tempfile.mkdtemp(prefix="plumbline-demo-")), venv)
        say(f"repository {stage.bare}")
        try:
            _play_all(stage, say, outcome, keep=keep)
        except BaseException:
            # Why it ended is what the user must hear, and nobody may be there to read the rest.
            with contextlib.suppress(OSError, Failure):
                _summary(stage, say, outcome)
            raise
        _summary(stage, say, outcome)
    return 1 if outcome.failed else 0


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(f"the demo cannot go on: {error}") from None
    except httpx.HTTPError as error:
        raise Unusable(f"the demo's daemon does not answer any more ({type(error).__name__}); see its log") from None


def _play_all(stage: Stage, say: Say, outcome: _Outcome, *, keep: bool) -> None:
    if os.geteuid() == 0:
        say("you are root: runs are root's too (backends.local.allowRoot)")
    with daemon(stage, keep=keep) as pid:
        outcome.pid = pid if keep else 0
        say(f"daemon {pid} follows it")
        theatre = Theatre(stage, say)
        failed = sum(_play(theatre, act, f"\n{number}. {act.title}", say) for number, act in enumerate(ACTS, 1))
    outcome.failed = failed


def _play(theatre: Theatre, act: Act, heading: str, say: Say) -> int:
    """Play one act; returns how many checks did not hold."""
    say(heading)
    act.change(theatre)
    commit = theatre.stage.commit(act.message)
    if act.branch:
        theatre.stage.push(act.branch)
        say(f"  pushed {commit[:10]} as {act.branch}: nothing of it runs, and its plan is a note on it")
        theatre.previewed(commit, "Plumbline plan")
    theatre.stage.push()
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


def _summary(stage: Stage, say: Say, outcome: _Outcome) -> None:
    say("")
    say(_verdict(outcome))
    say(f"took {time.monotonic() - outcome.begun:.0f} s")
    say(f"state    {stage.state}")
    say(f"runs     {stage.runs} (working folders and artifacts)")
    say(f"log      {stage.log}")
    say(f"notes    git -C {stage.bare} log --notes='plumbline/*' --notes='plumbline-preview/*'")
    if outcome.pid:
        say(f"the daemon goes on (pid {outcome.pid}): plumbline --state {stage.state} status")
        say(f"to end it: plumbline --state {stage.state} stop OPERATION for what still runs, then kill {outcome.pid}")


def _verdict(outcome: _Outcome) -> str:
    if outcome.failed is None:
        return "ended early" + ("" if outcome.pid else "; nothing that it started goes on")
    if not outcome.failed:
        return "everything was as it should be"
    return f"{outcome.failed} thing{'s were' if outcome.failed > 1 else ' was'} not as it should be"


def printer() -> Say:
    """Prints lines at once; failures stand out on a terminal, unless `NO_COLOR` is set."""
    colours = sys.stdout.isatty() and not environment().get("NO_COLOR")

    def say(line: str) -> None:
        if colours and "NOT SO" in line:
            line = f"\x1b[31m{line}\x1b[0m"
        elif colours and line.startswith("  ok"):
            line = f"\x1b[32m{line}\x1b[0m"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return say
