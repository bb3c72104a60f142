"""Watching: what the daemon says, as lines that appear when something changes."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from reconciler.demo.stage import Stage
from reconciler.errors import Unusable

__all__ = ["Theatre"]

View = Mapping[str, Any]

_LOOK = 0.1
_PATIENCE = 180.0


class Theatre:
    """The stage with its audience: prints every change of a status or run once.

    Attributes:
        stage: where everything is.
        before: the text that an act replaced, for the next one to put back.
        good: the newest commit without problems, "" before the first: what plans are compared with.
    """

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self.stage = stage
        self.before = ""
        self.good = ""
        self._say = say
        self._told: dict[str, str] = {}
        self._known: set[str] = set()
        self._runs: dict[str, View] = {}

    def follow(self, commit: str) -> View:
        """Print what happens until the commit's status is final and told; returns the commit.

        Raises:
            Unusable: it does not become final in time.
        """
        self._known = {key for key, run in self._runs.items() if _is_pushed(run)}
        begun = time.monotonic()
        with self.stage.client() as client:
            while time.monotonic() - begun < _PATIENCE:
                self._look(client)
                view = self._commit(client, commit)
                if view is not None and view["state"] != "pending" and _all_posted(view):
                    self._look(client)
                    return view
                time.sleep(_LOOK)
        raise Unusable(f"commit {commit[:10]} got no final status within {_PATIENCE:g} s; see {self.stage.log}")

    def operation(self, name: str) -> View | None:
        """The operation as the daemon shows it, or None."""
        with self.stage.client() as client:
            status = client.get("/v1/status").raise_for_status().json()
        return next((item for item in status["operations"] if item["operation"] == name), None)

    def attempts(self, prefix: str) -> list[int]:
        """Attempts of each run whose key starts with `prefix`."""
        return [run["attempts"] for key, run in sorted(self._runs.items()) if key.startswith(prefix)]

    def new_runs(self) -> list[str]:
        """Keys of runs that the last push caused: no ticks, hooks or runs of events."""
        return sorted(key for key, run in self._runs.items() if key not in self._known and _is_pushed(run))

    def run_status(self, key: str) -> str:
        """The status of a run, or ""."""
        return str(self._runs[key]["status"]) if key in self._runs else ""

    def reason(self, key: str) -> str:
        """Why a run is as it is, or ""."""
        return str(self._runs[key]["reason"]) if key in self._runs else ""

    def outputs(self, key: str) -> View:
        """What a run wrote."""
        with self.stage.client() as client:
            view: View = client.get("/v1/run", params={"run": key}).raise_for_status().json()
        outputs: View = view["outputs"]
        return outputs

    def best(self, sweep: str, metric: str) -> tuple[str, float]:
        """The point that came to the most of `metric`, in words, and how much; it is printed. "" where none did."""
        found: list[tuple[float, str, View]] = []
        with self.stage.client() as client:
            for key in sorted(self._runs):
                if key.rpartition("/")[0] == sweep:
                    view = client.get("/v1/run", params={"run": key}).raise_for_status().json()
                    if view["trial"] and metric in view["outputs"]:
                        found.append((view["outputs"][metric], key, view["trial"]["params"]))
        if not found:
            return "", 0.0
        value, key, params = max(found, key=lambda one: one[0])
        point = ", ".join(
            f"{name} {said:.4g}" if isinstance(said, float) else f"{name} {said}" for name, said in params.items()
        )
        self._tell(f"best of {len(found)} trials", f"{key} with {point}: {metric} {value:.3f}")
        return point, value

    def comes(self, cause: str) -> bool:
        """Whether a run whose key starts with `cause` succeeds in time."""
        begun = time.monotonic()
        with self.stage.client() as client:
            while time.monotonic() - begun < _PATIENCE:
                self._look(client)
                if any(key.startswith(cause) and run["status"] == "succeeded" for key, run in self._runs.items()):
                    return True
                time.sleep(_LOOK)
        return False

    def previewed(self, commit: str, words: str) -> bool:
        """Whether the preview on a commit says `words` in time; its beginning is printed."""
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE:
            said = self.stage.preview(commit)
            if words in said:
                shown = [line for line in said.splitlines() if line and not line.startswith("<")]
                self._tell(f"preview {commit[:10]}", " ".join(_plain(line) for line in shown[:2]))
                return True
            time.sleep(_LOOK)
        return False

    def _look(self, client: httpx.Client) -> None:
        runs = client.get("/v1/runs", params={"limit": 1000}).raise_for_status().json()["runs"]
        for run in reversed(runs):
            self._runs[run["key"]] = run
            reason = f" ({run['reason']})" if run["reason"] else ""
            ready = " and ready" if run["ready"] and run["kind"] == "service" else ""
            self._tell(f"run {run['key']}", f"{run['status']}{ready}{reason}")

    def _commit(self, client: httpx.Client, commit: str) -> View | None:
        answer = client.get(f"/v1/commits/{commit}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        view: View = answer.raise_for_status().json()
        for status in view["statuses"]:
            self._tell(f"status {commit[:10]} {status['context']}", f"{status['state']}: {status['description']}")
        return view

    def _tell(self, what: str, now: str) -> None:
        if self._told.get(what) != now:
            self._told[what] = now
            self._say(f"  {what}: {now}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(line: str) -> str:
    """A line of Markdown as a terminal shows it best."""
    return html.unescape(re.sub(r"</?\w+>", "", line.lstrip("#> ")))


def _is_pushed(run: View) -> bool:
    """Whether a push caused a run, and no schedule, hook or event."""
    cause = str(run["key"]).partition("@")[2]
    return not cause[:1].isdigit() and not cause.startswith(("hook-", "ev-"))


def _all_posted(view: View) -> bool:
    return all(status["posted"] for status in view["statuses"])
