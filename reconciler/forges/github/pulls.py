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
from reconciler.forges.github.checked import checked
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.links import files_at
from reconciler.ports_checked import Finding

__all__ = ["GitHubPulls", "by_app", "by_token"]

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
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

    async def check(self) -> Sequence[Finding]:
        """See `Checked.check`."""
        return await checked(self._client, self._path)

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
        ident = _number(user, "the account of the token")
        return lambda comment: _of(comment, "user").get("id") == ident

    return own


def by_app(app: int) -> Callable[[], Awaitable[Own]]:
    """Own is what the App wrote."""

    async def own() -> Own:
        return lambda comment: _of(comment, "performed_via_github_app").get("id") == app

    return own


def _pull(value: Json) -> Pull:
    said = value if isinstance(value, Mapping) else {}
    head, base = _of(said, "head"), _of(said, "base")
    number, commit = _number(said, "a pull request"), head.get("sha")
    if not isinstance(commit, str) or not _ID.fullmatch(commit):
        raise Refused(f"GitHub sends a pull request without a commit: {number}")
    is_open, merged = said.get("state") == "open", bool(said.get("merged_at"))
    state = PullState.OPEN if is_open else PullState.MERGED if merged else PullState.CLOSED
    by = said.get("merge_commit_sha")
    return Pull(
        number=str(number),
        head=commit,
        ref=f"refs/pull/{number}/head",
        base=str(base.get("ref", "")),
        # A fork that was deleted is still one.
        fork=_of(head, "repo").get("full_name") != _of(base, "repo").get("full_name"),
        author=str(_of(said, "user").get("login", "")),
        url=str(said.get("html_url", "")),
        files=files_at(str(said.get("html_url", "")), "/pull/", f"/blob/{commit}"),
        state=state,
        merged=by if state is PullState.MERGED and isinstance(by, str) and _ID.fullmatch(by) else "",
    )


def _of(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: Json, what: str) -> int:
    found = value.get("id" if what != "a pull request" else "number") if isinstance(value, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise Refused(f"GitHub sends {what} without a number: is forge.url the address of its API?")
    return found
