"""docs/backends.md says the truth: what becomes of each field is tried, in processes, containers and a cluster."""

import json
from dataclasses import replace

import pytest

from planner.compile import CompileConfig
from planner.compile.clustered import UNUSED
from planner.model.cluster import Allow, ClusterRules
from planner.model.engine import EngineAllow, EngineRules
from planner.spec.container import Container
from planner.spec.environment import Environment
from planner.spec.init import InitEntry
from planner.spec.plugins import Plugins
from planner.spec.run import Service
from planner.spec.termination import Termination
from reconciler.backends.kubernetes.render import render
from reconciler.backends.kubernetes.render.fields import FIELDS, Use
from reconciler.backends.kubernetes.settings import KubernetesSettings, Route
from scripts import docs_backends
from tests.planner.compile.trees import compiled
from tests.reconciler.backends.kubernetes.cases import AGENT, TOKEN
from tests.reconciler.backends.kubernetes.orders import Ask, connections, order

pytestmark = pytest.mark.unit

SECTIONS = {
    "environment": Environment,
    "container": Container,
    "run": Service,
    "init": InitEntry,
    "termination": Termination,
    "plugins": Plugins,
}
PROBE = {"exec": {"command": ["true"]}}
ENVIRONMENT = {
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
    "tolerations": [{"operator": "Exists"}],
    "nodeName": "node-1",
    "serviceAccountName": "trainer",
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
    "securityContext": {"fsGroup": 7},
    "imagePullSecrets": ["registry"],
    "hostNetwork": True,
    "hostPID": True,
    "hostIPC": True,
    "dnsPolicy": "Default",
    "dnsConfig": {"nameservers": ["10.0.0.53"]},
    "schedulerName": "mine",
    "priorityClassName": "gold",
    "priority": 7,
    "restartPolicy": "OnFailure",
}
CONTAINER = {
    "name": "mine",
    "image": "other",
    "command": ["b"],
    "args": ["b"],
    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
    "workingDir": "src",
    "resources": {"requests": {"cpu": 1}},
    "readinessProbe": {"grpc": {"port": 80}},
    "envFrom": [{"configMapRef": {"name": "a"}}],
    "ports": [{"containerPort": 9100, "name": "metrics"}],
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    "volumeDevices": [{"name": "v", "devicePath": "/dev/v"}],
    "lifecycle": {"preStop": PROBE},
    "livenessProbe": PROBE,
    "startupProbe": PROBE,
    "securityContext": {"readOnlyRootFilesystem": True},
    "imagePullPolicy": "Always",
    "restartPolicy": "Always",
    "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}],
    "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
    "stdin": True,
    "stdinOnce": True,
    "tty": True,
    "terminationMessagePath": "/tmp/words",
    "terminationMessagePolicy": "FallbackToLogsOnError",
}
RUN = {
    "connections": ["disk"],
    "volumes": [{"name": "w", "emptyDir": {}}],
    "sidecars": [{"name": "proxy", "image": "proxy"}],
    "init": [{"file": {"content": "a"}}],
    "ports": [80, 81],
    "replicas": 2,
    "isExternal": True,
    "rewritePath": True,
}
INIT = {
    "git": {"paths": ["src"]},
    "artifacts": {"files": ["train@g1/outputs/a"]},
    "paths": ["train@g1/outputs/a"],
    "dockerfile": {"image": "i"},
    "file": {"content": "a"},
    "tensorboard": {"port": 6006, "uuids": ["8f14e45fceea167a5a36dedd4bea2543"]},
    "lineageRef": "train@g1:a",
    "modelRef": "train@g1",
    "artifactRef": "train@g1",
    "container": {"image": "first"},
}
PLUGINS = {
    **dict.fromkeys(("auth", "docker", "tmux", "sandbox", "ssh", "mountArtifactsStore", "externalHost"), True),
    **dict.fromkeys(("collectResources", "syncStatuses", "autoResume"), True),
    "shm": False,
    "collectArtifacts": False,
    "collectLogs": False,
    "logLevel": "DEBUG",
}
EXAMPLES = {"environment": ENVIRONMENT, "container": CONTAINER, "run": RUN, "init": INIT, "plugins": PLUGINS}
"""A value for each field that is tried; what the daemon does beside the pod is tried where that is."""
TRIED = [(section, name) for section, examples in EXAMPLES.items() for name in examples]

CATALOGUE = connections(
    {"name": "disk", "kind": "volume_claim", "schema": {"volumeClaim": "disk", "mountPath": "/disk"}}
)
SETTINGS = KubernetesSettings(
    namespace="ml",
    agent=AGENT,
    rules=ClusterRules(allow=frozenset(Allow), service_accounts=("trainer",)),
    connections=CATALOGUE,
    route=Route("Ingress", "{service}.example.org"),
)


