"""A real Kubernetes on this machine, for tests. See docs/test-cluster.md.

`OwnCluster.start()` brings one up, `join` shares one that is up; `close` lets go of it, and the last one to let go ends
it. A process that is killed lets go too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.cluster import building, certificates, config, images, start, tidy
from tests.cluster.api import Api
from tests.cluster.certificates import Subject
from tests.cluster.control import Control, ControlError
from tests.cluster.layout import COMPONENTS, ROOT, Instance

HOUR = 3600
_IMAGES = {
    "busybox": images.BUSYBOX,
    "python": images.PYTHON,
    "agent": images.AGENT,
    "sample": images.SAMPLE,
    "buildah": images.BUILDAH,
}
PATIENCE = 120.0
"""Seconds for everything to be gone: on a busy disk the images take some time."""


class ClusterError(Exception):
    """The cluster cannot be had: why, and what a component said last."""


class OwnCluster:
    """One cluster of this machine: control plane and a node, or the control plane alone."""

    def __init__(self, instance: Instance, program: Path) -> None:
        """Take part in one that has a node; use `start` or `join`."""
        self.instance = instance
        self._program = program
        self._control = Control(instance.control)
        self._control.hold()
        self._keeper = instance.lock.read_text()
        self._turn = threading.Lock()
        self._api: Api | None = None
        self._closed = False

    @classmethod
    def start(cls, *, node: bool = True) -> Self:
        """Bring one up and wait until it works. Without `node` it has no kubelet: nothing runs."""
        program = start.program()
        cluster = cls(_kept(), program)
        try:
            certificates.make(cluster.instance)
            config.write(cluster.instance)
            cluster._up(node=node)
        except BaseException:
            cluster.close()
            raise
        return cluster

    @classmethod
    def join(cls, number: int) -> Self:
        """Share the one of this number, that another process of this user brought up."""
        return cls(Instance(number), start.program())

    def close(self) -> None:
        """Let go of it. The last one waits until nothing is left of it. A second time it does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._api:
            self._api.close()
        try:
            others = self._control.release()
        except ControlError:
            others = 0
        self._control.close()
        if not others and not start.until(PATIENCE, self._gone):
            raise ClusterError(f"something of {self.instance.name} is left: {self.instance.folder}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what tests use

    @property
    def kubeconfig(self) -> Path:
        """The administrator's: may do everything."""
        return self.instance.kubeconfig("admin")

    @property
    def host(self) -> str:
        """The address at which pods and the API server reach this process."""
        return self.instance.host

    @property
    def api(self) -> Api:
        """As the administrator."""
        with self._turn:  # of several threads that ask at once, one makes it
            if self._api is None:
                self._api = Api(self.kubeconfig)
            return self._api

    def image(self, name: str) -> str:
        """The image that pods may name: `plumbline`, or one of `_IMAGES`. Made and imported when needed."""
        full = {**_IMAGES, "plumbline": building.PLUMBLINE}[name]
        if full not in self._images():
            if full == images.BUILDAH:
                building.buildah()
            self.import_image(images.archive(full) if name in _IMAGES else building.archive())
        return full

    def import_image(self, archive: Path) -> None:
        """Give the node the image of a tar file, of docker's or of OCI's form."""
        start.import_image(self.instance, archive)

    def trust(self, registry: str, authority: Path) -> None:
        """Have the node pull from a registry, `host:port`, whose certificate is of this authority."""
        folder = self.instance.folder / config.REGISTRIES / registry
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(f'[host."https://{registry}"]\nca = "{authority}"\n')

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig of a user with a certificate of its own, who may do what roles say."""
        name = "".join(letter if letter.isalnum() else "-" for letter in user)
        certificate, key = certificates.sign(self.instance, name, Subject(user, tuple(groups)))
        proof = {"client-certificate-data": config.encoded(certificate), "client-key-data": config.encoded(key)}
        return config.kubeconfig(self.instance, name, proof)

    def kubeconfig_for_account(self, namespace: str, account: str, path: Path | None = None) -> Path:
        """A kubeconfig of a service account, with a token of an hour, by default in the cluster's folder."""
        path = path or self.instance.kubeconfig(f"{namespace}-{account}")
        return account_kubeconfig(self.api, namespace, account, path)

    def inside(self, *argv: str) -> str:
        """What a command prints that runs on the node, as root, in all its namespaces."""
        return start.inside(self.instance, *argv)

    def audit(self) -> list[dict[str, Any]]:
        """What the API server was asked since its start and answered: records of `audit.k8s.io/v1`, level Metadata."""
        with self.instance.audit.open() as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    # --- its components

    def stop(self, component: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a component, and wait for its end: SIGKILL is a crash. Pods of the node go on without kubelet."""
        _known(component)
        self._control.stop(component, how)

    def begin(self, component: str) -> None:
        """Start a component again that was stopped, and wait until it works."""
        _known(component)
        start.component(self.instance, self._control, component, self._program)
        start.wait(self.instance, self._control, [component])

    def restart(self, component: str, how: signal.Signals = signal.SIGTERM) -> None:
        self.stop(component, how)
        self.begin(component)

    def send(self, component: str, what: signal.Signals) -> None:
        """Send a signal to a component: SIGSTOP makes it silent with its connections open, SIGCONT lets it go on."""
        _known(component)
        self._control.send(component, what)

    def _gone(self) -> bool:
        """Whether its keeper has ended, which tidies; and after one that was killed, tidy."""
        if self.instance.lock.read_text() != self._keeper:
            return True
        with tidy.locked(self.instance) as held:
            if held:
                tidy.tidy(self.instance)
            return held

    def _images(self) -> set[str]:
        listed = self.inside("ctr", "--namespace", "k8s.io", "images", "list", "--quiet").split()
        return {name.removeprefix("docker.io/") for name in listed}

    def _up(self, *, node: bool) -> None:
        begun = COMPONENTS if node else COMPONENTS[:4]
        for component in ("etcd", "containerd") if node else ("etcd",):
            start.component(self.instance, self._control, component, self._program)
        start.wait(self.instance, self._control, ["etcd"])
        start.component(self.instance, self._control, "kube-apiserver", self._program)
        if node:
            start.wait(self.instance, self._control, ["containerd"])
            self.import_image(images.archive(images.PAUSE))
        start.wait(self.instance, self._control, ["kube-apiserver"])
        rest = [name for name in begun if name not in {"etcd", "containerd", "kube-apiserver"}]
        for component in rest:
            start.component(self.instance, self._control, component, self._program)
        start.wait(self.instance, self._control, rest)
        start.usable(self.instance, self._control, self.api, node=node)


def account_kubeconfig(api: Api, namespace: str, account: str, path: Path) -> Path:
    """Write the kubeconfig of a service account, with a token of an hour."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": HOUR}}
    token = api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", asked)["status"]["token"]
    config.write_kubeconfig(path, api.server, api.authority, {"token": token})
    return path


def _known(component: str) -> None:
    if component not in COMPONENTS:
        raise ValueError(f"{component}: no component; there are {', '.join(COMPONENTS)}")


def _kept() -> Instance:
    """An instance with a keeper, that waits for its first holder."""
    # Nobody waits for the keeper: it outlives who started it where others still hold the cluster.
    reader, writer = os.pipe()
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.cluster.keeper"],
        {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsid=True,
    )
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        line = said.readline()
    answer = json.loads(line or '{"problem": "the keeper ended"}')
    if "problem" in answer:
        raise ClusterError(answer["problem"])
    return Instance(answer["number"])
