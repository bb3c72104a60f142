"""Tags of answers (`ETag`): what did not change is not sent again."""

from __future__ import annotations

import hashlib
import json

from tests.forges.state import Asked, Reply

__all__ = ["tagged"]


def tagged(reply: Reply, asked: Asked) -> Reply:
    """The answer with its tag; without its body where whoever asks has it."""
    if asked.method != "GET" or reply.status != 200:
        return reply
    tag = f'W/"{hashlib.sha256(json.dumps(reply.body).encode()).hexdigest()[:32]}"'
    if asked.headers.get("if-none-match") == tag:
        return Reply(304, None, {"etag": tag})
    return Reply(200, reply.body, {**reply.headers, "etag": tag})
