"""`plumbline schedule`: what schedules do next, by the daemon or by the files as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from planner.desire.forecast import MOST_TICKS, forecast
from planner.spec.words import nearest
from reconciler.api.schedules import forecast_view
from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.followed import follows
from reconciler.cli.offline import config_of, project_at
from reconciler.cli.session import Session, session_of

__all__ = ["run"]


class What(StrEnum):
    """What to tell."""

    NEXT = "next"


def run(  # noqa: PLR0913  one parameter an option, as typer wants it
    ctx: typer.Context,
    what: Annotated[What, typer.Argument(help="`next`: the ticks that come next.")],
    operation: Annotated[str | None, typer.Argument(help="Of this operation; of all when left out.")] = None,
    *,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=MOST_TICKS, help="Ticks of each.")] = 5,
    at: Annotated[str | None, typer.Option("--at", help="As if it were this instant, in ISO 8601.")] = None,
    live: Annotated[bool | None, typer.Option("--live/--offline", help="Ask the daemon, or do not.")] = None,
    path: Annotated[Path, typer.Option("--path", help="Without a daemon: a folder.")] = Path(),
) -> None:
    """Show when schedules fire next, in their time zones.

    The daemon knows suspensions and how many ticks there were; where none answers, where it follows another repository
    than that of the folder, or with --offline, the files as they are count, as if they were planned now for the first
    time. --live asks it wherever you are.
    """
    assert what is What.NEXT
    session, now = session_of(ctx), _instant(at)
    asked = _Asked(operation, count, now)
    answer = _live(session, path, asked, must=live is True) if live is not False else None
    if answer is None or "other" in answer:
        answer = {**(answer or {}), **_offline(session, path, operation, count, now or datetime.now(UTC))}
    if session.json:
        show.value(answer)
    else:
        _tell(answer)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"--at {text[:40]}: give an instant in ISO 8601, such as 2026-11-23T06:00:00Z"
        raise Failure(Code.INPUT, message) from None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was typed."""

    operation: str | None
    count: int
    at: datetime | None


def _live(session: Session, path: Path, asked: _Asked, *, must: bool) -> dict[str, Any] | None:
    """What the daemon says; None where none answers; only `other` where it follows that repository, and not this one.

    Raises:
        Failure: the daemon's own answer must be given, and there is none.
    """
    try:
        with connect(session) as daemon:
            url = "" if must else str(daemon.get("/v1/status")["repository"])
            if url and not _is_of(url, path):
                return {"other": url}
            moment = asked.at.isoformat() if asked.at is not None else None
            found = daemon.get("/v1/schedules", operation=asked.operation, count=asked.count, at=moment)
            return {**found, "source": "daemon"}
    except Failure as failure:
        if must or failure.code is not Code.ENVIRONMENT:
            raise
        return None


def _is_of(url: str, path: Path) -> bool:
    """Whether `url` is of the repository of the folder. A folder of no repository says nothing of any."""
    with project_at(path) as project:
        return project.repository is None or follows(url, project)


def _offline(session: Session, path: Path, name: str | None, count: int, now: datetime) -> dict[str, Any]:
    with project_at(path) as project:
        config, _ = config_of(session, project)
        roots = project.now().compile(config).roots
    if name is not None and name not in roots:
        near = nearest(name, roots)
        hint = f"; did you mean {near}?" if near else "; `plumbline validate` says what is wrong with files"
        raise Failure(Code.INPUT, f"the files here have no operation `{name[:80]}`{hint}")
    found = []
    for root, operation in sorted(roots.items()):
        if operation.schedule is not None and name in {None, root}:
            told = forecast(operation.schedule, None, now, count)
            found.append(forecast_view(root, told, operation.refused))
    if name is not None and not found:
        raise Failure(Code.INPUT, f"{name} has no schedule")
    return {"at": now.isoformat(timespec="seconds").replace("+00:00", "Z"), "schedules": found, "source": "files"}


def _tell(answer: dict[str, Any]) -> None:
    if answer["source"] == "files":
        other = answer.get("other")
        who = f"; the daemon that answers follows {other}, and --live asks it" if other else ""
        show.warn(f"from the files here, without what a daemon knows of suspensions and earlier ticks{who}")
    for number, one in enumerate(answer["schedules"]):
        if number:
            show.line()
        show.line(f"{one['operation']}: {one['rule']} ({one['timezone']})")
        for tick in one["ticks"]:
            show.line(f"  {tick['at']}   {tick['local']}")
        for remark in one["remarks"]:
            show.line(f"  {remark}")
    if not answer["schedules"]:
        show.line("no schedules")
