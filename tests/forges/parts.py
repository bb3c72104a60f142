"""A real client and adapter before a forge of the tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import anyio

from planner.model.commits import StatusRecord, StatusState
from planner.outbox import Budget
from reconciler.forges.github.manner import manner
from reconciler.forges.github.statuses import GitHubShape
from reconciler.forges.http.client import Client
from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.server import Server
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.forges.http.transport import Manner
from tests.forges.forge import ADDRESS, FakeForge

REPOSITORY = "team/models"
TOKEN = "canary-token"
AT = datetime(2026, 11, 26, tzinfo=UTC)
NO_PACE = Pace(gap=0.0, minute=0, hour=0)
CONTEXT = "plumbline/test"


class Given:
    """A credential that is read without a thread: virtual time would fly while one works."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    async def secret(self, *, renewed: bool = False) -> str:
        return self._read()


class LoopClock:
    """A clock that goes with the loop's, virtual or not."""

    def now(self) -> datetime:
        return AT + timedelta(seconds=anyio.current_time())


def sha(number: int) -> str:
    """A commit."""
    return f"{number:040x}"


def status(
    number: int = 1, state: StatusState = StatusState.PENDING, description: str = "planned", root: str = "", **more
) -> StatusRecord:
    """What commit `number` says."""
    context = f"{CONTEXT}/{root}" if root else CONTEXT
    return StatusRecord(sha(number), context, root, state, description, AT + timedelta(seconds=number), **more)


def client_of(
    forge: FakeForge,
    token: Callable[[], str] = lambda: TOKEN,
    how: Manner | None = None,
    pace: Pace = NO_PACE,
) -> Client:
    """A client of a forge in this process."""
    return Client(Server(ADDRESS), how or manner(pace), Given(token), LoopClock(), forge.client())


def github(forge: FakeForge, url: str = "", budget: Budget | None = None, **more) -> HttpStatuses:
    """GitHub's adapter before `forge`."""

    def url_of(commit: str, root: str) -> str:
        return f"{url}/operations/{root}" if url and root else f"{url}/commits/{commit}" if url else ""

    return HttpStatuses(client_of(forge, **more), GitHubShape(REPOSITORY, url_of), budget)
