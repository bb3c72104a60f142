"""The kinds of forges that scripts of faults are played before, each with its adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planner.model.commits import StatusState
from reconciler.forges.gitea.statuses import STATES as OF_GITEA
from reconciler.forges.github.statuses import STATES as OF_GITHUB
from reconciler.forges.gitlab.statuses import STATES as OF_GITLAB
from tests.forges.forge import Spelling
from tests.forges.gitea import GiteaSpelling
from tests.forges.github import GitHubSpelling
from tests.forges.gitlab import GitLabSpelling
from tests.forges.others import gitea, gitlab
from tests.forges.parts import github

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """A kind of forge.

    Attributes:
        spelling: its API.
        adapter: ours, before a forge and with a budget.
        states: its word for each state.
        moves: whether what a status says already cannot be said again.
        doubts: whether a commit is looked at that it failed for.
    """

    spelling: Callable[[], Spelling]
    adapter: Callable[..., object]
    states: Mapping[StatusState, str]
    moves: bool = False
    doubts: bool = False


KINDS: Mapping[str, Kind] = {
    "github": Kind(GitHubSpelling, github, OF_GITHUB),
    "gitlab": Kind(GitLabSpelling, gitlab, OF_GITLAB, moves=True),
    "gitea": Kind(GiteaSpelling, gitea, OF_GITEA, doubts=True),
}
