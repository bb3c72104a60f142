"""How GitHub spells a status, in one table of states: https://docs.github.com/en/rest/commits/statuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.canon import Json
from planner.model.commits import StatusRecord, StatusState
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.words import fit, fit_context

__all__ = ["STATES", "GitHubShape"]

STATES: Mapping[StatusState, str] = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failure",
    StatusState.ERROR: "error",
    # Nothing failed, and a check that is required must not hold up what came after.
    StatusState.SUPERSEDED: "success",
}
_DESCRIPTION = 140
_CONTEXT = 255
_UNPROCESSABLE = 422
_PAGES = 10


class GitHubShape:
    """`Shape` of one repository.

    Args:
        repository: `owner/name`.
        url_of: the page of a commit (root "") or of an operation; "" where there is none.
    """

    def __init__(self, repository: str, url_of: Callable[[str, str], str]) -> None:
        self._path = f"/repos/{repository}"
        self._url_of = url_of

    def status(self, status: StatusRecord) -> Request:
        """See `Shape.status`."""
        body: dict[str, Json] = {
            "state": STATES[status.state],
            "context": fit_context(status.context, _CONTEXT),
            "description": fit(status.description, _DESCRIPTION),
        }
        if url := self._url_of(status.commit, status.root):
            body["target_url"] = url
        return Request("POST", f"{self._path}/statuses/{status.commit}", body=body, means=frozenset({_UNPROCESSABLE}))

    def refusal(self, answer: Answer) -> str:
        """See `Shape.refusal`: a commit that is not there, a thousand statuses, or what GitHub cannot read."""
        if answer.status != _UNPROCESSABLE:
            return ""
        return f"GitHub answers 422 ({answer.words or 'no reason given'})"

    async def shows(self, client: Client, commit: str, context: str) -> bool:
        """See `Shape.shows`. GitHub compares contexts without regard to case."""
        wanted = fit_context(context, _CONTEXT).casefold()
        for page in range(1, _PAGES + 1):
            params = {"per_page": "100", "page": str(page)}
            answer = await client.get(f"{self._path}/commits/{commit}/status", params, frozenset({404, _UNPROCESSABLE}))
            if not answer.good:
                return False
            found = _contexts(answer.value)
            if wanted in found:
                return True
            if len(found) < 100:
                return False
        return False


def _contexts(value: Any) -> list[str]:
    statuses = value.get("statuses") if isinstance(value, Mapping) else None
    items = statuses if isinstance(statuses, list) else []
    return [str(item.get("context", "")).casefold() for item in items if isinstance(item, Mapping)]
