"""Deliveries as the three forges send them, written by us from what they document; signed, or wrongly so.

GitHub: https://docs.github.com/en/webhooks/webhook-events-and-payloads
GitLab: https://docs.gitlab.com/user/project/integrations/webhook_events/, the signing token by merge request 230944
Gitea: https://docs.gitea.com/usage/webhooks, Forgejo: https://forgejo.org/docs/latest/user/webhooks/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from typing import Any

SECRET = "a secret of this test and no other"
KEY = bytes(range(32))
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"
NAME = "team/models"
AT = 1_767_614_400
"""2026-01-05T12:00:00Z"""

BEFORE, AFTER = "1" * 40, "2" * 40


def github(**more: Any) -> dict[str, Any]:
    """What is common to GitHub's and Gitea's payloads."""
    repository = {
        "id": 42,
        "name": "models",
        "full_name": NAME,
        "private": True,
        "owner": {"login": "team", "id": 7},
        "clone_url": f"https://forge.example.org/{NAME}.git",
        "default_branch": "main",
    }
    return {"repository": repository, "sender": {"login": "ada", "id": 1}, **more}


def pushed(**more: Any) -> dict[str, Any]:
    commit = {
        "id": AFTER,
        "message": "Train longer",
        "timestamp": "2026-01-05T12:00:00Z",
        "author": {"name": "Ada", "email": "ada@example.org"},
        "added": [],
        "removed": [],
        "modified": ["train.yaml"],
    }
    return {"ref": "refs/heads/main", "before": BEFORE, "after": AFTER, "commits": [commit], **more}


def gitlab(kind: str, **more: Any) -> dict[str, Any]:
    project = {
        "id": 15,
        "name": "Models",
        "path_with_namespace": NAME,
        "git_http_url": f"https://forge.example.org/{NAME}.git",
        "default_branch": "main",
    }
    return {"object_kind": kind, "project": project, "user_username": "ada", **more}


PULL = {"number": 7, "head": {"sha": AFTER, "ref": "faster"}, "base": {"sha": BEFORE, "ref": "main"}, "state": "open"}
MERGE = {"iid": 7, "source_branch": "faster", "target_branch": "main", "state": "opened", "action": "update"}
ISSUE = {"number": 7, "title": "Faster", "pull_request": {"url": "https://forge.example.org/pulls/7"}}
GROUP = {
    "head_sha": AFTER,
    "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{BEFORE}",
    "base_sha": BEFORE,
    "base_ref": "refs/heads/main",
}
TRAIN = {"id": 31, "ref": "refs/merge-requests/7/train", "sha": AFTER, "source": "merge_request_event"}
NOTE = {"id": 9, "note": "/plumbline plan", "noteable_type": "MergeRequest"}

PAYLOADS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "github": {
        "push": ("push", github(**pushed())),
        "pull": ("pull_request", github(action="synchronize", number=7, pull_request=PULL)),
        "comment": ("issue_comment", github(action="created", issue=ISSUE, comment={"id": 9, "body": "hello"})),
        "queue": ("merge_group", github(action="checks_requested", merge_group=GROUP)),
    },
    "gitlab": {
        "push": ("Push Hook", gitlab("push", **pushed(project_id=15, checkout_sha=AFTER, total_commits_count=1))),
        "pull": ("Merge Request Hook", gitlab("merge_request", object_attributes=MERGE)),
        "comment": ("Note Hook", gitlab("note", object_attributes=NOTE, merge_request=MERGE)),
        "queue": ("Pipeline Hook", gitlab("pipeline", object_attributes=TRAIN, merge_request=MERGE)),
    },
    "gitea": {
        "push": ("push", github(**pushed(pusher={"login": "ada"}, total_commits=1))),
        "pull": ("pull_request", github(action="synchronized", number=7, pull_request=PULL)),
        "comment": ("issue_comment", github(action="created", is_pull=True, issue=ISSUE, comment={"id": 9})),
    },
}
"""By forge and topic: the event's name, and the payload."""
PAYLOADS["forgejo"] = PAYLOADS["gitea"]
PAYLOADS["gitlab-signed"] = PAYLOADS["gitlab"]


@dataclass(frozen=True)
class Delivery:
    """A request of a forge."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def with_headers(self, **changed: str | None) -> Delivery:
        """With headers changed or, for None, left out; `_` stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        kept = {name: value for name, value in {**self.headers, **named}.items() if value is not None}
        return replace(self, headers=kept)


def delivery(forge: str, topic: str = "push", secret: str | None = None, ident: str = "d-1", at: int = AT) -> Delivery:
    """What `forge` sends of `topic`, signed with `secret`, by default with the one that is known."""
    event, payload = PAYLOADS[forge][topic]
    return signed(forge, event, json.dumps(payload).encode(), secret=secret, ident=ident, at=at)


def signed(
    forge: str, event: str, body: bytes, *, secret: str | None = None, ident: str = "d-1", at: int = AT
) -> Delivery:
    """Any body as `forge` would sign it."""
    secret = secret or (SIGNING if forge == "gitlab-signed" else SECRET)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    legacy = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    hub = {"x-hub-signature": f"sha1={legacy}", "x-hub-signature-256": f"sha256={digest}"}
    as_github = {"x-github-event": event, "x-github-delivery": ident}
    as_gitea = {"x-gitea-event": event, "x-gitea-event-type": event, "x-gitea-delivery": ident}
    as_gogs = {"x-gogs-event": event, "x-gogs-signature": digest}
    match forge:
        case "github":
            headers = {**hub, **as_github, "x-github-hook-id": "1"}
        case "gitea":
            headers = {**hub, **as_github, **as_gogs, **as_gitea, "x-gitea-signature": digest}
        case "forgejo":
            own = {"x-forgejo-event": event, "x-forgejo-delivery": ident, "x-forgejo-signature": digest}
            headers = {**hub, **as_github, **as_gogs, **as_gitea, "x-gitea-signature": digest, **own}
        case "gitlab":
            headers = {"x-gitlab-event": event, "x-gitlab-token": secret, "idempotency-key": ident}
        case _:
            key = base64.b64decode(secret.removeprefix("whsec_"))
            made = base64.b64encode(hmac.new(key, f"{ident}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
            headers = {"webhook-id": ident, "webhook-timestamp": str(at), "webhook-signature": f"v1,{made}"}
            headers |= {"x-gitlab-event": event, "idempotency-key": ident}
    return Delivery(body, {"content-type": "application/json", **headers})


FORGES = ("github", "gitlab", "gitlab-signed", "gitea", "forgejo")
