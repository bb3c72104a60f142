"""How Gitea and Forgejo are spoken to: their token, and what a person can do about their refusals.

They have no limits of their own; what stands before them may, as at codeberg.org: what it says is obeyed.
"""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import quote

from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.transport import Manner

__all__ = ["PACE", "manner", "repository_path"]

PACE = Pace(gap=0.2, minute=200, hour=0)

_HINTS = MappingProxyType(
    {
        401: "its token is wrong or was deleted: make a new one and put it where the configuration says",
        403: (
            "give the token the scopes `write:repository`, `write:issue` and `read:user`, and its user the right to "
            "write to the repository"
        ),
        404: "the repository has another name, or the token may not see it: check forge.repository and the token",
    }
)


def manner(pace: Pace = PACE) -> Manner:
    """The manner of Gitea, writing at `pace`."""
    return Manner("Gitea", scheme="token", hints=_HINTS, pace=pace)


def repository_path(repository: str) -> str:
    """Where the API has a repository, by its `owner/name`."""
    return f"/repos/{quote(repository, safe='/')}"
