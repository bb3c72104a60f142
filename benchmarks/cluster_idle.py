"""A daemon with 1,000 live services of five pods each, when nothing happens: what it asks, what it takes.

The API server, the controllers and the daemon are real; the pods have no node, and are said to be ready by this
program, as a kubelet would say it. A pod has the size of a real one.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from benchmarks.idle import cpu
from benchmarks.size import kilobytes
from benchmarks.stage import Row, Scratch, daemon, scratch, wait
from tests.cluster.cluster import OwnCluster

Object = dict[str, Any]

SERVICES = 1000
PODS = 5
QUIET_SECONDS = 60.0
NAMESPACE = "runs"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"
REAL_POD = 6000
"""Bytes of a pod with its status, its managed fields and all, as the API server sends it."""
SPEC = """\
version: 1.1
kind: operation
name: op-{number}
component:
  run:
    kind: service
    ports: [8000]
    replicas: {pods}
    container:
      image: registry.example.org/bench:1
      command: ["/bin/serve"]
      env: [{{name: FILLING, value: "{filling}"}}]
"""
DAEMON = """\
repository: {{url: {bare}, branch: main, poll: 30}}
state: {state}
log: json
firstSync: run
budgets: {{starts: 100000}}
backend: kubernetes
backends: {{kubernetes: {{kubeconfig: {kubeconfig}, namespace: {namespace}}}}}
"""


def run() -> list[Row]:
    with OwnCluster.start(node=False) as cluster, scratch() as place:
        cluster.api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        _write(place, cluster)
        with daemon(place) as process:
            sizes = _settle(cluster, place)
            time.sleep(3 * 30)  # three looks at everything: what is left to do of the start is done
            begun, used = datetime.now(UTC), cpu(process.pid)
            time.sleep(QUIET_SECONDS)
            used = cpu(process.pid) - used
            asked = _asked(cluster, begun)
            rss, peak = kilobytes(process.pid, "VmRSS") / 1024, kilobytes(process.pid, "VmHWM") / 1024
    seen = f"{SERVICES} services with {len(sizes)} pods of {sum(sizes) / len(sizes) / 1000:.1f} kB"
    rest = ", ".join(f"{count} {what}" for what, count in asked.items()) or "none"
    return [
        Row("calls of an idle daemon but watches", sum(asked.values()), "", 0.001, f"in {QUIET_SECONDS:g} s: {rest}"),
        Row("CPU of an idle daemon on a cluster", used / QUIET_SECONDS * 100, "%", 2, seen),
        Row("daemon RSS", rss, "MB", 200, f"{seen}; peak {peak:.0f} MB"),
    ]


def _write(place: Scratch, cluster: OwnCluster) -> None:
    said = DAEMON.format(bare=place.bare, state=place.state, kubeconfig=cluster.kubeconfig, namespace=NAMESPACE)
    (place.folder / "daemon.yaml").write_text(said)
    place.write(".plumbline.yaml", "paths: {include: ['**/*.yaml']}\n")
    for number in range(SERVICES):
        spec = SPEC.format(number=number, pods=PODS, filling="x" * 2000)
        place.write(f"ops/op-{number}.yaml", spec)
    place.release(place.commit())


def _settle(cluster: OwnCluster, place: Scratch) -> list[int]:
    """Have every pod ready, the daemon know it, and the controllers gone; sizes of the pods in bytes."""
    wait(lambda: len(cluster.api.get(PATH)["items"]) == SERVICES * PODS, 900, 2.0)
    cluster.stop("kube-scheduler")
    pods = cluster.api.get(PATH)["items"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pod: _ready(cluster, pod), pods))
    wait(lambda: _running(place) == SERVICES, 600, 2.0)
    cluster.stop("kube-controller-manager")
    return [len(json.dumps(pod)) for pod in cluster.api.get(PATH)["items"]]


def _ready(cluster: OwnCluster, pod: Object) -> None:
    now = "2026-11-26T06:00:00Z"
    (container,) = pod["spec"]["containers"]
    running = {"name": container["name"], "ready": True, "started": True, "restartCount": 0}
    running |= {"state": {"running": {"startedAt": now}}, "image": container["image"], "imageID": f"sha256:{'0' * 64}"}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled", "PodReadyToStartContainers")
    ]
    status = {"phase": "Running", "startTime": now, "conditions": conditions, "containerStatuses": [running]}
    cluster.api.merge(f"{PATH}/{pod['metadata']['name']}/status", {"status": status})


def _running(place: Scratch) -> int:
    return sum(item["state"] == "ready" for item in place.get("/v1/status")["operations"])


def _asked(cluster: OwnCluster, begun: datetime) -> Counter[str]:
    """What the daemon asked since then, watches left out."""
    asked: Counter[str] = Counter()
    for record in cluster.audit():
        at = datetime.fromisoformat(record["requestReceivedTimestamp"])
        if record.get("userAgent", "").startswith("plumbline") and record["verb"] != "watch" and at >= begun:
            asked[f"{record['verb']} of {record['objectRef']['resource']}"] += 1
    return asked
