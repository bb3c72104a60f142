"""The golden cases of render: a spec on disk, the settings that it is rendered with, and the manifests beside it."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from reconciler.backends.kubernetes.render import Manifests, render
from reconciler.backends.kubernetes.settings import AgentSettings, KubernetesSettings
from tests.reconciler.backends.kubernetes.orders import GOLDEN, Ask, order

AGENT = AgentSettings(image="registry.example/plumbline@sha256:" + "1" * 64, contact="https://plumbline.ml.svc:8443")
TOKEN = "a-token"

CASES: Mapping[str, Ask] = {
    "job": Ask(KubernetesSettings(namespace="ml")),
    "job-agent": Ask(KubernetesSettings(namespace="ml", agent=AGENT)),
    "service": Ask(KubernetesSettings(namespace="ml")),
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
    return yaml.safe_dump_all(manifests(name).listed, sort_keys=True, width=110)
