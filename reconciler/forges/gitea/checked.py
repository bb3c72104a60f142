"""Whether a token of Gitea or Forgejo will do: what the server says, asked with reads.

https://docs.gitea.com/api/, `repoGet`: `permissions` are those of the user whose token it is. What the token itself may
do of that, the server does not say before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.forges.gitea.manner import repository_path
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import items_of, text_of
from reconciler.forges.http.remarks import segment
from reconciler.forges.http.rights import UNSEEN, shown_comments, shown_teams
from reconciler.ports_checked import Finding, Grade, Wanted

__all__ = ["checked"]

_WHAT = "forge"
_HOW = "docs/gitea.md has what it needs"


async def checked(client: Client, repository: str, wanted: Wanted) -> Sequence[Finding]:
    """What a token may do with the repository, `owner/name`, of what is `wanted`.

    Raises:
        Transient: the server does not answer now.
        Refused: it does not take the token.
    """
    path = repository_path(repository)
    answer = await client.get(path, means=frozenset({404}))
    if not answer.good:
        advice = f"let the user of the token see the repository, or mend forge.repository; {_HOW}"
        return [Finding(_WHAT, Grade.PROBLEM, "the forge shows no such repository to this token", advice)]
    said_may = answer.value.get("permissions") if isinstance(answer.value, Mapping) else None
    may = said_may if isinstance(said_may, Mapping) else {}
    if may.get("push") is False:
        said = "the user of the token may not write to the repository, and so not set statuses"
        return [Finding(_WHAT, Grade.PROBLEM, said, f"let that user write; {_HOW}")]
    words = "the forge shows the repository; what the token may write there it does not say before it is used"
    found = [Finding(_WHAT, Grade.OK, words)]
    if not wanted.commands:
        return found
    if wanted.permission and may.get("admin") is False:
        said = (
            "the user of the token does not administer the repository: nobody may give commands by commands.permission"
        )
        advice = "have that user administer it, or name commands.users or commands.teams"
        found.append(Finding(_WHAT, Grade.WARNING, said, advice))
    return [*found, *await _commands(client, path, wanted)]


async def _commands(client: Client, path: str, wanted: Wanted) -> Sequence[Finding]:
    async def is_shown(team: str) -> bool:
        organization, _, name = team.partition("/")
        if not segment(organization) or not name:
            return False
        params = {"q": name, "limit": "50"}
        answer = await client.get(f"/orgs/{segment(organization)}/teams/search", params, UNSEEN)
        teams = items_of(answer.value, "data") if answer.good else []
        return any(text_of(one, "name").casefold() == name.casefold() for one in teams)

    advice = f"give the token the permission `issue`: read and write; {_HOW}"
    members = "give the token `organization`: read, and make its user a member of the team"
    return [
        *await shown_comments(client, f"{path}/issues/comments", "limit", advice),
        *await shown_teams(wanted.teams, is_shown, members),
    ]
