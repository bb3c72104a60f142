"""GitLab's and Gitea's adapters before a forge of the tests: statuses, and pull requests with the same client."""

from __future__ import annotations

from typing import Any

from planner.outbox import Budget
from reconciler.forges.gitea import manner as of_gitea
from reconciler.forges.gitea.pulls import GiteaPulls
from reconciler.forges.gitea.statuses import GiteaShape, GiteaStatuses
from reconciler.forges.gitlab import manner as of_gitlab
from reconciler.forges.gitlab.pulls import GitLabPulls
from reconciler.forges.gitlab.statuses import GitLabShape
from reconciler.forges.http.statuses import HttpStatuses
from tests.forges.forge import FakeForge
from tests.forges.parts import NO_PACE, client_of

PROJECT = "team/deep/models"
REPOSITORY = "team/models"


def _url_of(url: str) -> Any:
    return lambda commit, root: f"{url}/commits/{commit}/{root}" if url else ""


def gitlab(forge: FakeForge, url: str = "", budget: Budget | None = None, **more: Any) -> HttpStatuses:
    """GitLab's statuses before `forge`."""
    client = client_of(forge, how=of_gitlab.manner(NO_PACE), **more)
    return HttpStatuses(client, GitLabShape(PROJECT, _url_of(url)), budget)


def gitlab_pulls(forge: FakeForge, **more: Any) -> GitLabPulls:
    """GitLab's merge requests before `forge`."""
    return GitLabPulls(client_of(forge, how=of_gitlab.manner(NO_PACE), **more), PROJECT)


def gitea(forge: FakeForge, url: str = "", budget: Budget | None = None, **more: Any) -> GiteaStatuses:
    """Gitea's statuses before `forge`."""
    client = client_of(forge, how=of_gitea.manner(NO_PACE), **more)
    return GiteaStatuses(client, GiteaShape(REPOSITORY, _url_of(url)), budget)


def gitea_pulls(forge: FakeForge, **more: Any) -> GiteaPulls:
    """Gitea's pull requests before `forge`."""
    return GiteaPulls(client_of(forge, how=of_gitea.manner(NO_PACE), **more), REPOSITORY)
