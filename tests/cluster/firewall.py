"""Kube-router on a cluster of this machine, as what enforces network policies alone: a process of the node."""

from __future__ import annotations

from tests.cluster import guests, start
from tests.cluster.cluster import OwnCluster
from tests.cluster.control import Control

_HEALTH = 20244


def enforce(cluster: OwnCluster) -> None:
    """Have the network policies of a cluster hold until it ends: those of every test, so it is of the test's own."""
    instance = cluster.instance
    flags = {
        "run-firewall": "true",
        "run-router": "false",
        "run-service-proxy": "false",
        "run-loadbalancer": "false",
        "kubeconfig": str(cluster.kubeconfig),
        "hostname-override": "node",
        "service-cluster-ip-range": instance.services,
        "health-port": str(_HEALTH),
        "enable-ipv6": "false",
    }
    control = Control(instance.control)
    try:
        argv = [str(guests.made("kube-router")), *(f"--{name}={value}" for name, value in flags.items())]
        control.start("kube-router", argv, instance.log("kube-router"))
        if not start.until(start.PATIENCE, lambda: start.answers(f"http://{instance.node}:{_HEALTH}/healthz")):
            raise start.StartError(f"kube-router did not come up. It said last:\n{start.last(instance, 'kube-router')}")
    finally:
        control.close()
