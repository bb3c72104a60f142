"""Kueue on a cluster of this machine: its own controller as a process of the node, its webhooks at the node's loopback.

It minds the namespaces that are given to it, and nobody else's: other tests share the cluster.
"""

from __future__ import annotations

import base64
import fcntl
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.cluster import certificates, guests, start
from tests.cluster.api import RefusalError
from tests.cluster.certificates import Subject
from tests.cluster.cluster import OwnCluster
from tests.cluster.control import Control

API = "/apis/kueue.x-k8s.io/v1beta2"
MINDED = "plumbline.test/kueue"
"""Label of namespaces whose jobs it minds."""
_HERE = "127.0.0.1"
_WEBHOOKS = 9443
_HEALTH = 8091
_CONFIGURATION = {
    "apiVersion": "config.kueue.x-k8s.io/v1beta2",
    "kind": "Configuration",
    "namespace": "kube-system",
    "health": {"healthProbeBindAddress": f"{_HERE}:{_HEALTH}"},
    "metrics": {"bindAddress": "0"},
    "leaderElection": {"leaderElect": False},
    "internalCertManagement": {"enable": False},
    "integrations": {"frameworks": ["batch/job"]},
    "featureGates": {"VisibilityOnDemand": False},
}


class Kueue:
    """The controller, from its first start on a cluster until that ends."""

    def __init__(self, cluster: OwnCluster) -> None:
        """Install and start it where it is not yet, and wait until it works."""
        self.cluster = cluster
        self._folder = cluster.instance.folder / "kueue"
        guests.define(cluster.api, guests.documents("kueue.x-k8s.io_*.yaml"))
        control = Control(cluster.instance.control)
        try:
            with self._folder.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # of several workers on one cluster, one starts it
                if not self._works():
                    self._start(control)
                if not start.until(start.PATIENCE, self._works):
                    said = start.last(cluster.instance, "kueue")
                    raise start.StartError(f"Kueue did not come up. It said last:\n{said}")
        finally:
            control.close()
        self._webhooks()

    def mind(self, namespace: str, *queues: str, pods: int = 1) -> None:
        """Have it mind the jobs of a namespace, with room for so many pods at once in all queues of it together.

        Whoever has a higher priority takes the place of who has a lower one.
        """
        api = self.cluster.api
        api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {MINDED: "true"}}})
        self.make("ResourceFlavor", {"metadata": {"name": namespace}})
        quota = {"pods": str(pods), "cpu": "100", "memory": "1Ti", "ephemeral-storage": "1Ti"}
        flavor = {
            "name": namespace,
            "resources": [{"name": name, "nominalQuota": most} for name, most in quota.items()],
        }
        spec = {
            "namespaceSelector": {},
            "resourceGroups": [{"coveredResources": list(quota), "flavors": [flavor]}],
            "preemption": {"withinClusterQueue": "LowerPriority"},
        }
        self.make("ClusterQueue", {"metadata": {"name": namespace}, "spec": spec})
        for queue in queues:
            self.queue(namespace, queue)

    def leave(self, namespace: str) -> None:
        """Let go of a namespace that is about to go."""
        for plural in ("clusterqueues", "resourceflavors"):
            path = f"{API}/{plural}/{namespace}"
            self.cluster.api.merge(path, {"metadata": {"finalizers": None}})
            self.cluster.api.delete(path)

    def queue(self, namespace: str, name: str) -> None:
        """Make a queue in a namespace that it minds."""
        self.make("LocalQueue", {"metadata": {"name": name}, "spec": {"clusterQueue": namespace}}, namespace)

    def make(self, kind: str, body: Mapping[str, Any], namespace: str = "") -> None:
        """Make an object of its own."""
        plural = f"{kind.lower()}s"
        place = f"namespaces/{namespace}/{plural}" if namespace else plural
        self.cluster.api.create(f"{API}/{place}", {"apiVersion": API.removeprefix("/apis/"), "kind": kind, **body})

    # --- parts

    def _start(self, control: Control) -> None:
        held, metrics = self._folder / "certificates", self._folder / "etc" / "kueue" / "metrics" / "certs"
        pair = certificates.sign(self.cluster.instance, "kueue", Subject("kueue", addresses=(_HERE,)))
        for folder in (held, metrics):
            folder.mkdir(parents=True, exist_ok=True)
            for file, name in zip(pair, ("tls.crt", "tls.key"), strict=True):
                shutil.copy(file, folder / name)
        configuration = self._folder / "configuration.yaml"
        webhook = {"host": _HERE, "port": _WEBHOOKS, "certDir": str(held)}
        configuration.write_text(yaml.safe_dump({**_CONFIGURATION, "webhook": webhook}))
        program = guests.made("kueue")
        words = f"exec {program} --config {configuration} --kubeconfig {self.cluster.kubeconfig}"
        # It reads a certificate at a fixed place below /etc, and needs nothing else that is there.
        script = f"mount --bind {self._folder / 'etc'} /etc && {words}"
        argv = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script]
        control.start("kueue", argv, self.cluster.instance.log("kueue"))

    def _works(self) -> bool:
        try:
            self.cluster.inside("/bin/busybox", "wget", "-q", "-O", "-", f"http://{_HERE}:{_HEALTH}/readyz")
        except start.StartError:
            return False
        return True

    def _webhooks(self) -> None:
        """Its webhooks about its own objects and about jobs; it says nothing about what it was not set up for."""
        authority = base64.b64encode(self.cluster.instance.certificate("ca")[0].read_bytes()).decode()
        minded = {"matchLabels": {MINDED: "true"}}
        for document in guests.documents("kueue-webhooks.yaml"):
            kept = [hook for hook in document["webhooks"] if _concerns(hook)]
            for hook in kept:
                path = hook["clientConfig"]["service"]["path"]
                hook["clientConfig"] = {
                    "url": f"https://{_HERE}:{_WEBHOOKS}{urlsplit(path).path}",
                    "caBundle": authority,
                }
                if "jobs" in hook["rules"][0]["resources"]:
                    hook["namespaceSelector"] = minded
            plural = document["kind"].lower() + "s"
            name = f"kueue-{plural}"
            body = {**document, "metadata": {"name": name}, "webhooks": kept}
            try:
                self.cluster.api.create(f"/apis/admissionregistration.k8s.io/v1/{plural}", body)
            except RefusalError as error:
                if error.status != 409:
                    raise


def _concerns(hook: Mapping[str, Any]) -> bool:
    rule = hook["rules"][0]
    return rule["apiGroups"] in (["kueue.x-k8s.io"], ["batch"])
