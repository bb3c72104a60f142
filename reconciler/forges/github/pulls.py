"""Pull requests of GitHub and the one comment on each: `reconciler.ports_pulls.Pulls`.

https://docs.github.com/en/rest/pulls/pulls and /issues/comments. All words of a pull request are a stranger's: of them
only what is a number, a commit's id or a name that is compared goes anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from planner.canon import Json
from planner.model.pulls import Comment, Pull, PullState
from planner.render.budget import GITHUB, Limit
from reconciler.errors import Refused
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import commit_of, number_of, text_of
from reconciler.forges.http.links import files_at

__all__ = ["GitHubPulls", "by_app", "by_token"]

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_GONE = frozenset({404, 410})
_PAGE = "100"

Own = Callable[[Mapping[str, Any]], bool]


class GitHubPulls:
    """`Pulls` of one repository.

    Args:
        client: of GitHub.
        repository: `owner/name`.
        own: tells our own comments from those of others; asked once.
    """

    def __init__(self, client: Client, repository: str, own: Callable[[], Awaitable[Own]]) -> None:
        self._client = client
        self._path = f"/repos/{repository}"
        self._own = own
        self._is_own: Own | None = None

    @property
    def limit(self) -> Limit:
        """See `Pulls.limit`."""
        return GITHUB

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """See `Pulls.pulls`. The oldest first, so that pages that did not change stay as they were."""
        params = {"state": "open", "base": base, "sort": "created", "direction": "asc", "per_page": _PAGE}
        items = await self._client.pages(f"{self._path}/pulls", params)
        found = {pull.number: pull for pull in map(_pull, items)}
        for number in sorted(set(known) - found.keys()):
            if not _NUMBER.fullmatch(number):
                continue
            answer = await self._client.get(f"{self._path}/pulls/{number}", means=_GONE)
            if answer.good:
                found[number] = _pull(answer.value)
        return list(found.values())

    def ident(self, comment: Comment) -> str:
        """See `Pulls.ident`: it is edited where it is."""
        return comment.ident

    async def put_comment(self, comment: Comment) -> str:
        """See `Pulls.put_comment`."""
        body = {"body": comment.body}
        if _NUMBER.fullmatch(comment.ident):
            path = f"{self._path}/issues/comments/{comment.ident}"
            if (await self._client.write(Request("PATCH", path, body=body, means=_GONE))).good:
                return comment.ident
        if not _NUMBER.fullmatch(comment.pull):
            raise Refused("a pull request of GitHub has a number")
        answer = await self._client.write(Request("POST", f"{self._path}/issues/{comment.pull}/comments", body=body))
        return str(_number(answer.value, "a comment"))

    async def find_comment(self, pull: str, marker: str) -> str:
        """See `Pulls.find_comment`."""
        if not _NUMBER.fullmatch(pull):
            return ""
        if self._is_own is None:
            self._is_own = await self._own()
        items = await self._client.pages(f"{self._path}/issues/{pull}/comments", {"per_page": _PAGE})
        for item in items:
            if isinstance(item, Mapping) and marker in str(item.get("body")) and self._is_own(item):
                return str(_number(item, "a comment"))
        return ""


def by_token(client: Client) -> Callable[[], Awaitable[Own]]:
    """Own is what the account of the token wrote."""

    async def own() -> Own:
        user = (await client.get("/user")).value
        ident = str(_number(user, "the account of the token"))
        return lambda comment: number_of(comment, "user", "id") == ident

    return own


def by_app(app: int) -> Callable[[], Awaitable[Own]]:
    """Own is what the App wrote."""

    async def own() -> Own:
        return lambda comment: number_of(comment, "performed_via_github_app", "id") == str(app)

    return own


def _pull(item: Json) -> Pull:
    number, head = _number(item, "a pull request"), commit_of(item, "head", "sha")
    if not head:
        raise Refused(f"GitHub sends a pull request without a commit: {number}")
    is_open, merged = text_of(item, "state") == "open", bool(text_of(item, "merged_at"))
    state = PullState.OPEN if is_open else PullState.MERGED if merged else PullState.CLOSED
    url = text_of(item, "html_url")
    return Pull(
        number=str(number),
        head=head,
        ref=f"refs/pull/{number}/head",
        base=text_of(item, "base", "ref"),
        # A fork that was deleted is still one.
        fork=text_of(item, "head", "repo", "full_name") != text_of(item, "base", "repo", "full_name"),
        author=text_of(item, "user", "login"),
        url=url,
        files=files_at(url, "/pull/", f"/blob/{head}"),
        state=state,
        merged=commit_of(item, "merge_commit_sha") if state is PullState.MERGED else "",
    )


def _number(value: Json, what: str) -> int:
    found = value.get("id" if what != "a pull request" else "number") if isinstance(value, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise Refused(f"GitHub sends {what} without a number: is forge.url the address of its API?")
    return found
