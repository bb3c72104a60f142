"""The daemon that follows a repository: whether it does, and what the references of its specs lead to for it.

Asks the daemon; decides nothing about plans.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from planner.compile import Outside
from reconciler.api.asked import MOST_REFERENCES
from reconciler.cli.client import Daemon
from reconciler.cli.offline import Look, Project
from reconciler.errors import Unusable
from reconciler.hubs import FolderHub
from reconciler.outside import as_planned
from reconciler.source.remote import parse

__all__ = ["follows", "known_to"]


def follows(url: str, project: Project) -> bool:
    """Whether the repository that a daemon follows is this one, or one that it is a clone of."""
    repository = project.repository
    assert repository is not None
    places = {_plain(str(project.top)), _plain(str(repository.git_dir))}
    return _plain(url) in places | {_plain(remote) for remote in repository.remotes}


def _plain(url: str) -> str:
    """An address without what makes no difference."""
    try:
        remote = parse(url)
    except Unusable:
        return url
    text = str(remote.path.resolve()) if remote.path is not None else remote.url
    return text.rstrip("/").removesuffix("/.git").removesuffix(".git")


def known_to(daemon: Daemon) -> Look:
    """Looks references up as a push would have them: what the daemon pinned, else its hubs that are folders.

    What only the daemon may look up, and did not yet, is said to be new.
    """

    def look(keys: Collection[str]) -> Mapping[str, Outside]:
        pinned: dict[str, Outside] = {}
        hubs: list[FolderHub | None] = []
        asked = sorted(keys)
        for start in range(0, len(asked), MOST_REFERENCES):
            body = json.dumps({"references": asked[start : start + MOST_REFERENCES]})
            answer = daemon.post("/v1/references", body)
            for key, one in answer["pinned"].items():
                pinned[key] = Outside(one["path"], one["digest"], one["content"].encode())
            hubs = [FolderHub(hub["name"], Path(hub["path"])) if hub["path"] else None for hub in answer["hubs"]]
        return as_planned(keys, pinned, hubs)

    return look
