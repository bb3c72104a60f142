"""The command line of each component, and how it is known to be ready. Computes; starts nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cluster.layout import Instance

READY = {
    "etcd": "http://{node}:2379/health",
    "kube-apiserver": "https://{node}:6443/readyz",
    "kube-controller-manager": "https://{node}:10257/healthz",
    "kube-scheduler": "https://{node}:10259/healthz",
    "kubelet": "http://{node}:10248/healthz",
    "kube-proxy": "http://{node}:10256/healthz",
    "coredns": "http://{node}:8181/ready",
}
"""What answers 200 when the component works. containerd has its socket only."""


def ready(instance: Instance, component: str) -> str | None:
    """The address to ask; none for what is asked otherwise."""
    return READY[component].format(node=instance.node) if component in READY else None


def argv(instance: Instance, component: str, program: Path) -> list[str]:
    """Everything it is started with. `program` holds all components but containerd, which is Debian's."""
    if component == "containerd":
        return ["/usr/bin/containerd", "--config", str(instance.folder / "etc" / "containerd.toml")]
    if component == "coredns":  # Go's flag package: one dash
        return [str(program), component, "-conf", str(instance.folder / "etc" / "Corefile")]
    flags = _FLAGS[component](instance)
    return [str(program), component, *(f"--{name}={value}" for name, value in flags.items())]


def _etcd(instance: Instance) -> dict[str, str]:
    return {
        "data-dir": str(instance.folder / "etcd"),
        "listen-client-urls": "http://127.0.0.1:2379,http://" + f"{instance.node}:2379",
        "advertise-client-urls": "http://127.0.0.1:2379",
        "listen-peer-urls": "http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",  # what it keeps lives as long as the test
        "quota-backend-bytes": str(4 << 30),
    }


def _apiserver(instance: Instance) -> dict[str, str]:
    ca, _ = instance.certificate("ca")
    serving, serving_key = instance.certificate("apiserver")
    client, client_key = instance.certificate("kubelet-client")
    public, private = instance.certificate("service-accounts")
    return {
        "etcd-servers": "http://127.0.0.1:2379",
        "advertise-address": instance.node,
        "secure-port": "6443",
        "service-cluster-ip-range": instance.services,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "client-ca-file": str(ca),
        # Nobody has a certificate of this name: no other server speaks for this one. Without it the others complain.
        "requestheader-client-ca-file": str(ca),
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "tls-cert-file": str(serving),
        "tls-private-key-file": str(serving_key),
        "kubelet-certificate-authority": str(ca),
        "kubelet-client-certificate": str(client),
        "kubelet-client-key": str(client_key),
        # The node's name resolves nowhere.
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(public),
        "service-account-signing-key-file": str(private),
        "audit-policy-file": str(instance.folder / "etc" / "audit.yaml"),
        "audit-log-path": str(instance.audit),
    }


def _manager(instance: Instance) -> dict[str, str]:
    ca, ca_key = instance.certificate("ca")
    _, private = instance.certificate("service-accounts")
    return _of_the_plane(instance, "kube-controller-manager") | {
        "service-account-private-key-file": str(private),
        "root-ca-file": str(ca),
        "cluster-signing-cert-file": str(ca),
        "cluster-signing-key-file": str(ca_key),
        "use-service-account-credentials": "true",
        "flex-volume-plugin-dir": str(instance.folder / "plugins"),
        # Its start is some hundred questions; a test waits for none of them.
        "kube-api-qps": "200",
        "kube-api-burst": "400",
    }


def _of_the_plane(instance: Instance, user: str) -> dict[str, str]:
    kubeconfig = str(instance.kubeconfig(user))
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        # There is one; waiting for the lease of the one that was killed would cost a restart 15 s.
        "leader-elect": "false",
    }


def _kubelet(instance: Instance) -> dict[str, str]:
    return {
        "config": str(instance.folder / "etc" / "kubelet.yaml"),
        "kubeconfig": str(instance.kubeconfig("node")),
        "hostname-override": "node",
        "node-ip": instance.node,
        "root-dir": str(instance.folder / "kubelet"),
    }


_FLAGS: dict[str, Callable[[Instance], dict[str, str]]] = {
    "etcd": _etcd,
    "kube-apiserver": _apiserver,
    "kube-controller-manager": _manager,
    "kube-scheduler": lambda instance: _of_the_plane(instance, "kube-scheduler"),
    "kubelet": _kubelet,
    "kube-proxy": lambda instance: {"config": str(instance.folder / "etc" / "kube-proxy.yaml")},
}
