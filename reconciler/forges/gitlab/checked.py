"""Whether a token of GitLab will do: its scopes and role, as GitLab says them, asked with reads.

https://docs.gitlab.com/api/personal_access_tokens/ (`/self`, for tokens of projects and groups too), …/api/projects/.
What GitLab does not say is not held against the token: roles are inherited in ways that a project does not list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from planner.canon import Json
from reconciler.forges.gitlab.manner import project_path
from reconciler.forges.http.client import Client
from reconciler.forges.http.rights import UNSEEN, shown_teams
from reconciler.ports_checked import Finding, Grade, Wanted

__all__ = ["checked"]

_WHAT = "forge"
_DEVELOPER = 30
_HOW = "docs/gitlab.md has what it needs"


async def checked(client: Client, repository: str, wanted: Wanted) -> Sequence[Finding]:
    """What a token may do with the project, by its full path, of what is `wanted`.

    Raises:
        Transient: GitLab does not answer now.
        Refused: it does not take the token.
    """
    project = await client.get(project_path(repository), means=frozenset({404}))
    if not project.good:
        advice = f"give the token this project, or mend forge.repository; {_HOW}"
        return [Finding(_WHAT, Grade.PROBLEM, "GitLab shows no such project to this token", advice)]
    own = await client.get("/personal_access_tokens/self", means=frozenset({401, 403, 404}))
    problems = [*_scopes(own.value if own.good else None), *_role(project.value)]
    fine = Finding(_WHAT, Grade.OK, f"GitLab shows the project{_expiry(own.value if own.good else None)}")
    return [*(problems or [fine]), *await _teams(client, wanted)]


def _scopes(token: Json) -> Iterator[Finding]:
    found = token.get("scopes") if isinstance(token, Mapping) else None
    fine = token.get("granular_scopes") if isinstance(token, Mapping) else None
    if isinstance(found, list) and not fine and "api" not in found:
        shown = ", ".join(sorted(map(str, found)))[:200] or "none"
        said = f"the token has the scopes {shown}, and statuses and notes need `api`"
        yield Finding(_WHAT, Grade.PROBLEM, said, f"make one that has it; {_HOW}")


def _role(project: Json) -> Iterator[Finding]:
    permissions = project.get("permissions") if isinstance(project, Mapping) else None
    roles = permissions.values() if isinstance(permissions, Mapping) else ()
    levels = [role.get("access_level") for role in roles if isinstance(role, Mapping)]
    known = [level for level in levels if isinstance(level, int)]
    if known and max(known) < _DEVELOPER:
        said = "the role of the token is below Developer, and statuses need that"
        yield Finding(_WHAT, Grade.PROBLEM, said, f"make one with that role; {_HOW}")


async def _teams(client: Client, wanted: Wanted) -> Sequence[Finding]:
    """Whether the groups are shown whose members may give commands; the scope `api` is enough for all else of them."""

    async def is_shown(group: str) -> bool:
        path = f"/groups/{quote(group, safe='')}"
        return (await client.get(path, {"with_projects": "false"}, UNSEEN)).good

    advice = "let the account of the token see the group, as a member where it is private"
    return await shown_teams(wanted.teams, is_shown, advice) if wanted.commands else []


def _expiry(token: Json) -> str:
    found = token.get("expires_at") if isinstance(token, Mapping) else None
    return f"; the token expires on {found[:10]}" if isinstance(found, str) else ""
