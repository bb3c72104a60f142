"""Merge requests of GitLab, and the one note on each: https://docs.gitlab.com/api/merge_requests/, …/api/notes/.

Nothing is fetched here, and no word of a merge request is believed: a head is an id, and its ref is made from a number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from planner.model.pulls import Comment, Pull, PullState
from planner.render.budget import GITLAB, Limit
from reconciler.forges.gitlab.manner import project_path
from reconciler.forges.http.client import Client
from reconciler.forges.http.comments import Commented
from reconciler.forges.http.fields import commit_of, is_number, number_of, text_of
from reconciler.forges.http.links import files_at

__all__ = ["GitLabPulls"]

_STATES: Mapping[str, PullState] = {
    "opened": PullState.OPEN,
    "locked": PullState.OPEN,  # for the moment in which it is merged
    "merged": PullState.MERGED,
    "closed": PullState.CLOSED,
}
_PAGE = "100"
_NOT_FOUND = 404
_COMMENTED = Commented("GitLab", "merge request", "note", "PUT")


class GitLabPulls:
    """`Pulls` of one project.

    Attributes:
        refs: of heads that are in a fork, and on no branch of the project: what statuses need to find them.
    """

    def __init__(self, client: Client, repository: str) -> None:
        """Asks nothing. `repository` is the full path of the project."""
        self._client = client
        self._path = f"{project_path(repository)}/merge_requests"
        self._myself = ""
        self.refs: Mapping[str, str] = {}

    @property
    def limit(self) -> Limit:
        """See `Pulls.limit`."""
        return GITLAB

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """See `Pulls.pulls`."""
        params = {"state": "opened", "target_branch": base, "per_page": _PAGE, "order_by": "created_at", "sort": "asc"}
        found = {pull.number: pull for item in await self._client.pages(self._path, params) if (pull := _pull(item))}
        for number in known:
            if number not in found and is_number(number):
                answer = await self._client.get(f"{self._path}/{number}", means=frozenset({_NOT_FOUND}))
                if answer.good and (pull := _pull(answer.value)):
                    found[number] = pull
        self.refs = {pull.head: pull.ref for pull in found.values() if pull.fork}
        return list(found.values())

    def ident(self, comment: Comment) -> str:
        """See `Pulls.ident`: it is edited where it is."""
        return comment.ident

    async def put_comment(self, comment: Comment) -> str:
        """See `Pulls.put_comment`. A note of another account, as of a token before this one, is not edited."""
        _COMMENTED.check(comment.pull)
        notes = f"{self._path}/{comment.pull}/notes"
        return await _COMMENTED.put(self._client, comment, notes, notes)

    async def find_comment(self, pull: str, marker: str) -> str:
        """See `Pulls.find_comment`."""
        if not is_number(pull):
            return ""
        if not self._myself:
            self._myself = number_of((await self._client.get("/user")).value, "id")
        params = {"per_page": _PAGE, "order_by": "created_at", "sort": "asc"}
        for note in await self._client.pages(f"{self._path}/{pull}/notes", params):
            if marker in text_of(note, "body") and number_of(note, "author", "id") == self._myself != "":
                return number_of(note, "id")
        return ""


def _pull(item: Any) -> Pull | None:
    """A merge request; None for one without a head, as while its branch is being made, or in a state that is new."""
    number, head, state = number_of(item, "iid"), commit_of(item, "sha"), _STATES.get(text_of(item, "state"))
    if not number or not head or state is None:
        return None
    merged = commit_of(item, "merge_commit_sha") or commit_of(item, "squash_commit_sha") or head
    return Pull(
        number=number,
        head=head,
        ref=f"refs/merge-requests/{number}/head",
        base=text_of(item, "target_branch"),
        # The project of a fork that was deleted has no number.
        fork=number_of(item, "source_project_id") != number_of(item, "target_project_id"),
        author=text_of(item, "author", "username"),
        url=text_of(item, "web_url"),
        files=files_at(text_of(item, "web_url"), "/-/merge_requests/", f"/-/blob/{head}"),
        state=state,
        merged=merged if state is PullState.MERGED else "",
    )
