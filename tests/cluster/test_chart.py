"""The chart without a cluster: what it renders, what it refuses, and in which words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reconciler.settings import load_settings
from tests.cluster.helm import CHART, LEAST, HelmError, Values, daemon_config, helm, one, rendered, with_values
from tests.cluster.layout import ROOT

pytestmark = pytest.mark.cluster

POSTGRES: Values = {"config": {"ledger": {"url": "postgresql://plumbline@db.example.org/plumbline"}}}
TWO: Values = {**POSTGRES, "replicas": 2, "persistence": {"accessModes": ["ReadWriteMany"]}}
EVERYTHING: Values = {
    **{name: value for name, value in TWO.items() if name != "config"},
    "image": {"digest": f"sha256:{'ab' * 32}"},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        **POSTGRES["config"],
        "api": {"tokens": [{"name": "builds", "sha256": "cd" * 32, "scopes": ["events", "read"]}]},
        "pages": {"url": "https://tools.example.org/plumbline"},
        "retention": {"commits": 5_000_000},
        "backends": {
            "kubernetes": {
                "user": None,
                "route": {"host": "{service}.ml.example.org"},
                "localQueues": {"gpu": "team-gpu"},
                "agent": {"resources": {"limits": {"memory": "1Gi"}}},
            }
        },
    },
    "rbac": {"planServer": True},
    "runNamespace": "runs",
    "runNamespaces": ["gpu", "runs"],
    "secrets": {
        "ledgerPassword": {"name": "ledger", "key": "password"},
        "repositoryToken": {"name": "forge", "key": "token"},
        "tokenKey": {"name": "tokens", "key": "key"},
    },
    "configMaps": {"certificates": {"name": "forge", "key": "ca.crt"}},
    "serviceAccount": {"annotations": {"example.org/role": "ml"}},
    "events": {"enabled": True},
    "webhooks": {
        "enabled": True,
        "secrets": [{"name": "hooks", "key": "now"}, {"name": "hooks", "key": "next"}],
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "host": "hooks.example.org",
            "tlsSecret": "hooks-tls",
            "annotations": {"example.org/issuer": "ml"},
        },
    },
    "pages": {
        "enabled": True,
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "host": "tools.example.org",
            "tlsSecret": "tools-tls",
            "annotations": {"example.org/issuer": "ml"},
        },
    },
    "networkPolicy": {
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "egress": [{"ports": [{"port": 443}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "env": [{"name": "AWS_REGION", "value": "eu-north-1"}],
    "envFrom": [{"secretRef": {"name": "keys"}}],
    "volumes": [{"name": "s3", "secret": {"secretName": "s3"}}],
    "volumeMounts": [{"name": "s3", "mountPath": "/etc/s3", "readOnly": True}],
    "podLabels": {"team": "ml"},
    "podAnnotations": {"example.org/scrape": "no"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "system-cluster-critical",
}
"""A value of everything that there is."""


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["least", "everything"])
def test_helm_has_nothing_to_say_of_it(values):
    assert "0 chart(s) failed" in with_values(("lint", "--strict", str(CHART)), LEAST, values)


def test_the_daemon_takes_what_is_rendered(tmp_path):
    path = tmp_path / "daemon.yaml"
    path.write_text(one(rendered(EVERYTHING), "ConfigMap")["data"]["daemon.yaml"])
    settings = load_settings(path)
    kubernetes = settings.backends.kubernetes
    assert (kubernetes.namespace, kubernetes.run_namespaces, kubernetes.user) == ("runs", ("gpu", "runs"), None)
    assert kubernetes.agent is not None
    assert kubernetes.agent.image == f"registry.example.org/plumbline@sha256:{'ab' * 32}"
    assert kubernetes.agent.contact == "http://plumbline.ml.svc:8090"
    assert kubernetes.agent.resources == {"limits": {"memory": "1Gi"}}, "what the chart does not decide stays"
    assert settings.retention.commits == 5_000_000
    assert settings.ledger is not None
    assert str(settings.ledger.password_file) == "/etc/plumbline-secrets/ledger-password"
    assert str(settings.repository.access.token_file) == "/etc/plumbline-secrets/repository-token"
    assert settings.api.events == "0.0.0.0:8070"
    assert settings.webhooks is not None
    assert settings.webhooks.listen == "0.0.0.0:8080"
    assert [str(secret.file) for secret in settings.webhooks.secrets] == [
        "/etc/plumbline-secrets/webhook-0",
        "/etc/plumbline-secrets/webhook-1",
    ]
    assert (settings.pages.listen, settings.pages.url) == ("0.0.0.0:8061", "https://tools.example.org/plumbline")


def test_the_least_is_a_daemon_with_a_volume_and_rights_in_its_own_namespace():
    made = rendered()
    kinds = "ConfigMap Deployment NetworkPolicy PersistentVolumeClaim Role RoleBinding Service ServiceAccount"
    assert sorted(item["kind"] for item in made) == kinds.split()
    assert {item["metadata"]["namespace"] for item in made} == {"ml"}
    assert daemon_config(made) == {
        "repository": {"url": "https://forge.example.org/team/models.git"},
        "state": "/var/lib/plumbline/state",
        "backend": "kubernetes",
        "backends": {
            "kubernetes": {
                "namespace": "ml",
                "runNamespaces": [],
                "agent": {
                    "image": "registry.example.org/plumbline:0.1.0",
                    "pullPolicy": "IfNotPresent",
                    "contact": "http://plumbline.ml.svc:8090",
                    "listen": "0.0.0.0:8090",
                },
            }
        },
        "api": {"health": "0.0.0.0:8060", "healthOpen": True},
    }


def test_rights_are_in_the_namespaces_of_runs_alone():
    named = [item for item in rendered(EVERYTHING) if item["kind"] == "Role"]
    roles = [role for role in named if role["metadata"]["name"] == "plumbline-runs"]
    assert [role["metadata"]["namespace"] for role in roles] == ["runs", "gpu"]
    (election,) = [role for role in named if role not in roles]
    assert election["metadata"]["namespace"] == "ml"
    assert {resource for rule in election["rules"] for resource in rule["resources"]} == {"leases"}
    assert not [item for item in rendered(EVERYTHING) if item["kind"].startswith("ClusterRole")]
    for role in roles:
        granted = {
            (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
        }
        assert not {resource for resource, _ in granted if resource.startswith(("roles", "rolebind", "service/", "*"))}
        assert {verb for resource, verb in granted if resource == "secrets"} == {"create", "delete"}
        assert ("pods", "create") in granted, "asked for by a value"
        assert not {verb for _, verb in granted} & {"*", "escalate", "bind", "impersonate", "deletecollection"}


def test_a_daemon_may_make_no_pod_unless_it_is_said():
    for rule in one(rendered(), "Role", "plumbline-runs")["rules"]:
        assert "pods" not in rule["resources"] or "create" not in rule["verbs"]
        assert "services" not in rule["resources"] or "get" not in rule["verbs"]


def test_the_page_has_each_right():
    """Of the least rights that there are, and of the most."""
    text = (ROOT / "docs" / "install.md").read_text().partition("### Rights\n")[2].partition("\n### ")[0]
    for rule in one(rendered(EVERYTHING, {"runNamespaces": []}), "Role", "plumbline-runs")["rules"]:
        for resource in rule["resources"]:
            said = [line for line in text.splitlines() if f"`{resource}`" in line]
            assert set(rule["verbs"]) <= set(re.findall("[a-z]+", " ".join(said)))


def test_the_pod_is_what_the_level_restricted_asks_for():
    spec = one(rendered(EVERYTHING), "Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    sources = next(volume["projected"]["sources"] for volume in spec["volumes"] if volume["name"] == "secrets")
    names = [next(iter(source.values()))["name"] for source in sources]
    assert names == ["ledger", "forge", "tokens", "hooks", "hooks", "forge"]


def test_two_replicas_elect_one_and_share_what_runs_left():
    made = rendered(TWO)
    settings = daemon_config(made)
    assert settings["election"] == {"lease": "plumbline", "namespace": "ml"}
    assert settings["backends"]["kubernetes"]["state"] == "/var/lib/plumbline-shared/state/kubernetes"
    deployment = one(made, "Deployment")["spec"]
    assert "type" not in deployment["strategy"], "the next one stands by before the last one ends"
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert "emptyDir" in volumes["state"], "the mirror and the socket are each replica's own"
    assert volumes["shared"]["persistentVolumeClaim"]["claimName"] == "plumbline"
    assert one(made, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    from_daemons = one(made, "NetworkPolicy")["spec"]["ingress"][1]
    assert from_daemons["ports"] == [{"port": "pods"}]
    key = {"persistence": {"enabled": False}, "secrets": {"tokenKey": {"name": "tokens", "key": "key"}}}
    alone = daemon_config(rendered(TWO, key))["backends"]["kubernetes"]
    assert "state" not in alone
    assert alone["agent"]["tokenKeyFile"] == "/etc/plumbline-secrets/token-key"


def test_one_replica_has_no_election():
    made = rendered(POSTGRES)
    assert "election" not in daemon_config(made)
    assert one(made, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert not [item for item in made if item["metadata"]["name"].endswith("-election")]


def test_another_configuration_is_another_pod():
    def checksum(values: Values) -> str:
        return str(
            one(rendered(values), "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        )

    assert checksum({}) == checksum({"podLabels": {}})
    assert checksum({}) != checksum({"config": {"resync": 10}})


def test_names_are_cut_so_that_they_stay_names():
    long = "a" * 53
    for item in rendered(EVERYTHING, release=long):
        assert len(item["metadata"]["name"]) <= 63


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"replicaCount": 2}, "replicaCount", id="unknown"),
        pytest.param({"image": {"repo": "x"}}, "repo", id="unknown-below"),
        pytest.param({"replicas": 0}, "/replicas", id="no-daemon"),
        pytest.param({"replicas": "2"}, "/replicas", id="a-word-for-a-number"),
        pytest.param({"runNamespaces": ["Bad"]}, "/runNamespaces/0", id="no-namespace"),
        pytest.param({"secrets": {"ledgerPassword": "hunter2"}}, "/secrets/ledgerPassword", id="a-secret-as-a-value"),
        pytest.param({"secrets": {"ledgerPassword": {"name": "x"}}}, "key", id="a-secret-without-a-key"),
        pytest.param({"persistence": {"accessModes": ["Any"]}}, "/persistence/accessModes/0", id="mode"),
        pytest.param({"persistence": {"size": 10}}, "/persistence/size", id="size"),
        pytest.param({"resources": {"limit": {}}}, "limit", id="resources"),
        pytest.param({"listen": "everywhere"}, "/listen", id="listen"),
        pytest.param({"image": {"digest": "sha256:ab"}}, "/image/digest", id="digest"),
        pytest.param({"image": {"repository": ""}}, "there is no public image", id="no-image"),
        pytest.param({"config": {"repository": None}}, "`config.repository.url` is not set", id="no-repository"),
        pytest.param({"replicas": 2}, "the ledger is a file: one daemon has it at a time", id="two-with-a-file"),
        pytest.param({**POSTGRES, "replicas": 2}, "lets one pod alone have the volume", id="two-with-a-volume-of-one"),
        pytest.param({**TWO, "persistence": {"enabled": False}}, "no key in common", id="two-without-a-key"),
        pytest.param(
            {"agent": {"enabled": False}, "secrets": {"tokenKey": {"name": "x", "key": "y"}}},
            "`agent.enabled` is false: leave one out",
            id="a-key-for-nobody",
        ),
        pytest.param({"persistence": {"enabled": False}}, "which would go with the pod", id="a-file-on-nothing"),
        pytest.param(
            {"secrets": {"ledgerPassword": {"name": "x", "key": "y"}}},
            "no `config.ledger.url`",
            id="password-of-nothing",
        ),
        pytest.param({"events": {"enabled": True}}, "nobody could send any", id="events-of-nobody"),
        pytest.param(
            {"agent": {"enabled": False}, "config": {"backends": {"kubernetes": {"agent": {"image": "x"}}}}},
            "`config.backends.kubernetes.agent",
            id="an-agent-and-none",
        ),
    ],
)
def test_what_is_refused(values: Values, words: str):
    with pytest.raises(HelmError) as error:
        rendered(values)
    assert words in str(error.value)


RESERVED = (
    "state",
    "backend",
    "backends.kubernetes.kubeconfig",
    "backends.kubernetes.context",
    "backends.kubernetes.namespace",
    "backends.kubernetes.runNamespaces",
    "backends.kubernetes.state",
    "backends.kubernetes.agent.tokenKeyFile",
    "backends.kubernetes.agent.image",
    "backends.kubernetes.agent.pullPolicy",
    "backends.kubernetes.agent.contact",
    "backends.kubernetes.agent.listen",
    "election.lease",
    "election.namespace",
    "api.health",
    "api.healthOpen",
    "api.events",
    "webhooks.listen",
    "webhooks.secrets",
    "pages.listen",
    "ledger.passwordFile",
    "repository.access.tokenFile",
    "repository.access.sshKey",
    "repository.access.knownHosts",
    "repository.access.certificates",
)


@pytest.mark.parametrize("path", RESERVED)
def test_what_the_chart_decides_is_not_said_twice(path: str):
    value: Any = "x"
    for name in reversed(path.split(".")):
        value = {name: value}
    with pytest.raises(HelmError, match=rf"`config\.{path}` is what the chart decides: leave it out; "):
        rendered({"config": value})


def test_everything_that_the_chart_decides_is_reserved():
    """What it adds to daemon.yaml could otherwise be overridden in silence."""

    def paths(value: Any, at: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {at}
        return set().union(*(paths(item, f"{at}.{name}".lstrip(".")) for name, item in value.items()))

    mine = {**EVERYTHING, "config": {}}
    said = paths({**LEAST["config"], **EVERYTHING["config"]})
    made = paths(daemon_config(rendered({**mine, "config": EVERYTHING["config"]})))
    assert made - said <= set(RESERVED)


def test_every_default_fits_the_schema_and_is_in_it():
    schema = json.loads((CHART / "values.schema.json").read_text())
    shown = helm("show", "values", str(CHART))
    for name in schema["properties"]:
        assert name == "global" or f"\n{name}:" in f"\n{shown}", f"{name} has no default and no comment"


def test_webhooks_come_from_outside_by_one_path():
    made = rendered(EVERYTHING)
    ingress = one(made, "Ingress", "plumbline-webhooks")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("hooks.example.org", "/webhook", "Exact")
    assert path["backend"]["service"] == {"name": "plumbline", "port": {"name": "webhooks"}}
    assert ingress["spec"]["tls"] == [{"hosts": ["hooks.example.org"], "secretName": "hooks-tls"}]
    ports = {port["name"]: port["port"] for port in one(made, "Service")["spec"]["ports"]}
    assert ports["webhooks"] == 8080
    pod = one(made, "Deployment")["spec"]["template"]["spec"]
    (secrets,) = [volume for volume in pod["volumes"] if volume["name"] == "secrets"]
    files = [
        item["path"]
        for source in secrets["projected"]["sources"]
        for item in (source.get("secret") or {}).get("items", ())
    ]
    assert {"webhook-0", "webhook-1"} <= set(files)
    policy = one(made, "NetworkPolicy")["spec"]["ingress"]
    assert {"ports": [{"port": "webhooks"}]} in policy, "anybody, as nobody is named"
    (passed,) = [rule for rule in policy if len(rule["ports"]) > 1]
    assert [port["port"] for port in passed["ports"]] == ["pods", "events", "webhooks", "pages"]


READERS: Values = {"config": {"api": {"tokens": [{"name": "ada", "sha256": "cd" * 32, "scopes": ["read"]}]}}}
SHOWN: Values = {"pages": {"enabled": True, "ingress": {"enabled": True, "host": "pages.example.org"}}}


def test_pages_are_read_through_the_service_and_an_ingress():
    made = rendered(EVERYTHING)
    ingress = one(made, "Ingress", "plumbline-pages")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("tools.example.org", "/plumbline", "Prefix")
    assert path["backend"]["service"] == {"name": "plumbline", "port": {"name": "pages"}}
    assert ingress["spec"]["tls"] == [{"hosts": ["tools.example.org"], "secretName": "tools-tls"}]
    (port,) = [port for port in one(made, "Service")["spec"]["ports"] if port["name"] == "pages"]
    assert port == {"name": "pages", "port": 8061, "targetPort": "pages"}
    (container,) = one(made, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "pages", "containerPort": 8061} in container["ports"]
    assert {"ports": [{"port": "pages"}]} in one(made, "NetworkPolicy")["spec"]["ingress"]
    peers = [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]
    policy = one(rendered(EVERYTHING, {"networkPolicy": {"pagesFrom": peers}}), "NetworkPolicy")["spec"]["ingress"]
    assert {"ports": [{"port": "pages"}], "from": peers} in policy


def test_statuses_link_to_the_host_of_the_ingress_where_nothing_else_is_said():
    made = rendered(READERS, SHOWN)
    assert daemon_config(made)["pages"] == {"listen": "0.0.0.0:8061", "url": "https://pages.example.org"}
    (rule,) = one(made, "Ingress", "plumbline-pages")["spec"]["rules"]
    assert rule["http"]["paths"][0]["path"] == "/"
    inside = rendered(READERS, {"pages": {"enabled": True}})
    assert daemon_config(inside)["pages"] == {"listen": "0.0.0.0:8061"}
    assert not [item for item in inside if item["kind"] == "Ingress"]


def test_without_pages_nothing_is_opened_for_them():
    made = rendered()
    assert "pages" not in daemon_config(made)
    assert "8061" not in json.dumps(made)


HALF_PAGES: dict[str, tuple[Values, str]] = {
    "no-readers": ({"pages": {"enabled": True}}, "with the scope `read`"),
    "no-reader-among-them": (
        {"config": {"api": {"tokens": [{"name": "a", "sha256": "cd" * 32}]}}, "pages": {"enabled": True}},
        "with the scope `read`",
    ),
    "not-enabled": ({**READERS, "pages": {"ingress": {"enabled": True, "host": "a"}}}, "`pages.enabled` is false"),
    "only-in-config": ({"config": {"pages": {"url": "https://p.example.org"}}}, "`pages.enabled` is false"),
    "no-host": ({**READERS, "pages": {"enabled": True, "ingress": {"enabled": True}}}, "needs `pages.ingress.host`"),
    "another-host": (
        {"config": {**READERS["config"], "pages": {"url": "https://other.example.org"}}, **SHOWN},
        "has another host",
    ),
}


@pytest.mark.parametrize(("values", "words"), HALF_PAGES.values(), ids=HALF_PAGES)
def test_half_of_pages_is_refused(values: Values, words: str):
    with pytest.raises(HelmError, match=words):
        rendered(values)


HALF: dict[str, tuple[Values, str]] = {
    "no-secrets": ({"webhooks": {"enabled": True}}, "needs `webhooks.secrets`"),
    "not-enabled": ({"webhooks": {"secrets": [{"name": "a", "key": "b"}]}}, "`webhooks.enabled` is false"),
    "only-in-config": ({"config": {"webhooks": {"repository": "team/models"}}}, "`webhooks.enabled` is false"),
    "no-host": (
        {"webhooks": {"enabled": True, "secrets": [{"name": "a", "key": "b"}], "ingress": {"enabled": True}}},
        "needs `webhooks.ingress.host`",
    ),
}


@pytest.mark.parametrize(("values", "words"), HALF.values(), ids=HALF)
def test_half_of_webhooks_is_refused(values: Values, words: str):
    with pytest.raises(HelmError, match=words):
        rendered(values)
