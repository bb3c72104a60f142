"""How GitLab spells a status, in one table of states: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status.

A status of GitLab is a job of a pipeline, and moves as one: what it is already it cannot become again. Which pipeline
of a commit that is, GitLab chooses at the first status, and is told with each that follows: a newer pipeline of the
same commit would else get the end of what an older one shows as pending.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

from planner.canon import Json
from planner.model.commits import StatusRecord, StatusState
from reconciler.errors import Refused, Transient
from reconciler.forges.gitlab.manner import project_path
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import commit_of, items_of, number_of, text_of
from reconciler.forges.http.words import fit, fit_context

__all__ = ["STATES", "GitLabShape"]

STATES: Mapping[StatusState, str] = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failed",
    StatusState.ERROR: "failed",
    # Not `canceled`: nothing failed, and a pipeline that must succeed must not hold up what came after.
    StatusState.SUPERSEDED: "success",
}
_LONGEST = 255
"""Letters of a name, a description and an address."""
_BAD_REQUEST, _NOT_FOUND, _TOO_MANY_JOBS = 400, 404, 422
_MEANS = frozenset({_BAD_REQUEST, _NOT_FOUND, _TOO_MANY_JOBS})
_REMEMBERED = 500
"""Commits whose pipeline is remembered."""
_TRANSITION = re.compile(r"Cannot transition status via :(?P<event>\w+) from :(?P<state>\w+)")
_EVENTS: Mapping[str, frozenset[str]] = {
    "enqueue": frozenset({"pending", "running"}),
    "run": frozenset({"running"}),
    "success": frozenset({"success"}),
    "drop": frozenset({"failed"}),
}
"""By the name that GitLab has for becoming something: the states in which a status says that already."""


class GitLabShape:
    """`Shape` of one project.

    Args:
        repository: full path of the project, such as `group/subgroup/models`.
        url_of: the page of a commit (root "") or of an operation; "" where there is none.
        ref_of: the ref of a commit that is on no branch of the project, the head of a fork; "" for others.
    """

    def __init__(
        self,
        repository: str,
        url_of: Callable[[str, str], str],
        ref_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._path = project_path(repository)
        self._url_of = url_of
        self._ref_of = ref_of
        self._pipelines: OrderedDict[str, int] = OrderedDict()

    def status(self, status: StatusRecord) -> Request:
        """See `Shape.status`."""
        body: dict[str, Json] = {
            "state": STATES[status.state],
            "name": fit_context(status.context, _LONGEST),
            "description": fit(status.description, _LONGEST),
        }
        url = self._url_of(status.commit, status.root)
        if url and len(url) <= _LONGEST:
            body["target_url"] = url
        if status.commit in self._pipelines:
            body["pipeline_id"] = self._pipelines[status.commit]
        elif ref := self._ref_of(status.commit):
            body["ref"] = ref
        return Request("POST", f"{self._path}/statuses/{status.commit}", body=body, means=_MEANS)

    def refusal(self, answer: Answer) -> str:
        """See `Shape.refusal`. That it says so already is no refusal."""
        if answer.good:
            self._remember(answer)
            return ""
        words = answer.words
        found = _TRANSITION.search(words)
        if found is not None and found["state"] in _EVENTS.get(found["event"], ()):
            return ""
        lost = answer.status == _TOO_MANY_JOBS or (answer.status == _NOT_FOUND and "pipeline_id" in words)
        if lost and self._pipelines:
            # It was deleted, or is full: GitLab chooses another one, and once without being told one.
            self._pipelines.clear()
            raise Transient(f"GitLab answers {answer.status} ({words}): the pipeline is chosen anew", 1.0)
        if answer.status == _NOT_FOUND and "commit" not in words.lower():
            raise Refused(
                f"GitLab answers 404 ({words or 'no reason given'}); the project has another path, or the token may "
                "not see it: check forge.repository and the token"
            )
        return f"GitLab answers {answer.status} ({words or 'no reason given'})"

    async def shows(self, client: Client, commit: str, context: str) -> bool:
        """See `Shape.shows`."""
        name = fit_context(context, _LONGEST)
        params = {"name": name, "per_page": "20"}
        path = f"{self._path}/repository/commits/{commit}/statuses"
        answer = await client.get(path, params, frozenset({_NOT_FOUND}))
        return any(text_of(item, "name") == name for item in items_of(answer.value)) if answer.good else False

    def _remember(self, answer: Answer) -> None:
        commit, pipeline = commit_of(answer.value, "sha"), number_of(answer.value, "pipeline_id")
        if not commit or not pipeline:
            return  # older servers do not say which
        self._pipelines[commit] = int(pipeline)
        self._pipelines.move_to_end(commit)
        if len(self._pipelines) > _REMEMBERED:
            self._pipelines.popitem(last=False)
