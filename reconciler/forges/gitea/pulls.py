"""Pull requests of Gitea and Forgejo, and the one comment on each: https://docs.gitea.com/api/, `repoListPullRequests`.

Nothing is fetched here, and no word of a pull request is believed: a head is an id, and its ref is made from a number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from planner.model.pulls import Comment, Pull, PullState
from planner.render.budget import GITEA, Limit
from reconciler.forges.gitea.manner import repository_path
from reconciler.forges.http.client import Client
from reconciler.forges.http.comments import Commented
from reconciler.forges.http.fields import commit_of, is_number, number_of, text_of
from reconciler.forges.http.links import files_at

__all__ = ["GiteaPulls"]

_PAGE = "50"
_NOT_FOUND = 404
_COMMENTED = Commented("Gitea")


class GiteaPulls:
    """`Pulls` of one repository."""

    def __init__(self, client: Client, repository: str) -> None:
        """Asks nothing. `repository` is `owner/name`."""
        self._client = client
        self._path = repository_path(repository)
        self._myself = ""

    @property
    def limit(self) -> Limit:
        """See `Pulls.limit`."""
        return GITEA

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """See `Pulls.pulls`. Older servers do not tell branches apart: that is done here."""
        params = {"state": "open", "sort": "oldest", "limit": _PAGE}
        listed = await self._client.pages(f"{self._path}/pulls", params)
        found = {pull.number: pull for item in listed if (pull := _pull(item)) and pull.base == base}
        for number in known:
            if number not in found and is_number(number):
                answer = await self._client.get(f"{self._path}/pulls/{number}", means=frozenset({_NOT_FOUND}))
                if answer.good and (pull := _pull(answer.value)):
                    found[number] = pull
        return list(found.values())

    def ident(self, comment: Comment) -> str:
        """See `Pulls.ident`: it is edited where it is."""
        return comment.ident

    async def put_comment(self, comment: Comment) -> str:
        """See `Pulls.put_comment`. A comment of another account that we may not edit is left as it is."""
        _COMMENTED.check(comment.pull)
        posted = f"{self._path}/issues/{comment.pull}/comments"
        return await _COMMENTED.put(self._client, comment, posted, f"{self._path}/issues/comments")

    async def find_comment(self, pull: str, marker: str) -> str:
        """See `Pulls.find_comment`."""
        if not is_number(pull):
            return ""
        if not self._myself:
            self._myself = number_of((await self._client.get("/user")).value, "id")
        for comment in await self._client.pages(f"{self._path}/issues/{pull}/comments"):
            if marker in text_of(comment, "body") and number_of(comment, "user", "id") == self._myself != "":
                return number_of(comment, "id")
        return ""


def _pull(item: Any) -> Pull | None:
    """A pull request; None for one without a head."""
    number, head = number_of(item, "number"), commit_of(item, "head", "sha")
    if not number or not head:
        return None
    is_merged = isinstance(item, dict) and item.get("merged") is True
    state = PullState.MERGED if is_merged else PullState.OPEN if text_of(item, "state") == "open" else PullState.CLOSED
    return Pull(
        number=number,
        head=head,
        ref=f"refs/pull/{number}/head",
        base=text_of(item, "base", "ref"),
        fork=number_of(item, "head", "repo_id") != number_of(item, "base", "repo_id"),
        author=text_of(item, "user", "login"),
        url=text_of(item, "html_url"),
        files=files_at(text_of(item, "html_url"), "/pulls/", f"/src/commit/{head}"),
        state=state,
        merged=commit_of(item, "merge_commit_sha") if is_merged else "",
    )
