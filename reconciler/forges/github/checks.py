"""Check runs of GitHub, which Apps alone may make: https://docs.github.com/en/rest/checks/runs.

Each check that is put is a run of its own, as marks can be added to a run and never taken off; of one name GitHub shows
the newest. So no number has to be kept, and nothing is read. A run has ended when it is made: one that a crash left
half said can keep nothing waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import anyio

from planner.canon import Json
from planner.errors import Severity
from planner.model.checks import Annotation, Check, Conclusion
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import number_of
from reconciler.forges.http.words import fit, fit_context

__all__ = ["AT_ONCE", "CONCLUSIONS", "GitHubChecks"]

CONCLUSIONS: Mapping[Conclusion, str] = {
    Conclusion.SUCCESS: "success",
    Conclusion.FAILURE: "failure",
    Conclusion.NEUTRAL: "neutral",
    Conclusion.ACTION_REQUIRED: "action_required",
}
AT_ONCE = 50
"""Marks of one request; GitHub takes no more."""
_LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}
_NAME = 255
_TITLE = 255
_NEVER = frozenset({403, 404, 422})
_AGAIN = 3600.0
"""Seconds until an App that may not make any is tried again: its owner may have allowed it."""


class GitHubChecks:
    """`Checks` of one repository.

    Args:
        client: of GitHub, speaking as an App.
        repository: `owner/name`.
        url_of: the page of a commit (root ""); "" where there is none.
    """

    def __init__(self, client: Client, repository: str, url_of: Callable[[str, str], str]) -> None:
        self._client = client
        self._path = f"/repos/{repository}/check-runs"
        self._url_of = url_of
        # By the loop's clock; the App may not, as far as is known, before.
        self._until = 0.0
        self._refusal = ""

    async def put_check(self, check: Check) -> str:
        """See `Checks.put_check`: a run with the first marks, then the others."""
        if self._refusal and anyio.current_time() < self._until:
            return self._refusal
        first, *others = _batches(check.annotations)
        answer = await self._client.write(Request("POST", self._path, body=self._run(check, first), means=_NEVER))
        if not answer.good:
            reason = f"GitHub answers {answer.status} to a check run ({answer.words or 'no reason given'})"
            if answer.status != 422:
                hint = "give the App the permission `Checks: write` if they are wanted"
                self._refusal = f"{reason}: statuses go on without; {hint}"
                self._until = anyio.current_time() + _AGAIN
                return self._refusal
            return reason
        self._refusal = ""
        ident = number_of(answer.value, "id")
        for batch in others if ident else ():
            body: dict[str, Json] = {"output": _output(check, batch)}
            answer = await self._client.write(Request("PATCH", f"{self._path}/{ident}", body=body, means=_NEVER))
            if not answer.good:
                # The run stands, and its summary has every problem.
                return f"GitHub answers {answer.status} to more marks on a check run"
        return ""

    def _run(self, check: Check, batch: Sequence[Annotation]) -> Mapping[str, Json]:
        body: dict[str, Json] = {
            "name": fit_context(check.name, _NAME),
            "head_sha": check.commit,
            "status": "completed",
            "conclusion": CONCLUSIONS[check.conclusion],
            "output": _output(check, batch),
        }
        if url := self._url_of(check.commit, ""):
            body["details_url"] = url
        return body


def _batches(annotations: Sequence[Annotation]) -> list[Sequence[Annotation]]:
    """As many as one request takes each; one of none where there are none."""
    starts = range(0, max(len(annotations), 1), AT_ONCE)
    return [annotations[start : start + AT_ONCE] for start in starts]


def _output(check: Check, batch: Sequence[Annotation]) -> dict[str, Json]:
    marks: list[Json] = [
        {
            "path": one.path,
            "start_line": one.line,
            "end_line": one.line,
            "annotation_level": _LEVELS[one.severity],
            "title": fit(one.title, _TITLE),
            "message": one.message or one.title,
        }
        for one in batch
    ]
    return {"title": fit(check.title, _TITLE), "summary": check.summary, "annotations": marks}
