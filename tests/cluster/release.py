"""A release of the chart on a cluster of this machine: a repository on a forge, a daemon in a pod, and what it did.

`InCluster` is a `tests.e2e.harness.Place` whose daemon is a pod: its state folder is a volume of this machine, so its
socket is asked as any other. `push`, `get`, `operation` and the rest of a place work as they do there.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.backends.kubernetes import names
from tests.cluster import certificates
from tests.cluster.api import RefusalError
from tests.cluster.cluster import OwnCluster
from tests.cluster.forge import TOKEN, USER, Forge
from tests.cluster.helm import CHART, HelmError, Values, helm, with_values
from tests.cluster.world import let_go
from tests.e2e.harness import Nursery, Place, until

PATIENCE = 180.0
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}
_USER = 65_532


class NoNursery(Nursery):
    """Daemons of this place are pods."""

    def __init__(self) -> None:
        """Starts nothing."""


class InCluster(Place):
    """A repository, and a release of the chart that follows it."""

    def __init__(self, cluster: OwnCluster, namespace: str, base: Path, runs: str = "") -> None:
        """`runs`: the namespace that runs go to, which is made; the release's when empty."""
        super().__init__(base, NoNursery())
        self.cluster, self.namespace, self.runs_namespace = cluster, namespace, runs or namespace
        if runs:
            cluster.api.create("/api/v1/namespaces", {"metadata": {"name": runs}})
            self.restrict(runs)
        self.images = {name: cluster.image(name) for name in ("busybox", "python")}
        self.state = base / "volume" / "state"
        pair = certificates.sign(
            cluster.instance, f"forge-{namespace}", certificates.Subject("forge", addresses=(cluster.host,))
        )
        self.forge = Forge(cluster.host, self.bare, pair)
        self.restrict(namespace)
        self._referenced()
        self._volume()

    def values(self, **config: Any) -> Values:
        """Values of a release that works here; `config` is added to daemon.yaml."""
        repository, _, tag = self.cluster.image("plumbline").rpartition(":")
        access = {"username": USER}
        return {
            "image": {"repository": repository, "tag": tag},
            "runNamespace": self.runs_namespace,
            "config": {
                "repository": {"url": self.forge.url, "branch": "main", "poll": 1, "access": access},
                "firstSync": "run",
                "resync": 2,
                **config,
            },
            "secrets": {"repositoryToken": {"name": "forge", "key": "token"}},
            "configMaps": {"certificates": {"name": "forge", "key": "ca.crt"}},
            "persistence": {"storageClass": self.namespace, "size": "1Gi"},
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        }

    def install(self, *values: Values, release: str = "plumbline", ready: bool = True) -> None:
        """Install or upgrade, and wait until the daemon is ready."""
        words: tuple[str, ...] = ("upgrade", "--install", release, str(CHART), "--namespace", self.namespace)
        words = (*words, "--wait", "--timeout=4m") if ready else words
        try:
            with_values(words, *values, kubeconfig=self.cluster.kubeconfig)
        except HelmError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def uninstall(self, release: str = "plumbline") -> None:
        """And wait until the daemon is gone."""
        helm("uninstall", release, "-n", self.namespace, "--wait", kubeconfig=self.cluster.kubeconfig)
        until(lambda: not self.daemons_pods(), "the daemon is gone", PATIENCE)

    def daemons_pods(self) -> list[dict[str, Any]]:
        """The pods of daemons."""
        return self.items("/api/v1", "pods", "app.kubernetes.io/component=daemon")

    def logs(self) -> str:
        """What the daemons wrote, and why they do not run."""
        said = []
        for pod in self.daemons_pods():
            said.append(str(pod["status"]))
            with contextlib.suppress(RefusalError):
                path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/log"
                said.append(self.cluster.api.text(path, tailLines="40"))
        return "\n".join(said)

    def items(self, base: str, plural: str, selector: str = "", namespace: str = "") -> list[dict[str, Any]]:
        """Objects of a namespace, by default the release's."""
        query = {"labelSelector": selector} if selector else {}
        found = self.cluster.api.get(f"{base}/namespaces/{namespace or self.namespace}/{plural}", **query)["items"]
        return list(found)

    def spec(self, text: str, **values: object) -> str:
        """A spec with images of the cluster."""
        return text.format(**self.images, **values)

    def becomes(self, name: str, wanted: str) -> None:
        """Wait until an operation is in a state, and fail at once where it fails."""

        def found() -> str:
            with contextlib.suppress(OSError):
                state = self.state_of(name)
                return state if state in {wanted, "failed"} else ""
            return ""

        state = until(found, f"{name} is {wanted}", PATIENCE)
        assert state == wanted, self.logs()

    def restrict(self, namespace: str) -> None:
        """Have a namespace take no pod that is beyond the level *restricted*."""
        self.cluster.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": RESTRICTED}})

    def close(self) -> None:
        """Stop the forge, and let go of what keeps namespaces."""
        self.forge.close()
        for namespace in {self.namespace, self.runs_namespace}:
            let_go(self.cluster, namespace)
        if self.runs_namespace != self.namespace:
            self.cluster.api.delete(f"/api/v1/namespaces/{self.runs_namespace}")
        with contextlib.suppress(RefusalError):
            self.cluster.api.delete(f"/api/v1/persistentvolumes/{self.namespace}")

    # --- parts

    def _referenced(self) -> None:
        """The secret and the config map that the values name."""
        authority = self.cluster.instance.certificate("ca")[0].read_text()
        token = base64.b64encode(TOKEN.encode()).decode()
        made: Mapping[str, dict[str, Any]] = {
            "secrets": {"metadata": {"name": "forge"}, "data": {"token": token}},
            "configmaps": {"metadata": {"name": "forge"}, "data": {"ca.crt": authority}},
        }
        for plural, body in made.items():
            self.cluster.api.create(f"/api/v1/namespaces/{self.namespace}/{plural}", body)

    def _volume(self) -> None:
        """A volume that is a folder of this machine, which the claim of the chart finds by its class."""
        folder = self.state.parent
        folder.mkdir()
        os.chown(folder, _USER, _USER)
        spec = {
            "storageClassName": self.namespace,
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "hostPath": {"path": str(folder), "type": "Directory"},
        }
        self.cluster.api.create("/api/v1/persistentvolumes", {"metadata": {"name": self.namespace}, "spec": spec})


def attempts(place: InCluster) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and object of every attempt that the cluster has."""
    for base, plural in (("/apis/batch/v1", "jobs"), ("/apis/apps/v1", "deployments")):
        ours = f"app.kubernetes.io/managed-by={names.MANAGER}"
        for item in place.items(base, plural, ours, place.runs_namespace):
            yield item["metadata"]["annotations"][names.KEY], item
