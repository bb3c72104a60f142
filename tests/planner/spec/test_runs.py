"""Kinds of run and what is in them: what is taken, in which form, and what is refused."""

import pytest
from pydantic import ValidationError

from planner.spec.composites import Artifacts, Dockerfile, File, Git, Tensorboard
from planner.spec.operation import Operation
from planner.spec.plain import plain

pytestmark = pytest.mark.unit

GROUP = {"container": {"image": "i", "command": ["c"]}}


def read(run):
    return Operation.model_validate({"component": {"run": run}}).component.run


def faults(run):
    """Codes with the place below `run`."""
    with pytest.raises(ValidationError) as refused:
        read(run)
    found = []
    for one in refused.value.errors():
        below = (*one["loc"], *one.get("ctx", {}).get("at", ()))
        found.append((one["type"], "/".join(map(str, below[3:]))))
    return found


KINDS = {
    "job": {"kind": "job", **GROUP},
    "notifier": {"kind": "notifier", "connections": ["slack"], **GROUP},
    "cleaner": {"kind": "cleaner", **GROUP},
    "tuner": {"kind": "tuner", **GROUP},
    "service": {"kind": "service", "ports": [80], **GROUP},
    "nothing yet": {"kind": "job"},
    "tfjob": {"kind": "tfjob", "chief": GROUP, "worker": {"replicas": 2, **GROUP}, "cleanPodPolicy": "All"},
    "tfjob success": {"kind": "tfjob", "successPolicy": "", "enableDynamicWorker": True},
    "pytorchjob": {"kind": "pytorchjob", "master": GROUP, "nProcPerNode": 2, "elasticPolicy": {"rdvzPort": 1}},
    "mpijob": {"kind": "mpijob", "launcher": GROUP, "slotsPerWorker": "{{ n }}"},
    "least as amounts": {"kind": "mpijob", "schedulingPolicy": {"minResources": {"cpu": "1"}}},
    "least as a number": {"kind": "mpijob", "schedulingPolicy": {"minResources": 3}},
    "raycluster": {
        "kind": "raycluster",
        "head": {**GROUP, "rayStartParams": {"num-cpus": "1"}},
        "workers": {"small": {**GROUP, "minReplicas": 0, "maxReplicas": 3, "replicas": 0}},
        "runtimeEnv": "{{ env }}",
        "enableInTreeAutoscaling": True,
        "autoscalerOptions": {"upscalingMode": "Aggressive", "resources": {"limits": {"cpu": "1"}}},
    },
    "rayjob": {"kind": "rayjob", "entrypoint": "python a.py", "head": GROUP, "metadata": {"a": "b"}},
    "daskcluster": {"kind": "daskcluster", "scheduler": GROUP, "worker": GROUP, "minReplicas": 1, "maxReplicas": 2},
    "daskjob": {"kind": "daskjob", "job": GROUP, "scheduler": GROUP, "worker": GROUP},
    "sparkjob": {
        "kind": "sparkjob",
        "type": "python",
        "deployMode": "cluster",
        "mainApplicationFile": "a.py",
        "arguments": ["a"],
        "sparkConf": {"a": "b"},
        "driver": GROUP,
        "executor": {"replicas": 2, **GROUP},
    },
    "dag": {
        "kind": "dag",
        "environment": "{{ e }}",
        "connections": "{{ c }}",
        "volumes": [{"name": "v"}],
        "earlyStopping": [{"kind": "failure_early_stopping", "percent": 50}],
    },
    "connections as a template": {"kind": "job", "connections": "{{ c }}"},
    "sidecars": {"kind": "job", "sidecars": [{"image": "i", "ports": [{"containerPort": 1}]}]},
}


@pytest.mark.parametrize("run", KINDS.values(), ids=KINDS)
def test_what_a_run_can_be(run):
    assert plain(read(run)) == run


