"""`plumbline doctor`: what stands in the way of a daemon of some configuration, found out without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import anyio
import typer

from reconciler.cli import show
from reconciler.cli.configured import configured
from reconciler.cli.failure import Code
from reconciler.cli.session import Session, session_of
from reconciler.doctor.examine import examine
from reconciler.errors import Unusable
from reconciler.ports_checked import Finding, Grade

__all__ = ["run"]


def run(ctx: typer.Context) -> None:
    """Check a configuration and what it needs, without a daemon.

    It starts nothing and changes nothing, and may run beside a daemon. Exit code 3 when something is a problem.
    """
    session = session_of(ctx)
    found = _found(session)
    if session.json:
        show.value({"findings": [asdict(one) for one in found]})
    else:
        _tell(found)
    if any(one.grade is Grade.PROBLEM for one in found):
        raise typer.Exit(Code.ENVIRONMENT)


def _found(session: Session) -> Sequence[Finding]:
    try:
        settings, path = configured(session, "doctor")
    except Unusable as error:
        advice = "mend it: nothing else can be looked at before; docs/daemon.md has every setting"
        return [Finding("configuration", Grade.PROBLEM, error.message, advice)]
    fine = Finding("configuration", Grade.OK, f"{path} is as it should be")
    return [fine, *anyio.run(examine, settings)]


def _tell(found: Sequence[Finding]) -> None:
    for one in found:
        lines = one.said.splitlines() or [""]
        show.line(f"{one.grade:<8} {one.what:<15} {lines[0]}")
        for line in lines[1:]:
            show.line(f"{'':<24} {line.strip()}")
        if one.advice:
            show.line(f"{'':<24} -> {one.advice}")
    counted = Counter(one.grade for one in found)
    parts = [
        f"{counted[grade]} {grade}{'s' if counted[grade] != 1 else ''}"
        for grade in (Grade.PROBLEM, Grade.WARNING)
        if counted[grade]
    ]
    show.line(", ".join(parts) if parts else "nothing stands in its way")
