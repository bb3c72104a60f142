"""The golden cases of render: a spec on disk, the settings that it is rendered with, and the manifests beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import yaml

from planner.model.cluster import Allow, ClusterRules
from reconciler.backends.kubernetes.render import Manifests, render
from reconciler.backends.kubernetes.settings import AgentSettings, KubernetesSettings, Route
from tests.reconciler.backends.kubernetes.orders import GOLDEN, Ask, connections, order

AGENT = AgentSettings(image="registry.example/plumbline@sha256:" + "1" * 64, contact="https://plumbline.ml.svc:8443")
TOKEN = "a-token"

PLAIN = KubernetesSettings(namespace="ml")
CATALOGUE = connections(
    {"name": "bucket", "kind": "s3", "schema": {"bucket": "s3://models"}, "secret": {"name": "s3-keys"}},
    {
        "name": "datasets",
        "kind": "volume_claim",
        "schema": {"volumeClaim": "datasets", "mountPath": "/data", "readOnly": True},
    },
    {"name": "local-disk", "kind": "host_path", "schema": {"hostPath": "/mnt/disk", "mountPath": "/disk"}},
    {
        "name": "hub",
        "kind": "registry",
        "schema": {"url": "registry.example"},
        "secret": {"name": "registry-team", "mountPath": "/kaniko/.docker", "items": [".dockerconfigjson"]},
    },
    {
        "name": "warehouse",
        "kind": "postgres",
        "schema": {"host": "db.internal"},
        "secret": {"name": "db", "items": ["PGUSER", "PGPASSWORD"]},
        "configMap": {"name": "db-settings"},
        "env": {"PGHOST": "db.internal", "PGPORT": 5432},
        "annotations": {"example.org/egress": "db"},
    },
    {"name": "code", "kind": "git", "schema": {"url": "https://forge.example/lib.git"}},
)
FULL = KubernetesSettings(
    namespace="ml",
    run_namespaces=("research",),
    service_account="runs",
    rules=ClusterRules(service_accounts=("trainer",)),
    node_selector={"pool": "runs"},
    tolerations=({"key": "runs", "operator": "Exists", "effect": "NoSchedule"},),
    image_pull_secrets=("registry",),
    priority_class="batch",
    tracking="# plumbline_tracking.py\n",
    env={"HTTPS_PROXY": "http://proxy.example:3128", "PYTHONPATH": "/opt/shared"},
    image_pull_policy="IfNotPresent",
    scratch="20Gi",
)
INGRESS = Route("Ingress", "{service}.{namespace}.example.org", ingress_class="nginx", tls_secret="wildcard")
GATEWAY = Route("HTTPRoute", "{service}.example.org", gateways=({"name": "public", "namespace": "gateways"},))
ROOT = frozenset(
    {Allow.ROOT, Allow.PRIVILEGED, Allow.HOST_PATH, Allow.HOST_NETWORK, Allow.HOST_IPC, Allow.NODE_NAME, Allow.PRIORITY}
)

CASES: Mapping[str, Ask] = {
    "job": Ask(PLAIN),
    "job-agent": Ask(replace(PLAIN, agent=AGENT)),
    "job-full": Ask(FULL, grace=120.0),
    "job-image-decides": Ask(PLAIN),
    "job-failure-policy": Ask(PLAIN),
    "job-queued": Ask(replace(PLAIN, local_queues={"gold": "team-gold"})),
    "service": Ask(PLAIN),
    "service-full": Ask(replace(FULL, agent=AGENT, route=INGRESS)),
    "service-route": Ask(replace(PLAIN, route=GATEWAY)),
    "service-without-ports": Ask(PLAIN),
    "connections": Ask(replace(PLAIN, connections=CATALOGUE)),
    "init": Ask(replace(PLAIN, agent=AGENT), files={"src/train.py": "print()\n"}),
    "allowed": Ask(replace(PLAIN, rules=ClusterRules(allow=ROOT))),
    "image-user": Ask(replace(PLAIN, agent=AGENT, rules=ClusterRules(user=None, group=None))),
}
"""By the folder of each."""


def manifests(name: str) -> Manifests:
    """What a case is rendered to."""
    ask = CASES[name]
    token = TOKEN if ask.settings.agent.contact else ""
    text = (GOLDEN / "render" / name / "run.yaml").read_text()
    return render(order(text, ask), ask.settings, token)


def golden(name: str) -> str:
    """The file of a case."""
    return yaml.dump_all(manifests(name).listed, Dumper=_Whole, sort_keys=True, width=110)


class _Whole(yaml.SafeDumper):
    """Writes what is there twice, twice."""

    def ignore_aliases(self, data):
        return True