REFUSED = {
    "a word for a policy": ({"kind": "tfjob", "cleanPodPolicy": "all"}, [("literal_error", "cleanPodPolicy")]),
    "a word for a success": ({"kind": "tfjob", "successPolicy": "All"}, [("literal_error", "successPolicy")]),
    "no amounts": (
        {"kind": "mpijob", "schedulingPolicy": {"minResources": "x"}},
        [("PL-203", "schedulingPolicy/minResources")],
    ),
    "fewer than none": ({"kind": "mpijob", "worker": {"replicas": -1}}, [("PL-204", "worker/replicas")]),
    "two spellings": (
        {"kind": "pytorchjob", "elasticPolicy": {"rdvzId": "a", "rdzvId": "b", "Metrics": [], "metrics": []}},
        [("PL-209", "elasticPolicy/rdvzId"), ("PL-209", "elasticPolicy/Metrics")],
    ),
    "a group called head": ({"kind": "raycluster", "workers": {"head": GROUP}}, [("PL-211", "workers/head")]),
    "a name of a group": ({"kind": "raycluster", "workers": {"a b": GROUP}}, [("PL-208", "workers/a b/[key]")]),
    "a version that lost a digit": ({"kind": "raycluster", "rayVersion": 2.1}, [("string_type", "rayVersion")]),
    "another kind's field": ({"kind": "daskjob", "master": GROUP}, [("extra_forbidden", "master")]),
    "a volume without a name": ({"kind": "job", "volumes": [{"emptyDir": {}}]}, [("PL-202", "volumes/0")]),
    "restart in small letters": (
        {"kind": "job", "environment": {"restartPolicy": "always"}},
        [("literal_error", "environment/restartPolicy")],
    ),
    "secrets as objects": (
        {"kind": "job", "environment": {"imagePullSecrets": [{"name": "a"}]}},
        [("string_type", "environment/imagePullSecrets/0")],
    ),
    "a field of a pod": (
        {"kind": "job", "environment": {"securityContext": {"privileged": True}}},
        [("PL-201", "environment/securityContext/privileged")],
    ),
    "deep in an affinity": (
        {
            "kind": "job",
            "environment": {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}},
        },
        [
            ("PL-202", "environment/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0"),
            ("PL-202", "environment/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0"),
        ],
    ),
}


