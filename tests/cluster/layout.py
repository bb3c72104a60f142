"""Where an instance of the test cluster lives: its folder, its addresses, its names. Computes; touches nothing.

Everything of instance N carries the number, so that several live side by side and a leftover is recognised by its name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTANCES = 32
"""How many may be alive at once on a machine."""
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
    "coredns",
)
"""In the order in which they start."""


def cache() -> Path:
    """The user's cache folder of this project: the same that the Makefile names."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumbline"


@dataclass(frozen=True)
class Instance:
    """One cluster of this machine.

    Its network is 10.(128+N).0.0/16: a pair of addresses joins the machine and the node, pods and services have their
    ranges behind the node. Fixed ports are no problem: the node has a network namespace of its own.
    """

    number: int

    @property
    def name(self) -> str:
        """Of the network link on the side of the machine: 15 letters at most."""
        return f"plumbline-{self.number}"

    @property
    def group(self) -> str:
        """Of its control groups."""
        return f"plumbline-cluster-{self.number}"

    @cached_property
    def folder(self) -> Path:
        return cache() / "clusters" / str(self.number)

    @property
    def lock(self) -> Path:
        """Locked by the keeper for as long as anything of the instance is there."""
        return self.folder.with_suffix(".lock")

    @property
    def control(self) -> Path:
        """Socket of the node's first process."""
        return self.folder / "control"

    @property
    def logs(self) -> Path:
        return self.folder / "var" / "log"

    @property
    def audit(self) -> Path:
        return self.logs / "audit.log"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def kubeconfig(self, user: str) -> Path:
        return self.folder / "kubeconfig" / user

    def certificate(self, name: str) -> tuple[Path, Path]:
        """The certificate and its private key."""
        return self.folder / "pki" / f"{name}.crt", self.folder / "pki" / f"{name}.key"

    def address(self, rest: str) -> str:
        return f"10.{128 + self.number}.{rest}"

    @property
    def network(self) -> str:
        return self.address("0.0/16")

    @property
    def host(self) -> str:
        """The machine, as pods and the node reach it."""
        return self.address("0.1")

    @property
    def node(self) -> str:
        """The node, and everything that runs on it: API server, DNS."""
        return self.address("0.2")

    @property
    def pods(self) -> str:
        return self.address("1.0/24")

    @property
    def services(self) -> str:
        return self.address("128.0/20")

    @property
    def first_service(self) -> str:
        """The address of the service `kubernetes`."""
        return self.address("128.1")

    @property
    def server(self) -> str:
        return f"https://{self.node}:6443"
