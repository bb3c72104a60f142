"""Comments on pull requests of Gitea and Forgejo, and who wrote them: `reconciler.ports_remarks.Remarks`.

https://docs.gitea.com/api/: `issueGetRepoComments`, `repoGetRepoPermissions`, `teamSearch`, `orgListTeamMember`,
`issuePostCommentReaction`. One list has the comments of the whole repository.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.errors import Refused
from reconciler.forges.gitea.manner import repository_path
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import items_of, number_of, text_of
from reconciler.forges.http.remarks import in_order, instant_of, segment, spelled
from reconciler.ports_remarks import Level, Remark

__all__ = ["GiteaRemarks"]

_PAGE, _PAGES = "50", 200
_NOT_FOUND = frozenset({404})
_GONE = frozenset({404, 422})
_PULL = re.compile(r".*/pulls/(\d{1,19})")
_LEVELS: Mapping[str, Level] = {
    "owner": Level.ADMIN,
    "admin": Level.ADMIN,
    "write": Level.WRITE,
    "read": Level.READ,
}


class GiteaRemarks:
    """`Remarks` of one repository, `owner/name`."""

    name = "Gitea"

    def __init__(self, client: Client, repository: str) -> None:
        self._client = client
        self._path = repository_path(repository)
        self._myself = ""

    async def remarks(self, since: datetime, pulls: Collection[str]) -> Sequence[Remark]:
        """See `Remarks.remarks`. The list has no links to its further pages: they end with an empty one."""
        if not self._myself:
            self._myself = number_of((await self._client.get("/user")).value, "id")
        found: list[Remark] = []
        for page in range(1, _PAGES + 1):
            params = {"since": spelled(since), "page": str(page), "limit": _PAGE}
            items = items_of((await self._client.get(f"{self._path}/issues/comments", params)).value)
            found += [one for item in items if (one := self._remark(item)) and one.pull in pulls]
            if not items:
                return in_order(found, since)
        raise Refused(f"Gitea has more than {_PAGES} pages of comments, which nobody reads")

    def _remark(self, item: Mapping[str, Any]) -> Remark | None:
        on = _PULL.fullmatch(text_of(item, "pull_request_url"))
        ident, at, changed = number_of(item, "id"), instant_of(item, "created_at"), instant_of(item, "updated_at")
        if on is None or not ident or at is None or changed is None:
            return None
        # Its own programs have numbers below zero; what came from elsewhere was not written here.
        account, login = number_of(item, "user", "id"), text_of(item, "user", "login")
        program = account in {"", "0", self._myself} or bool(text_of(item, "original_author"))
        return Remark(ident, on[1], text_of(item, "body"), login, account, at, changed, program)

    async def level(self, remark: Remark) -> Level:
        """See `Remarks.level`. Only who administers the repository may ask for others."""
        login = segment(remark.login)
        if not login:
            return Level.NONE
        path = f"{self._path}/collaborators/{login}/permission"
        answer = await self._client.get(path, means=_NOT_FOUND)
        if not answer.good or number_of(answer.value, "user", "id") != remark.account:
            return Level.NONE
        return _LEVELS.get(text_of(answer.value, "permission"), Level.NONE)

    async def belongs(self, remark: Remark, team: str) -> bool:
        """See `Remarks.belongs`. A team is asked for by its number, which its name is looked up for."""
        organization, _, name = team.partition("/")
        login = segment(remark.login)
        if not segment(organization) or not name or not login:
            return False
        path = f"/orgs/{segment(organization)}/teams/search"
        answer = await self._client.get(path, {"q": name, "limit": _PAGE}, _NOT_FOUND)
        teams = items_of(answer.value, "data") if answer.good else []
        numbers = [number_of(one, "id") for one in teams if text_of(one, "name").casefold() == name.casefold()]
        for number in filter(None, numbers):
            found = await self._client.get(f"/teams/{number}/members/{login}", means=_NOT_FOUND)
            if found.good and number_of(found.value, "id") == remark.account:
                return True
        return False

    async def caused(self, commit: str) -> frozenset[str]:
        """See `Remarks.caused`."""
        pull = await self._client.get(f"{self._path}/commits/{commit}/pull", means=_NOT_FOUND)
        params = {"stat": "false", "verification": "false", "files": "false"}
        wrote = await self._client.get(f"{self._path}/git/commits/{commit}", params, _GONE)
        found = {text_of(pull.value, "user", "login")} if pull.good else set()
        if wrote.good:
            found |= {text_of(wrote.value, "author", "login"), text_of(wrote.value, "committer", "login")}
        return frozenset(found - {""})

    async def react(self, pull: str, ident: str, *, good: bool) -> None:  # noqa: ARG002  its number is enough
        """See `Remarks.react`."""
        path = f"{self._path}/issues/comments/{ident}/reactions"
        await self._client.write(Request("POST", path, body={"content": "+1" if good else "-1"}, means=_NOT_FOUND))
