"""The configuration files of one cluster's components. Writes them; starts nothing.

Every path is inside the instance's folder: what a component keeps goes with it.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import yaml

from tests.cluster.images import PAUSE
from tests.cluster.layout import Instance

KUBELET_GROUP = "kubelet.config.k8s.io/v1beta1"
REGISTRIES = "etc/registries"
"""Below the instance's folder: how the node reaches registries, a folder each. Read at every pull."""


def write(instance: Instance) -> None:
    """Write all of them."""
    folder = instance.folder / "etc"
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "audit.yaml": audit_policy(),
        "kubelet.yaml": kubelet(instance),
        "kube-proxy.yaml": kube_proxy(instance),
        "cni/10-bridge.conflist": network(instance),
    }
    texts = {name: json.dumps(document, indent=1) for name, document in documents.items()}
    texts |= {
        "containerd.toml": containerd(instance),
        "Corefile": corefile(instance),
        "resolv.conf": f"nameserver {instance.node}\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for user in ("admin", "node", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"):
        certificate, key = instance.certificate(user)
        proof = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
        kubeconfig(instance, user, proof)


def kubeconfig(instance: Instance, user: str, proof: dict[str, str]) -> Path:
    """Write a kubeconfig that stands by itself: every certificate is in the file."""
    path = instance.kubeconfig(user)
    write_kubeconfig(path, instance.server, encoded(instance.certificate("ca")[0]), proof)
    return path


def write_kubeconfig(path: Path, server: str, authority: str, proof: dict[str, str]) -> None:
    """Write a kubeconfig of one cluster, one user and one context. `authority` is base64 of PEM."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": path.name, "user": proof}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": path.name}}],
        "current-context": "test",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def audit_policy() -> dict[str, object]:
    """Who asked for what and was answered how, without bodies; probes and the server itself are left out."""
    probes = {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"]}
    itself = {"level": "None", "users": ["system:apiserver"]}
    everything = {"level": "Metadata", "omitStages": ["RequestReceived"]}
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [probes, itself, everything]}


def kubelet(instance: Instance) -> dict[str, object]:
    certificate, key = (str(path) for path in instance.certificate("node"))
    return {
        "apiVersion": KUBELET_GROUP,
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(instance.certificate("ca")[0])},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": certificate,
        "tlsPrivateKeyFile": key,
        "healthzBindAddress": "0.0.0.0",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.group}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [instance.node],
        "clusterDomain": "cluster.local",
        "resolvConf": str(instance.folder / "etc" / "resolv.conf"),
        "volumePluginDir": str(instance.folder / "plugins"),
        "serializeImagePulls": False,
        # No image comes back that was collected: there is no registry.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # The machine's disk and memory are not this node's business, until they end.
        "evictionHard": {"memory.available": "64Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "logging": {"format": "text"},
    }


def kube_proxy(instance: Instance) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(instance.kubeconfig("kube-proxy"))},
        "clusterCIDR": instance.pods,
        "hostnameOverride": "node",
        "healthzBindAddress": "0.0.0.0:10256",
        # These are the machine's, not the namespace's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def network(instance: Instance) -> dict[str, object]:
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": instance.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(instance.folder / "addresses"),
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def containerd(instance: Instance) -> str:
    """`restrict_oom_score_adj`: without CAP_SYS_RESOURCE no process may be made less likely to be killed.

    No AppArmor profile: loading one would change the machine.
    """
    folder = instance.folder
    return f"""version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
disable_apparmor = true
max_concurrent_downloads = 1
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{folder}/{REGISTRIES}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter(folder)}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "/usr/sbin/runc"
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{folder}/etc/cni"
"""


def snapshotter(folder: Path) -> str:
    """Layers are laid over each other, or copied where the folder is on such a file system itself: in a container."""
    kind = subprocess.run(["stat", "--file-system", "--format=%T", folder], check=True, capture_output=True, text=True)
    return "native" if kind.stdout.strip() == "overlayfs" else "overlayfs"


def corefile(instance: Instance) -> str:
    """Names outside the cluster get no answer: a test asks nobody else."""
    return f""".:53 {{
  errors
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {instance.kubeconfig("coredns")} test
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 1
  }}
  cache 1
}}
"""
