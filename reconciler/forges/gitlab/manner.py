"""How GitLab is spoken to: its token, its limits, and what a person can do about its refusals.

https://docs.gitlab.com/administration/settings/rate_limit_on_notes_creation/: 300 notes a minute of one user, unless an
administrator says otherwise; gitlab.com takes 2,000 requests a minute. What it says of limits is obeyed in any case.
"""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import quote

from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.transport import Manner

__all__ = ["PACE", "manner", "project_path"]

PACE = Pace(gap=0.2, minute=200, hour=0)

_HINTS = MappingProxyType(
    {
        401: "its token is wrong, has expired or was revoked: make a new one with the scope `api`",
        403: (
            "give the token the role Developer and the scope `api`; on a protected branch its role has to be one that "
            "may push or merge"
        ),
        404: "the project has another path, or the token may not see it: check forge.repository and the token",
    }
)


def manner(pace: Pace = PACE) -> Manner:
    """The manner of GitLab, writing at `pace`."""
    return Manner("GitLab", scheme="", header="private-token", hints=_HINTS, pace=pace)


def project_path(repository: str) -> str:
    """Where the API has a project, by its full path: subgroups and all, in one segment."""
    return f"/projects/{quote(repository, safe='')}"
