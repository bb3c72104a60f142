"""The merge queue of GitHub: `reconciler.ports_merge_queue.MergeQueue`.

GitHub makes a branch for each group that it tests, `gh-readonly-queue/BASE/pr-NUMBER-COMMIT`, and removes it when the
group is merged or taken apart: https://docs.github.com/en/repositories (managing a merge queue), and for the branches
…/rest/git/refs. A group that is made anew is a branch of another name. Where nothing waits this costs one request that
did not change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from planner.model.pulls import QUEUED, Pull
from reconciler.forges.http.absent import Absent
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import commit_of, text_of

__all__ = ["GitHubQueue"]

_BRANCHES = "gh-readonly-queue"
_NAME = re.compile(r"pr-[1-9][0-9]{0,18}-[0-9a-f]{40,64}")
_NONE = frozenset({403, 404, 409})
"""The token may not read contents, or there is nothing in the repository."""
_HINT = "give the token or App the permission `Contents: read` if there is a merge queue"


class GitHubQueue:
    """`MergeQueue` of one repository.

    Args:
        client: of GitHub.
        repository: `owner/name`.
    """

    def __init__(self, client: Client, repository: str) -> None:
        self._client = client
        self._path = f"/repos/{repository}/git/matching-refs"
        self._absent = Absent("merge queue", _HINT, _NONE)

    async def entries(self, base: str) -> Sequence[Pull] | None:
        """See `MergeQueue.entries`. Branches that people made below the same name are entries like others."""
        folder = f"refs/heads/{_BRANCHES}/{base}/"
        path = f"{self._path}/{quote(f'heads/{_BRANCHES}/{base}/pr-', safe='')}"
        items = await self._absent.pages(self._client, path)
        if items is None:
            return None
        found = (_entry(item, folder, base) for item in items)
        return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.number)


def _entry(item: Any, folder: str, base: str) -> Pull | None:
    """An entry; None for a branch that only begins like one, as of a branch below `base`."""
    ref, head = text_of(item, "ref"), commit_of(item, "object", "sha")
    name = ref.removeprefix(folder)
    if not head or not ref.startswith(folder) or _NAME.fullmatch(name) is None:
        return None
    return Pull(f"{QUEUED}{name}", head, ref, base)
