"""What `backends.kubernetes` of the configuration becomes: every setting reaches what the backend goes by."""

import dataclasses

import pytest

from planner.model.cluster import Allow, ClusterRules
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.configured_kubernetes import kubernetes_of, rules_of
from reconciler.settings_kubernetes import KubernetesBackend

pytestmark = pytest.mark.unit

SAID = {
    "namespace": "ml",
    "runNamespaces": ["research"],
    "serviceAccount": "runs",
    "serviceAccounts": ["trainer"],
    "agent": {"image": "plumbline:1", "contact": "http://plumbline.ml.svc:8090"},
    "allow": ["hostPath"],
    "secrets": ["team-*"],
    "annotations": ["team.example/*"],
    "user": 1000,
    "group": 2000,
    "nodeSelector": {"pool": "runs"},
    "tolerations": [{"operator": "Exists"}],
    "imagePullSecrets": ["registry"],
    "imagePullPolicy": "Always",
    "priorityClass": "batch",
    "localQueues": {"gold": "team-gold"},
    "route": {"host": "{service}.example.org"},
    "env": {"A": "b"},
    "scratch": "20Gi",
}


def test_every_setting_reaches_the_backend():
    made = kubernetes_of(KubernetesBackend.model_validate(SAID), {})
    plain = KubernetesSettings()
    same = {one.name for one in dataclasses.fields(plain) if getattr(made, one.name) == getattr(plain, one.name)}
    assert same == {"connections"}


def test_every_rule_reaches_specs():
    made = rules_of(KubernetesBackend.model_validate(SAID))
    plain = ClusterRules()
    assert all(getattr(made, one.name) != getattr(plain, one.name) for one in dataclasses.fields(plain))
    assert made.allow == {Allow.HOST_PATH}
    assert rules_of(KubernetesBackend()) == plain
