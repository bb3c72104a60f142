"""Notes on merge requests of GitLab, and who wrote them: `reconciler.ports_remarks.Remarks`.

https://docs.gitlab.com/api/notes/, …/members/, …/emoji_reactions/. There is no list of all notes: those of merge
requests are asked for that were updated since, which is what a note does to its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from reconciler.errors import Refused
from reconciler.forges.gitlab.manner import project_path
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import items_of, number_of, text_of
from reconciler.forges.http.remarks import in_order, instant_of, spelled
from reconciler.ports_remarks import Level, Remark

__all__ = ["GitLabRemarks"]

_PAGE, _PAGES = 100, 100
_NOT_FOUND = frozenset({404})
_BOT = re.compile(r"(?:project|group)_\d+_bot\w*|ghost|alert-bot|support-bot|gitlab-.*-bot|service_account_.*")
_LEVELS: Mapping[str, Level] = {
    "10": Level.READ,
    "15": Level.READ,
    "20": Level.READ,
    "30": Level.WRITE,
    "40": Level.MAINTAIN,
    "50": Level.ADMIN,
}


class GitLabRemarks:
    """`Remarks` of one project; `repository` is its full path."""

    name = "GitLab"

    def __init__(self, client: Client, repository: str) -> None:
        self._client = client
        self._path = project_path(repository)
        self._myself = ""

    async def remarks(self, since: datetime, pulls: Collection[str]) -> Sequence[Remark]:
        """See `Remarks.remarks`."""
        if not self._myself:
            self._myself = number_of((await self._client.get("/user")).value, "id")
        params = {"state": "opened", "updated_after": spelled(since), "per_page": str(_PAGE), "order_by": "created_at"}
        touched = await self._client.pages(f"{self._path}/merge_requests", params)
        numbers = [number for item in touched if (number := number_of(item, "iid")) in pulls]
        found = [note for number in numbers for note in await self._notes(number, since)]
        return in_order(found, since)

    async def _notes(self, number: str, since: datetime) -> list[Remark]:
        """Those of one that were written or changed since, the newest change first."""
        found: list[Remark] = []
        path = f"{self._path}/merge_requests/{number}/notes"
        for page in range(1, _PAGES + 1):
            params = {"order_by": "updated_at", "sort": "desc", "per_page": str(_PAGE), "page": str(page)}
            answer = await self._client.get(path, params, _NOT_FOUND)
            items = items_of(answer.value) if answer.good else []
            found += [one for item in items if (one := self._remark(number, item)) is not None]
            last = instant_of(items[-1], "updated_at") if items else None
            if len(items) < _PAGE or last is None or last < since.replace(microsecond=0):
                return found
        raise Refused(f"GitLab has more than {_PAGES} pages of notes on merge request {number}, which nobody reads")

    def _remark(self, number: str, item: Mapping[str, Any]) -> Remark | None:
        ident, at, changed = number_of(item, "id"), instant_of(item, "created_at"), instant_of(item, "updated_at")
        if not ident or at is None or changed is None or item.get("system") is not False:
            return None
        account, login = number_of(item, "author", "id"), text_of(item, "author", "username")
        program = account in {"", self._myself} or _BOT.fullmatch(login) is not None
        return Remark(ident, number, text_of(item, "body"), login, account, at, changed, program)

    async def level(self, remark: Remark) -> Level:
        """See `Remarks.level`. Rights that come by a group count."""
        found = await self._member(self._path, remark)
        return _LEVELS.get(number_of(found, "access_level"), Level.NONE)

    async def belongs(self, remark: Remark, team: str) -> bool:
        """See `Remarks.belongs`."""
        return await self._member(f"/groups/{quote(team, safe='')}", remark) is not None

    async def _member(self, path: str, remark: Remark) -> Any:
        """A membership that is in force; None where there is none."""
        if not remark.account:
            return None
        answer = await self._client.get(f"{path}/members/all/{remark.account}", means=_NOT_FOUND)
        return answer.value if answer.good and text_of(answer.value, "state") == "active" else None

    async def caused(self, commit: str) -> frozenset[str]:
        """See `Remarks.caused`. Who wrote a commit GitLab knows by what he calls himself, which proves nothing."""
        path = f"{self._path}/repository/commits/{commit}/merge_requests"
        answer = await self._client.get(path, means=_NOT_FOUND)
        found = {text_of(item, "author", "username") for item in items_of(answer.value)} if answer.good else set()
        return frozenset(found - {""})

    async def react(self, pull: str, ident: str, *, good: bool) -> None:
        """See `Remarks.react`. To one that is there already GitLab answers 404, as to a note that is gone."""
        path = f"{self._path}/merge_requests/{pull}/notes/{ident}/award_emoji"
        body = {"name": "thumbsup" if good else "thumbsdown"}
        await self._client.write(Request("POST", path, body=body, means=_NOT_FOUND))
