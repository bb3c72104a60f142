"""Merge trains of GitLab: `reconciler.ports_merge_queue.MergeQueue`. https://docs.gitlab.com/api/merge_trains/.

A train exists where the project has one (Premium) and CI of its own, which makes the pipeline of each merge request in
it. Its commit is at `refs/merge-requests/IID/train`, and another one whenever the train is made anew. Where there are
no trains GitLab answers 403, and is not asked again for some minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from planner.model.pulls import QUEUED, Pull
from reconciler.forges.gitlab.manner import project_path
from reconciler.forges.http.absent import Absent
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import commit_of, number_of, text_of

__all__ = ["GitLabTrains"]

_NONE = frozenset({403, 404})


class GitLabTrains:
    """`MergeQueue` of one project.

    Attributes:
        refs: of the commits in the train, which are on no branch: what statuses need to find their pipelines.
    """

    def __init__(self, client: Client, repository: str) -> None:
        """Asks nothing. `repository` is the full path of the project."""
        self._client = client
        self._path = f"{project_path(repository)}/merge_trains"
        self._absent = Absent("merge train", "", _NONE)
        self.refs: Mapping[str, str] = {}

    async def entries(self, base: str) -> Sequence[Pull] | None:
        """See `MergeQueue.entries`."""
        path, params = f"{self._path}/{quote(base, safe='')}", {"scope": "active", "sort": "asc", "per_page": "100"}
        items = await self._absent.pages(self._client, path, params)
        if items is None:
            return None
        found = [entry for item in items if (entry := _entry(item, base))]
        self.refs = {entry.head: entry.ref for entry in found}
        return found


def _entry(item: Any, base: str) -> Pull | None:
    """An entry; None while it has no pipeline on its ref: there is nothing yet that could wait for a status."""
    number, head = number_of(item, "merge_request", "iid"), commit_of(item, "pipeline", "sha")
    ref = f"refs/merge-requests/{number}/train"
    if not number or not head or text_of(item, "pipeline", "ref") != ref or text_of(item, "target_branch") != base:
        return None
    return Pull(f"{QUEUED}{number}", head, ref, base)