@pytest.mark.parametrize(("run", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_a_run_cannot_be(run, expected):
    assert faults(run) == expected


# Containers


CONTAINERS = {
    "env as a mapping": (
        {"env": {"A": 1, "B": True}},
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "true"}]},
    ),
    "env from the cluster": (
        {"env": [{"name": "A", "valueFrom": {"secret_key_ref": {"name": "s", "key": "k"}}}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
    ),
    "snake case": (
        {"volume_mounts": [{"name": "v", "mount_path": "/"}]},
        {"volumeMounts": [{"name": "v", "mountPath": "/"}]},
    ),
    "templates": (
        {
            "ports": [{"containerPort": "{{ p }}"}],
            "volumeMounts": "{{ m }}",
            "imagePullPolicy": "{{ i }}",
            "tty": "{{ t }}",
        },
        {
            "ports": [{"containerPort": "{{ p }}"}],
            "volumeMounts": "{{ m }}",
            "imagePullPolicy": "{{ i }}",
            "tty": "{{ t }}",
        },
    ),
    "a named port": (
        {"readinessProbe": {"httpGet": {"port": "http"}}},
        {"readinessProbe": {"httpGet": {"port": "http"}}},
    ),
    "claims": ({"resources": {"claims": [{"name": "c"}]}}, {"resources": {"claims": [{"name": "c"}]}}),
}


@pytest.mark.parametrize(("written", "read_as"), CONTAINERS.values(), ids=CONTAINERS)
def test_containers(written, read_as):
    assert plain(read({"kind": "job", "container": written}).container) == read_as


BAD_CONTAINERS = {
    "two values": ({"env": [{"name": "A", "value": "x", "valueFrom": {}}]}, [("PL-209", "container/env/0/valueFrom")]),
    "half a key": (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
        [("PL-202", "container/env/0/valueFrom/secretKeyRef")],
    ),
    "a port as text": ({"ports": [{"containerPort": "80"}]}, [("PL-203", "container/ports/0/containerPort")]),
    "a pull policy": ({"imagePullPolicy": "Sometimes"}, [("literal_error", "container/imagePullPolicy")]),
    "no name of a port": (
        {"readinessProbe": {"httpGet": {"port": "A B"}}},
        [("PL-204", "container/readinessProbe/httpGet/port")],
    ),
    "a quoted port": (
        {"readinessProbe": {"httpGet": {"port": "80"}}},
        [("PL-203", "container/readinessProbe/httpGet/port")],
    ),
    "two probes": (
        {"readinessProbe": {"grpc": {"port": 1}, "exec": {"command": ["a"]}}},
        [("PL-209", "container/readinessProbe/exec")],
    ),
}


@pytest.mark.parametrize(("written", "expected"), BAD_CONTAINERS.values(), ids=BAD_CONTAINERS)
def test_what_is_no_container(written, expected):
    assert faults({"kind": "job", "container": written}) == expected


# Init


ENTRIES = {
    "this repository": ({"git": None}, {"git": {}}, True),
    "folders of it": ({"git": {"paths": ["a/"]}, "path": "b"}, {"git": {"paths": ["a"]}, "path": "b"}, True),
    "another repository": ({"git": {"url": "u", "revision": "r"}}, {"git": {"url": "u", "revision": "r"}}, False),
    "a repository by connection": ({"connection": "c", "git": {"revision": "r"}, "path": "/x"}, None, False),
    "one path": ({"paths": "a"}, {"paths": ["a"]}, False),
    "paths": ({"paths": ["a", ["b", "c"]]}, None, False),
    "paths that are known later": ({"paths": "{{ p }}"}, None, False),
    "artifacts": ({"connection": "c", "artifacts": {"files": ["a"], "dirs": [["b", "c"]]}}, None, False),
    "a container of one's own": ({"container": {"image": "i"}}, None, False),
    "a reference": ({"lineage_ref": "a:b"}, {"lineageRef": "a:b"}, False),
    "a template of a section": ({"dockerfile": "{{ d }}"}, None, False),
}


@pytest.mark.parametrize(("written", "read_as", "is_code"), ENTRIES.values(), ids=ENTRIES)
def test_entries_of_init(written, read_as, is_code):
    entry = read({"kind": "job", "init": [written]}).init[0]

    assert plain(entry) == (written if read_as is None else read_as)
    assert entry.is_code is is_code


BAD_ENTRIES = {
    "nothing": ({}, [("PL-202", "init/0/git")]),
    "a path alone": ({"path": "a"}, [("PL-202", "init/0/git")]),
    "two things": ({"paths": "a", "modelRef": "b"}, [("PL-209", "init/0/modelRef")]),
    "a revision of this repository": (
        {"git": {"revision": "r", "flags": []}},
        [("PL-209", "init/0/git/revision"), ("PL-209", "init/0/git/flags")],
    ),
    "paths of another repository": ({"git": {"url": "u", "paths": ["a"]}}, [("PL-209", "init/0/git/paths")]),
    "a container for code": ({"git": {}, "container": {"image": "i"}}, [("PL-209", "init/0/container")]),
    "code outside": ({"git": {}, "path": "/a"}, [("PL-204", "init/0/path")]),
    "an unknown field": ({"gti": {}}, [("extra_forbidden", "init/0/gti"), ("PL-202", "init/0/git")]),
}


@pytest.mark.parametrize(("written", "expected"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_what_is_no_entry_of_init(written, expected):
    assert faults({"kind": "job", "init": [written]}) == expected


COMPOSITES = {
    "git": (Git, {"url": "u", "flags": ["--depth 1"]}, True),
    "an image": (Dockerfile, {"image": "host:5000/a/b:1.2@sha256:" + "0" * 64}, True),
    "pairs": (Dockerfile, {"image": "a", "env": [["A", 1]], "copy": ["a", ["b", "c"]]}, True),
    "no image": (Dockerfile, {"image": "a b"}, False),
    "two tags": (Dockerfile, {"image": "a:b:c"}, False),
    "an empty image": (Dockerfile, {"image": ""}, False),
    "three paths": (Artifacts, {"files": [["a", "b", "c"]]}, False),
    "a mode": (File, {"content": "a", "chmod": "0644"}, True),
    "a mode as a number": (File, {"content": "a", "chmod": 644}, False),
    "no mode": (File, {"content": "a", "chmod": "rw"}, False),
    "no content": (File, {}, False),
    "uuids between commas": (Tensorboard, {"uuids": "a" * 32 + "," + "b" * 32}, True),
    "ids and keys of runs": (Tensorboard, {"uuids": "r-7f3k2m2q, flow@g3/fit~1"}, True),
    "no uuid": (Tensorboard, {"uuids": ["x"]}, False),
}


@pytest.mark.parametrize(("section", "written", "taken"), COMPOSITES.values(), ids=COMPOSITES)
def test_composite_values(section, written, taken):
    if taken:
        assert section.model_validate(written).model_fields_set
    else:
        with pytest.raises(ValidationError):
            section.model_validate(written)
