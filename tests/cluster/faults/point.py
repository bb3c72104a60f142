"""One workload under one script of faults: a namespace, a repository, a daemon, and the way between it and the cluster.

At the end the world is looked at as a stranger sees it: the API of the daemon, the objects of the cluster, and which
programs have said that they were started.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from reconciler.backends.kubernetes import names
from tests.cluster.api import RefusalError, signed_in
from tests.cluster.faults.plan import Script
from tests.cluster.faults.proxy import Loop, Proxy
from tests.cluster.world import Tally, let_go
from tests.e2e.harness import ApiError, Nursery, Place, Tree
from tests.pauses import pauses

__all__ = ["Point", "Shared", "World"]

T = TypeVar("T")
World = dict[str, Any]

PATIENCE = 150.0
_KINDS = (
    ("Job", "/apis/batch/v1", "jobs"),
    ("Deployment", "/apis/apps/v1", "deployments"),
    ("ConfigMap", "/api/v1", "configmaps"),
    ("Secret", "/api/v1", "secrets"),
    ("Service", "/api/v1", "services"),
    ("Pod", "/api/v1", "pods"),
)
_TICK = re.compile(r"@\d{4}-\d\d-\d\dT[^/#~]*")
_AWAY = (OSError, http.client.HTTPException, httpx.HTTPError, ApiError, RefusalError, ValueError)


class _Nursery(Nursery):
    """One that several threads ask."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        super().__init__(module="tests.cluster.faults.nursery")

    def _ask(self, request: Any) -> Any:
        with self._turn:
            return super()._ask(request)


class Shared:
    """What all points of a process have in common."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.image = cluster.image("busybox")
        self.tally = Tally(cluster.host)
        self.nursery = _Nursery()
        self.loop = Loop()
        self.way = signed_in(cluster.kubeconfig)

    def close(self) -> None:
        self.nursery.close()
        self.loop.close()
        self.tally.close()


class Point:
    """The surroundings of one workload."""

    def __init__(self, shared: Shared, title: str, script: Script) -> None:
        """Makes a namespace and a repository; `title` names the folder."""
        self.shared = shared
        self.script = script
        self.image = shared.image
        self.tally = f"{shared.tally.url}/{title}"
        self._title = title
        self.namespace = _namespace(shared.cluster, title)
        base = shared.folder / title
        self.proxy = Proxy(shared.loop, shared.way, script, self._killed)
        base.mkdir(parents=True)
        self.proxy.open(base / "kubeconfig")
        said = {"kubeconfig": str(base / "kubeconfig"), "namespace": self.namespace}
        settings = {"backends": {"kubernetes": said}, "resync": 2, "grace": 2, "firstSync": "run"}
        self.place = Place(base, shared.nursery, backend="kubernetes", **settings)
        self._ended = False
        self._turn = threading.Lock()

    def close(self) -> None:
        with self._turn:
            self._ended = True
        for daemon in self.place.daemons:
            if not daemon.ended():
                daemon.kill()
        self.proxy.close()
        let_go(self.shared.cluster, self.namespace)
        self.shared.cluster.api.delete(f"/api/v1/namespaces/{self.namespace}")
        shutil.rmtree(self.place.base)

    def _killed(self) -> None:
        with self._turn:
            if not self._ended:
                self.place.daemons[-1].kill()
                self.place.launch()

    def _is_alive(self) -> bool:
        with self._turn:
            return not self.place.daemons or not self.place.daemons[-1].ended()

    # --- what a workload says ---

    def push(self, files: Tree) -> None:
        self.place.push(files)

    def ask(self, verb: str, target: str, done: Callable[[Point], bool]) -> None:
        """Say a command until it is done: its answer may be lost with the daemon."""

        def said(point: Point) -> bool:
            with contextlib.suppress(*_AWAY):
                if not done(point):
                    self.place.ask(verb, target)
            return done(point)

        self.until(said, f"{verb} {target}")

    def begun(self, run: str) -> None:
        self.until(lambda point: bool(point.starts().get(run)), f"{run} has begun")

    def until(self, condition: Callable[[Point], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        waits = pauses()
        while not condition(self):
            assert self._is_alive(), f"the daemon ended by itself: {self.place.log.read_text()[-2000:]}"
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what}")
            time.sleep(next(waits))

    # --- what it sees ---

    def operation(self, name: str) -> Any:
        return self._of_daemon(lambda: self.place.operation(name), None)

    def state_of(self, name: str) -> str:
        return self._of_daemon(lambda: self.place.state_of(name), "?")

    def runs(self) -> list[Any]:
        return self._of_daemon(lambda: list(self.place.get("/v1/runs")["runs"]), [])

    @staticmethod
    def _of_daemon(asks: Callable[[], T], away: T) -> T:
        try:
            return asks()
        except _AWAY:
            return away

    def starts(self) -> dict[str, list[int]]:
        """By run, how often each of its pods has said that it was started."""
        found: dict[str, dict[str, int]] = {}
        for path, count in list(self.shared.tally.counts.items()):
            title, _, rest = path.partition("/")
            run, _, pod = rest.rpartition("/")
            if title == self._title:
                found.setdefault(_timeless(run), {})[pod] = count
        return {run: sorted(pods.values()) for run, pods in sorted(found.items())}

    def world(self) -> World:
        """Everything that may not depend on what went wrong; empty while the daemon is away."""
        try:
            runs = {run["key"]: self.place.run(run["key"]) for run in self.place.get("/v1/runs")["runs"]}
            holds = self.place.get("/v1/status")["holds"]
            objects = self._objects()
        except _AWAY:
            return {}
        return {
            "runs": {_timeless(key): _run(run) for key, run in sorted(runs.items())},
            "holds": holds,
            "objects": dict(sorted(objects.items())),
            "starts": self.starts(),
        }

    def _objects(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for kind, base, plural in _KINDS:
            path = f"{base}/namespaces/{self.namespace}/{plural}"
            ours = f"app.kubernetes.io/managed-by={names.MANAGER}"
            for item in self.shared.cluster.api.get(path, labelSelector=ours)["items"]:
                found[_object(kind, item)] += 1
        return found


def _timeless(key: str) -> str:
    return _TICK.sub("@tick", key)


def _run(run: Any) -> Any:
    attempts = [(one["number"], one["reason"], _code(one), bool(one["stop"])) for one in run["attemptList"]]
    return {"status": run["status"], "attempts": attempts}


def _code(attempt: Any) -> Any:
    """The exit code, where it is the program's own: of one that is ended, TERM and KILL may be first."""
    return attempt["exitCode"] if attempt["reason"] == "exited" and not attempt["stop"] else None


def _object(kind: str, item: Any) -> str:
    meta = item["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    of = _timeless(annotations.get(names.KEY) or "")
    if kind == "Pod":  # its annotations are those of its spec
        of = str(item["status"].get("phase"))
    if kind == "Service":  # it is made anew by each generation
        of = labels[names.SERVICE]
    words = [kind, of, "cleaned" if names.CLEANED in labels else "", "ending" if "deletionTimestamp" in meta else ""]
    words.append("held" if names.FINALIZER in (meta.get("finalizers") or ()) else "")
    return " ".join(filter(None, words))


def _namespace(cluster: Any, title: str) -> str:
    name: str = cluster.api.create("/api/v1/namespaces", {"metadata": {"generateName": f"{title}-"}})["metadata"][
        "name"
    ]
    cluster.api.wait(f"/api/v1/namespaces/{name}/serviceaccounts/default", lambda account: account is not None)
    return name
