"""Which forge sent a delivery, what it is about, and of which repository: read from its headers and its payload.

Nothing of a payload is used but the name of its repository. What it must never do: believe any of it, which is for
whoever has checked the signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any

from starlette.datastructures import Headers

__all__ = ["Forge", "Topic", "delivery_of", "only", "repository_of", "sender_of", "topic_of"]


class Forge(StrEnum):
    """Whose way of sending it is; Forgejo's is Gitea's."""

    GITEA = auto()
    GITLAB = auto()
    GITHUB = auto()


class Topic(StrEnum):
    """What a delivery is about."""

    PUSH = auto()
    PULL = auto()
    COMMENT = auto()
    PING = auto()
    OTHER = auto()


_EVENT: Mapping[Forge, tuple[str, ...]] = {
    # Gitea comes first: beside its own headers it sends those of GitHub.
    Forge.GITEA: ("x-forgejo-event", "x-gitea-event"),
    Forge.GITLAB: ("x-gitlab-event",),
    Forge.GITHUB: ("x-github-event",),
}
"""Headers that name the event. Forgejo sends Gitea's as well."""
_DELIVERY: Mapping[Forge, tuple[str, ...]] = {
    Forge.GITEA: ("x-forgejo-delivery", "x-gitea-delivery"),
    # Not X-Gitlab-Event-UUID: hooks that one another's calls cause share it.
    Forge.GITLAB: ("webhook-id", "idempotency-key"),
    Forge.GITHUB: ("x-github-delivery",),
}
"""Headers that name the delivery, and name it the same when it is sent again."""
_TOPICS: Mapping[Forge, Mapping[str, Topic]] = {
    Forge.GITEA: {
        "push": Topic.PUSH,
        "create": Topic.PUSH,
        "delete": Topic.PUSH,
        "issue_comment": Topic.COMMENT,
        "pull_request_comment": Topic.COMMENT,
    },
    Forge.GITLAB: {
        "Push Hook": Topic.PUSH,
        "Merge Request Hook": Topic.PULL,
        "Pipeline Hook": Topic.PULL,  # by which a merge train tells of a commit
        "Note Hook": Topic.COMMENT,
        "Confidential Note Hook": Topic.COMMENT,
    },
    Forge.GITHUB: {
        "push": Topic.PUSH,
        "create": Topic.PUSH,
        "delete": Topic.PUSH,
        "pull_request": Topic.PULL,
        "merge_group": Topic.PULL,
        "issue_comment": Topic.COMMENT,
        "pull_request_review_comment": Topic.COMMENT,
        "ping": Topic.PING,
    },
}


def only(headers: Headers, names: tuple[str, ...]) -> str:
    """The value of the first of `names` that is there; "" for none, and where one stands twice, which nobody sends."""
    for name in names:
        found = headers.getlist(name)
        if found:
            return found[0].strip() if len(found) == 1 else ""
    return ""


def sender_of(headers: Headers) -> Forge | None:
    """The forge that a delivery says it is from; None where it says nothing that is known."""
    return next((forge for forge, names in _EVENT.items() if any(name in headers for name in names)), None)


def topic_of(forge: Forge, headers: Headers) -> Topic:
    """What a delivery says it is about."""
    event = only(headers, _EVENT[forge])
    if forge is Forge.GITEA and event.startswith("pull_request") and event not in _TOPICS[forge]:
        return Topic.PULL  # it names a reviewer, a label and a new commit as events of their own
    return _TOPICS[forge].get(event, Topic.OTHER)


def delivery_of(forge: Forge, headers: Headers) -> str:
    """The id of a delivery; "" where it has none."""
    return only(headers, _DELIVERY[forge])


def repository_of(forge: Forge, payload: Mapping[str, Any]) -> str:
    """The full name of the repository that a payload is about, such as `team/models`; "" where it names none."""
    section, field = ("project", "path_with_namespace") if forge is Forge.GITLAB else ("repository", "full_name")
    found = payload.get(section)
    name = found.get(field) if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""
