"""How Gitea and Forgejo spell a status, in one table of states: https://docs.gitea.com/api/, `repoCreateStatus`.

For a commit that they do not have they answer 500, as for a fault of their own. So a commit that they failed for is
looked at before it is tried again: the only read before a write, and never where all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.canon import Json
from planner.model.commits import StatusRecord, StatusState
from planner.outbox import Budget
from reconciler.errors import Transient
from reconciler.forges.gitea.manner import repository_path
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import items_of, text_of
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.forges.http.words import fit, fit_context
from reconciler.ports import Refusal, Taken

__all__ = ["STATES", "GiteaShape", "GiteaStatuses"]

STATES: Mapping[StatusState, str] = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failure",
    StatusState.ERROR: "error",
    # Not `warning`, which does not let a pull request through that has to have this status.
    StatusState.SUPERSEDED: "success",
}
_LONGEST = 255
"""Letters that its pages show of a description; it takes more."""
_PAGE = "50"
"""Items that it gives at once at most."""
_PAGES = 40
_GONE = frozenset({404, 422})
_REFUSED = frozenset({400, 422})


class GiteaShape:
    """`Shape` of one repository.

    Args:
        repository: `owner/name`.
        url_of: the page of a commit (root "") or of an operation; "" where there is none.
    """

    def __init__(self, repository: str, url_of: Callable[[str, str], str]) -> None:
        self._path = repository_path(repository)
        self._url_of = url_of

    def status(self, status: StatusRecord) -> Request:
        """See `Shape.status`."""
        body: dict[str, Json] = {
            "state": STATES[status.state],
            "context": fit_context(status.context, _LONGEST),
            "description": fit(status.description, _LONGEST),
        }
        if url := self._url_of(status.commit, status.root):
            body["target_url"] = url
        return Request("POST", f"{self._path}/statuses/{status.commit}", body=body, means=_REFUSED)

    def refusal(self, answer: Answer) -> str:
        """See `Shape.refusal`."""
        return "" if answer.good else f"Gitea answers {answer.status} ({answer.words or 'no reason given'})"

    async def shows(self, client: Client, commit: str, context: str) -> bool:
        """See `Shape.shows`. The combined status has no links to its further pages: they end with an empty one."""
        wanted = fit_context(context, _LONGEST)
        for page in range(1, _PAGES + 1):
            params = {"page": str(page), "limit": _PAGE}
            answer = await client.get(f"{self._path}/commits/{commit}/status", params, _GONE)
            found = [text_of(item, "context") for item in items_of(answer.value, "statuses")] if answer.good else []
            if wanted in found:
                return True
            if not found:
                return False
        return False

    async def is_gone(self, client: Client, commit: str) -> bool:
        """Whether the repository is there and has no such commit, by Gitea's own word and nobody's before it.

        Raises:
            Transient, Refused: it cannot be asked.
        """
        params = {"stat": "false", "verification": "false", "files": "false"}
        answer = await client.get(f"{self._path}/git/commits/{commit}", params, _GONE)
        # Each of its own errors names where its API is described.
        if answer.good or not text_of(answer.value, "url"):
            return False
        # It answers alike for a repository that is not there any more: that is the client's to say.
        return (await client.get(self._path)).good


class GiteaStatuses:
    """`Forge` over `client`: as every forge with HTTP, and with a second look at commits that it failed for."""

    def __init__(self, client: Client, shape: GiteaShape, budget: Budget | None) -> None:
        self._client = client
        self._shape = shape
        self._said = HttpStatuses(client, shape, budget)
        self._doubted: set[str] = set()

    @property
    def budget(self) -> Budget | None:
        """See `Forge.budget`."""
        return self._said.budget

    async def put(self, statuses: Sequence[StatusRecord]) -> Taken:
        """See `Forge.put`: the first of them."""
        if not statuses:
            return Taken()
        first = statuses[0]
        if first.commit in self._doubted:
            if await self._shape.is_gone(self._client, first.commit):
                return Taken(refused=(Refusal(first, "Gitea does not have the commit (any more)"),))
            self._doubted.discard(first.commit)
        try:
            return await self._said.put(statuses[:1])
        except Transient:
            self._doubted = {first.commit}
            raise

    async def spoke_of(self, commits: Sequence[str], context: str) -> bool:
        """See `Forge.spoke_of`."""
        return await self._said.spoke_of(commits, context)

    async def intact(self) -> bool:
        """See `Forge.intact`."""
        return await self._said.intact()

    async def lost(self, said: Sequence[StatusRecord]) -> Sequence[StatusRecord]:
        """See `Forge.lost`."""
        return await self._said.lost(said)

    async def close(self) -> None:
        """Let go of connections."""
        await self._said.close()
