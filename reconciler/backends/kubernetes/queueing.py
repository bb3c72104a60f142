"""What Kueue has made of our jobs: its Workloads, watched in the namespaces of runs where it has queues of theirs.

They only explain why a job waits. What must never happen here: anybody waits for them, or decides by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio

from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.listwatch import ListWatch, Watched
from reconciler.backends.kubernetes.status.queue import Queued
from reconciler.errors import Transient

__all__ = ["Queueing"]

Object = dict[str, Any]

_GROUP = "/apis/kueue.x-k8s.io"
_JOB = "kueue.x-k8s.io/job-uid"
"""Label of a Workload: the uid of its job."""
_AGAIN = (1.0, 60.0)
"""Seconds until the group is asked for once more: the first time, and at most."""
_NOT_TAKEN_IN = "Kueue has made no workload of it, and its log says why (a priority class that is not there?)"
_CONDITION = ("type", "status", "reason", "message")


class Queueing:
    """The list-watches of Workloads, and what they hold."""

    def __init__(self, api: Api, namespaces: Sequence[str], tell: Callable[[str], None]) -> None:
        """Touches nothing; `run` begins.

        Args:
            api: the server.
            namespaces: where jobs may be in queues; none where they are in none.
            tell: called with the name of a job of which something else is said than before.
        """
        self._api = api
        self._namespaces = namespaces
        self._tell = tell
        self._watches: list[ListWatch] = []
        self._of: dict[str, Object] = {}
        self._trouble = ""

    async def run(self) -> None:
        """Watch until cancelled."""
        if not self._namespaces:
            return
        base = f"{_GROUP}/{await self._version()}/namespaces"
        self._watches = [
            ListWatch(self._api, Watched(f"{base}/{namespace}/workloads", _JOB, _trimmed), self._came, self._went)
            for namespace in self._namespaces
        ]
        async with anyio.create_task_group() as tasks:
            for watch in self._watches:
                tasks.start_soon(watch.run)

    def of(self, job: Mapping[str, Any]) -> Queued:
        """What is known of a job in its queue.

        Args:
            job: the Job, with its metadata.
        """
        workload = self._of.get(job["metadata"]["uid"])
        trouble = self._trouble or next((watch.trouble for watch in self._watches if watch.trouble), "")
        if workload is None and self._watches and not trouble and all(watch.synced for watch in self._watches):
            trouble = _NOT_TAKEN_IN
        return Queued(workload, trouble)

    async def _version(self) -> str:
        """The version of Kueue's API that the server likes best, as soon as there is one."""
        pause = _AGAIN[0]
        while True:
            try:
                found = await self._api.call("GET", _GROUP)
                self._trouble = ""
                return str(found["preferredVersion"]["version"])
            except Denied as error:
                self._trouble = "Kueue is not on this cluster" if error.absent else error.message
            except (Transient, LookupError, TypeError) as error:
                self._trouble = str(error)
            await anyio.sleep(pause)
            pause = min(2 * pause, _AGAIN[1])

    def _came(self, workload: Object) -> None:
        known = self._of.get(workload["job"])
        # While one is replaced there are two.
        if known is None or known["metadata"]["creationTimestamp"] <= workload["metadata"]["creationTimestamp"]:
            self._of[workload["job"]] = workload
            self._tell(workload["name"])

    def _went(self, workload: Object) -> None:
        known = self._of.get(workload["job"])
        if known is not None and known["metadata"]["uid"] == workload["metadata"]["uid"]:
            del self._of[workload["job"]]


def _trimmed(told: Object) -> Object:
    """What is kept of a Workload: whose it is, and what is said of it."""
    meta, status = told["metadata"], told.get("status") or {}
    owner: Object = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), {})
    return {
        "metadata": {name: meta.get(name, "") for name in ("name", "uid", "resourceVersion", "creationTimestamp")},
        "job": (meta.get("labels") or {}).get(_JOB, ""),
        "name": owner.get("name", ""),
        "status": {
            "conditions": [
                {name: one[name] for name in _CONDITION if name in one} for one in status.get("conditions") or ()
            ]
        },
    }
