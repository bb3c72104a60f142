"""GitLab's and Gitea's adapters before a forge of the tests: statuses, and pull requests with the same client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from planner.outbox import Budget
from reconciler.forges.gitea import manner as of_gitea
from reconciler.forges.gitea.pulls import GiteaPulls
from reconciler.forges.gitea.remarks import GiteaRemarks
from reconciler.forges.gitea.statuses import GiteaShape, GiteaStatuses
from reconciler.forges.gitlab import manner as of_gitlab
from reconciler.forges.gitlab.pulls import GitLabPulls
from reconciler.forges.gitlab.remarks import GitLabRemarks
from reconciler.forges.gitlab.statuses import GitLabShape
from reconciler.forges.gitlab.trains import GitLabTrains
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.ports_remarks import Level, Remarks
from tests.forges.forge import FakeForge
from tests.forges.parts import NO_PACE, client_of, sha
from tests.forges.state import Person

PROJECT = "team/deep/models"
REPOSITORY = "team/models"


def _url_of(url: str) -> Any:
    return lambda commit, root: f"{url}/commits/{commit}/{root}" if url else ""


def gitlab(
    forge: FakeForge,
    url: str = "",
    budget: Budget | None = None,
    ref_of: Callable[[str], str] = lambda _: "",
    **more: Any,
) -> HttpStatuses:
    """GitLab's statuses before `forge`."""
    client = client_of(forge, how=of_gitlab.manner(NO_PACE), **more)
    return HttpStatuses(client, GitLabShape(PROJECT, _url_of(url), ref_of), budget)


def gitlab_pulls(forge: FakeForge, **more: Any) -> GitLabPulls:
    """GitLab's merge requests before `forge`."""
    return GitLabPulls(client_of(forge, how=of_gitlab.manner(NO_PACE), **more), PROJECT)


def gitlab_trains(forge: FakeForge, **more: Any) -> GitLabTrains:
    """GitLab's merge trains before `forge`."""
    return GitLabTrains(client_of(forge, how=of_gitlab.manner(NO_PACE), **more), PROJECT)


def gitea(forge: FakeForge, url: str = "", budget: Budget | None = None, **more: Any) -> GiteaStatuses:
    """Gitea's statuses before `forge`."""
    client = client_of(forge, how=of_gitea.manner(NO_PACE), **more)
    return GiteaStatuses(client, GiteaShape(REPOSITORY, _url_of(url)), budget)


def gitea_pulls(forge: FakeForge, **more: Any) -> GiteaPulls:
    """Gitea's pull requests before `forge`."""
    return GiteaPulls(client_of(forge, how=of_gitea.manner(NO_PACE), **more), REPOSITORY)


def gitlab_remarks(forge: FakeForge, **more: Any) -> GitLabRemarks:
    """GitLab's notes before `forge`."""
    return GitLabRemarks(client_of(forge, how=of_gitlab.manner(NO_PACE), **more), PROJECT)


def gitea_remarks(forge: FakeForge, **more: Any) -> GiteaRemarks:
    """Gitea's comments before `forge`."""
    return GiteaRemarks(client_of(forge, how=of_gitea.manner(NO_PACE), **more), REPOSITORY)


async def hear_all(forge: FakeForge, port: Remarks) -> None:
    """Ask all that can be asked about a comment on pull request 7."""
    forge.state.people = {3: Person("ada", "write", ("team/ops",))}
    ident = forge.state.comment("7", "words", 3)
    found = await port.remarks(datetime(2026, 1, 1, tzinfo=UTC), ["7"])
    (remark,) = [one for one in found if one.login == "ada"]
    assert await port.level(remark) is Level.WRITE
    assert await port.belongs(remark, "team/ops")
    assert not await port.caused(sha(1))
    await port.react("7", str(ident), good=True)
    assert [on for on, _ in forge.state.reactions] == [ident]
