"""Check runs as GitHub keeps them, and refuses them: https://docs.github.com/en/rest/checks/runs."""

from __future__ import annotations

import re
from typing import Any

from tests.forges.state import Asked, Reply, State

__all__ = ["CheckRuns"]

_CONCLUSIONS = {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}
_LEVELS = {"notice", "warning", "failure"}


class CheckRuns:
    """The runs of one App.

    Attributes:
        allowed: whether who asks is an App that may.
        made: all of them, by number.
        asked: bodies of the requests that made or changed one.
    """

    def __init__(self) -> None:
        self.allowed = True
        self.made: dict[int, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []

    def shown(self, commit: str) -> dict[str, dict[str, Any]]:
        """What people see on a commit: the newest of each name."""
        return {one["name"]: one for one in self.made.values() if one["head_sha"] == commit}

    def make(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        """POST."""
        if not self.allowed:
            return Reply(403, {"message": "Resource not accessible by integration"})
        body = asked.body
        if state.commits is not None and body["head_sha"] not in state.commits:
            return Reply(422, {"message": f"No commit found for SHA: {body['head_sha']}"})
        if body.get("status") == "completed" and body.get("conclusion") not in _CONCLUSIONS:
            return Reply(422, {"message": "Invalid request."})
        if wrong := _wrong(body.get("output", {})):
            return Reply(422, {"message": f"Invalid request. {wrong}"})
        ident = len(self.made) + 1
        self.made[ident] = {**body, "output": {**body["output"]}}
        self.asked.append(body)
        return Reply(201, {"id": ident})

    def change(self, _: State, asked: Asked, found: re.Match[str]) -> Reply:
        """PATCH: marks are added to those that are there."""
        if not self.allowed:
            return Reply(403, {"message": "Resource not accessible by integration"})
        run = self.made.get(int(found["ident"]))
        if run is None:
            return Reply(404, {"message": "Not Found"})
        output = asked.body["output"]
        if wrong := _wrong(output):
            return Reply(422, {"message": f"Invalid request. {wrong}"})
        marks = [*run["output"].get("annotations", []), *output.get("annotations", [])]
        run["output"] = {**output, "annotations": marks}
        self.asked.append(asked.body)
        return Reply(200, {"id": int(found["ident"])})


def _wrong(output: dict[str, Any]) -> str:
    """What GitHub does not take of an output; "" where it takes all of it."""
    if not output.get("title") or "summary" not in output:
        return "title and summary"
    if len(output["summary"].encode()) > 65_535:
        return "Only 65535 characters are allowed"
    marks = output.get("annotations", [])
    if len(marks) > 50:
        return "No more than 50 items are allowed"
    for mark in marks:
        if not 1 <= mark["start_line"] <= mark["end_line"] or mark["annotation_level"] not in _LEVELS:
            return "annotations"
        if not mark["path"] or mark["path"].startswith("/") or not mark["message"] or len(mark["title"]) > 255:
            return "annotations"
    return ""
