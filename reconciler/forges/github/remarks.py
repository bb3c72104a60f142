"""Comments on pull requests of GitHub, and who wrote them: `reconciler.ports_remarks.Remarks`.

https://docs.github.com/en/rest/issues/comments, …/collaborators/collaborators, …/teams/members, …/reactions. One
list has the comments of the whole repository. What an App wrote is a program's, be it in a person's name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import items_of, number_of, text_of
from reconciler.forges.http.remarks import in_order, instant_of, segment, spelled
from reconciler.ports_remarks import Level, Remark

__all__ = ["GitHubRemarks"]

_ISSUE = re.compile(r".*/issues/(\d{1,19})")
_GONE = frozenset({404, 410})
_NO_COMMIT = frozenset({404, 409, 422})
_LEVELS: Mapping[str, Level] = {
    "admin": Level.ADMIN,
    "maintain": Level.MAINTAIN,
    "push": Level.WRITE,
    "write": Level.WRITE,
    "triage": Level.READ,
    "pull": Level.READ,
    "read": Level.READ,
}


class GitHubRemarks:
    """`Remarks` of one repository.

    Args:
        client: of GitHub.
        repository: `owner/name`.
        app: whether we are an App, whose comments are told by that; else by the account of the token.
    """

    name = "GitHub"

    def __init__(self, client: Client, repository: str, *, app: bool = False) -> None:
        self._client = client
        self._path = f"/repos/{repository}"
        self._app = app
        self._myself = ""

    async def remarks(self, since: datetime, pulls: Collection[str]) -> Sequence[Remark]:
        """See `Remarks.remarks`."""
        if not self._app and not self._myself:
            self._myself = number_of((await self._client.get("/user")).value, "id")
        params = {"since": spelled(since), "sort": "updated", "direction": "asc", "per_page": "100"}
        items = await self._client.pages(f"{self._path}/issues/comments", params)
        return in_order((one for one in map(self._remark, items) if one and one.pull in pulls), since)

    def _remark(self, item: Any) -> Remark | None:
        on = _ISSUE.fullmatch(text_of(item, "issue_url"))
        ident, at, changed = number_of(item, "id"), instant_of(item, "created_at"), instant_of(item, "updated_at")
        if on is None or not ident or at is None or changed is None:
            return None
        account, kind = number_of(item, "user", "id"), text_of(item, "user", "type")
        program = kind != "User" or bool(item.get("performed_via_github_app")) or account in {"", self._myself}
        login = text_of(item, "user", "login")
        return Remark(ident, on[1], text_of(item, "body"), login, account, at, changed, program)

    async def level(self, remark: Remark) -> Level:
        """See `Remarks.level`."""
        login = segment(remark.login)
        if not login:
            return Level.NONE
        path = f"{self._path}/collaborators/{login}/permission"
        answer = await self._client.get(path, means=frozenset({404}))
        # A login may have passed to another account since.
        if not answer.good or number_of(answer.value, "user", "id") != remark.account:
            return Level.NONE
        said = [text_of(answer.value, "permission"), text_of(answer.value, "role_name")]
        return max(_LEVELS.get(word, Level.NONE) for word in said)

    async def belongs(self, remark: Remark, team: str) -> bool:
        """See `Remarks.belongs`."""
        organization, _, name = team.partition("/")
        parts = [segment(part) for part in (organization, name, remark.login)]
        if not all(parts):
            return False
        path = f"/orgs/{parts[0]}/teams/{parts[1]}/memberships/{parts[2]}"
        answer = await self._client.get(path, means=frozenset({404}))
        return answer.good and text_of(answer.value, "state") == "active"

    async def caused(self, commit: str) -> frozenset[str]:
        """See `Remarks.caused`."""
        path = f"{self._path}/commits/{commit}"
        pulls = await self._client.get(f"{path}/pulls", {"per_page": "100"}, _NO_COMMIT)
        wrote = await self._client.get(path, {"per_page": "1"}, _NO_COMMIT)
        found = {text_of(item, "user", "login") for item in items_of(pulls.value)} if pulls.good else set()
        if wrote.good:
            found |= {text_of(wrote.value, "author", "login"), text_of(wrote.value, "committer", "login")}
        return frozenset(found - {"", "web-flow"})

    async def react(self, pull: str, ident: str, *, good: bool) -> None:  # noqa: ARG002  its number is enough
        """See `Remarks.react`."""
        path = f"{self._path}/issues/comments/{ident}/reactions"
        await self._client.write(Request("POST", path, body={"content": "+1" if good else "-1"}, means=_GONE))