def replaced(**changes):
    """The settings with something else."""
    return replace(SETTINGS, **changes)


def spec(section, name):
    """A service, so that all fields mean something, with one field or without."""
    value = EXAMPLES.get(section, {}).get(name)
    run = {"kind": "service", "ports": [80], "container": {"image": "i", "command": ["a"], "args": ["a"]}}
    whole = {"version": 1.1, "kind": "operation", "name": "train", "component": {"run": run}}
    match section:
        case "container":
            run["container"][name] = value
        case "environment":
            run["environment"] = {name: value}
        case "init":
            run["init"] = [{name: value}]
        case "run":
            run[name] = value
        case "plugins":
            whole["plugins"] = {name: value}
    return json.dumps(whole)


def manifests(text):
    ask = Ask(SETTINGS, files={"src/a.py": ""})
    made = order(text, ask)
    found = [dict(one) for one in render(made, SETTINGS, TOKEN).listed]
    return json.dumps(found, sort_keys=True).replace(made.run.digest, "")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_of_a_section_has_a_row(section):
    kind = SECTIONS[section]
    own = {field.alias or name for name, field in kind.model_fields.items()}
    spelled = {"".join([part if i == 0 else part.capitalize() for i, part in enumerate(one.split("_"))]) for one in own}
    assert set(FIELDS[section]) == spelled - {"kind", "environment", "container"} or section == "init"
    assert section != "init" or set(FIELDS[section]) == spelled


def test_compile_tells_of_what_is_not_used():
    """Of the name of a container nobody has to be told."""
    unused = {
        f"{section}.{name}"
        for section in ("environment", "container")
        for name, field in FIELDS[section].items()
        if field.use is Use.UNUSED
    }
    assert unused - {"container.name"} == set(UNUSED)


@pytest.mark.parametrize(("section", "name"), TRIED)
def test_in_a_cluster(section, name):
    use = FIELDS[section][name].use
    text = spec(section, name)
    if use is Use.REFUSED:
        refused = compiled({"a.yaml": text}, CompileConfig("vision", backend="kubernetes")).roots["train"].refused
        assert f"plugins.{name}" in refused
        return
    changed = manifests(text) != manifests(spec("", ""))
    assert changed == (use is not Use.UNUSED)


@pytest.mark.parametrize(
    ("section", "name"), [(section, name) for section, name in TRIED if FIELDS[section][name].use is Use.COPIED]
)
def test_what_is_copied_is_there_as_it_is_written(section, name):
    made = render(order(spec(section, name), Ask(SETTINGS)), SETTINGS, TOKEN)
    pod = made.workload["spec"]["template"]["spec"]
    found = pod["containers"][0][name] if section == "container" else pod[name]
    wanted = EXAMPLES[section][name]
    if isinstance(wanted, list):
        assert all(one in found for one in wanted)
    else:
        assert found == wanted


@pytest.mark.parametrize(("section", "name"), [pair for pair in TRIED if pair[0] != "init" or pair[1] != "git"])
def test_on_one_machine(section, name):
    text = spec(section, name)
    config = CompileConfig("vision", connections=CATALOGUE)
    state = compiled({"a.yaml": text, "src/a.py": ""}, config)
    assert "train" in state.roots, [str(problem) for problem in state.problems]
    said, refused = docs_backends.local(section, name), state.roots["train"].refused
    told = " ".join(str(problem) for problem in state.problems)
    if said.startswith("refused: "):
        assert refused
    elif said == "not used":
        assert not refused
        assert section in {"plugins", "run"} or f"{section}.{name}" in told or name in {"labels", "annotations", "name"}


@pytest.mark.parametrize(("section", "name"), [pair for pair in TRIED if pair[0] != "init" or pair[1] != "git"])
def test_in_an_engine(section, name):
    text = spec(section, name)
    rules = EngineRules(frozenset(EngineAllow))
    config = CompileConfig("vision", backend="engine", connections=CATALOGUE, engine=rules)
    state = compiled({"a.yaml": text, "src/a.py": ""}, config)
    assert "train" in state.roots, [str(problem) for problem in state.problems]
    said, refused = docs_backends.engine(section, name), state.roots["train"].refused
    told = " ".join(str(problem) for problem in state.problems)
    if said.startswith("refused: "):
        assert refused
        return
    assert not refused or (section, name) in {
        ("container", "volumeMounts"),  # of a volume that the example does not have
        ("container", "readinessProbe"),  # refused as in a process, but for some
        ("container", "env"),
        ("run", "replicas"),
    }, refused
    if said == "not used":
        assert section in {"plugins", "run"} or f"{section}.{name}" in told or name in {"labels", "annotations", "name"}
