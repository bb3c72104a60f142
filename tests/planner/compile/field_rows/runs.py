"""Rows of kinds of run and what is in them, for `test_field_classes`.

Each row is a document whose root is named `t`, a path of keys and indexes, and another value there.
"""

from __future__ import annotations

import copy
from typing import Any

from planner.spec.places import camel

CONTAINER = {"image": "i", "command": ["c"]}
OTHER = {"image": "i", "command": ["other"]}
RUN = "component/run"

Row = tuple[dict[str, Any], str, Any]


def document(run: dict[str, Any]) -> dict[str, Any]:
    inputs = [{"name": "word", "value": "a"}]
    component = {"inputs": inputs, "run": copy.deepcopy(run)}
    return {"version": 1.1, "kind": "operation", "name": "t", "component": component}


def rows(section: str, holder: dict[str, Any], at: str, fields: dict[str, Any]) -> dict[str, Row]:
    """A row a field: the run, where the section is in it, and a value for each field by attribute name."""
    return {
        f"{section}.{name}": (document(holder), f"{RUN}/{at}{camel(name) if name not in ODD else ODD[name]}", value)
        for name, value in fields.items()
    }


ODD = {"host_pid": "hostPID", "host_ipc": "hostIPC", "metrics_": "Metrics", "copy_": "copy"}
JOB = {"kind": "job", "container": CONTAINER}
JOBS = {"NotifierJob": "notifier", "CleanerJob": "cleaner", "TunerJob": "tuner"}
DAG = {"kind": "dag", "operations": [{"name": "a", "component": {"run": JOB}}]}

WORKLOAD: dict[str, Any] = {
    "environment": {"nodeName": "n"},
    "connections": ["c"],
    "volumes": [{"name": "v", "emptyDir": {}}],
    "init": [{"connection": "c"}],
    "sidecars": [OTHER],
    "container": OTHER,
}

PROBE = {"tcpSocket": {"port": 1}}
CONTAINER_FIELDS: dict[str, Any] = {
    "env_from": [{"secretRef": {"name": "s"}}],
    "ports": [{"containerPort": 1}],
    "volume_mounts": [{"name": "v", "mountPath": "/v"}],
    "volume_devices": [{"name": "v", "devicePath": "/v"}],
    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    "liveness_probe": PROBE,
    "startup_probe": PROBE,
    "security_context": {"runAsUser": 1},
    "image_pull_policy": "Always",
    "restart_policy": "Always",
    "restart_policy_rules": [{"action": "Restart"}],
    "resize_policy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
    "stdin": True,
    "stdin_once": True,
    "tty": "{{ word == 'a' }}",
    "termination_message_path": "/t",
    "termination_message_policy": "File",
}
ENVIRONMENT: dict[str, Any] = {
    "node_selector": {"a": 1},
    "affinity": {"nodeAffinity": {}},
    "tolerations": [{"operator": "Exists"}],
    "node_name": "n",
    "service_account_name": "s",
    "host_aliases": [{"ip": "::1", "hostnames": ["h"]}],
    "security_context": {"fsGroup": 1},
    "image_pull_secrets": ["s"],
    "host_network": True,
    "host_pid": True,
    "host_ipc": True,
    "dns_policy": "Default",
    "dns_config": {"nameservers": ["::1"]},
    "scheduler_name": "s",
    "priority_class_name": "p",
    "priority": -1,
    "restart_policy": "OnFailure",
}
SERVICE = {"kind": "service", "ports": [80], "container": {**CONTAINER, "readinessProbe": {"httpGet": {"port": 80}}}}
LOOKED_UP = {"secretKeyRef": {"name": "s", "key": "k"}}
PROBES = {
    **rows(
        "ReadinessProbe",
        SERVICE,
        "container/readinessProbe/",
        {"success_threshold": 2, "termination_grace_period_seconds": 3},
    ),
    "ReadinessProbe.grpc": (document(SERVICE), f"{RUN}/container/readinessProbe", {"grpc": {"port": 80}}),
    **rows(
        "HttpGetAction",
        SERVICE,
        "container/readinessProbe/httpGet/",
        {"host": "h", "scheme": "HTTPS", "http_headers": [{"name": "a", "value": "b"}]},
    ),
    **rows(
        "TcpSocketAction",
        {**SERVICE, "container": {**CONTAINER, "readinessProbe": {"tcpSocket": {"port": 80}}}},
        "container/readinessProbe/tcpSocket/",
        {"host": "h"},
    ),
}  # fmt: skip

ENTRY = {"connection": "c"}
HANDLERS: dict[str, Any] = {
    "artifacts": {"files": ["a"]},
    "paths": "a",
    "dockerfile": {"image": "i"},
    "file": {"content": "a"},
    "tensorboard": {"uuids": "a" * 32},
    "lineage_ref": "a:b",
    "model_ref": "a",
    "artifact_ref": "a",
    "container": {"image": "i"},
    "connection": "d",
}


def entry(**fields: Any) -> dict[str, Any]:
    return {**JOB, "init": [{**ENTRY, **fields}]}


INIT = {
    **rows("InitEntry", entry(), "init/0/", HANDLERS),
    **rows("GitInit", entry(git={}), "init/0/git/", {"url": "u", "revision": "r", "flags": ["-f"]}),
    **rows("Artifacts", entry(artifacts={}), "init/0/artifacts/", {"files": ["a"], "dirs": [["a", "b"]], "workers": 2}),
    **rows(
        "File",
        entry(file={"content": "a"}),
        "init/0/file/",
        {"content": "b", "filename": "f", "chmod": "+x", "kind": "text"},
    ),
    **rows(
        "Tensorboard",
        entry(tensorboard={}),
        "init/0/tensorboard/",
        {"port": 1, "uuids": ["b" * 32], "use_names": True, "path_prefix": "/p", "plugins": "a,b"},
    ),
    **rows(
        "Dockerfile",
        entry(dockerfile={"image": "i"}),
        "init/0/dockerfile/",
        {
            "image": "j", "env": {"A": 1}, "path": ["p"], "copy_": [["a", "b"]], "post_run_copy": ["c"], "run": ["r"],
            "lang_env": "l", "uid": 0, "gid": 1, "username": "u", "filename": "f", "workdir": "w", "workdir_path": "p",
            "shell": "s",
        },
    ),
}  # fmt: skip

GROUP = {"container": CONTAINER}
POLICY: dict[str, Any] = {
    "min_available": 1,
    "queue": "q",
    "min_resources": {"cpu": 1},
    "priority_class": "p",
    "schedule_timeout_seconds": 1,
}
ELASTIC: dict[str, Any] = {
    "min_replicas": 1, "max_replicas": 2, "standalone": True, "n_proc_per_node": 2, "max_restarts": 1,
    **{f"{word}_{name}": value for word in ("rdzv", "rdvz")
       for name, value in {"backend": "c10d", "port": 1, "host": "h", "id": "i", "conf": [{"key": "a"}]}.items()},
    "metrics": [{"type": "Resource"}], "metrics_": [{"type": "Resource"}],
}  # fmt: skip
TFJOB = {"kind": "tfjob", "worker": GROUP, "schedulingPolicy": {}}
PYTORCH = {"kind": "pytorchjob", "worker": GROUP, "elasticPolicy": {}}
MPI = {"kind": "mpijob", "launcher": GROUP}
RAY = {"kind": "raycluster", "entrypoint": "a", "head": GROUP, "workers": {"g": GROUP}}
RAYJOB = {"kind": "rayjob", "entrypoint": "a", "head": GROUP}
DASK = {"kind": "daskcluster", "scheduler": GROUP}
DASKJOB = {"kind": "daskjob", "job": GROUP}
SPARK = {"kind": "sparkjob", "driver": GROUP}
KUBEFLOW: dict[str, Any] = {"clean_pod_policy": "All", "scheduling_policy": {"queue": "q"}}
RAY_FIELDS: dict[str, Any] = {
    "entrypoint": "b",
    "runtime_env": {"pip": ["a"]},
    "metadata": {"a": "b"},
    "ray_version": "2.0",
    "head": {"container": OTHER},
    "workers": {"h": GROUP},
}

GROUPS = {
    **rows("Replica", TFJOB, "worker/", {**WORKLOAD, "replicas": 2}),
    **rows(
        "RayReplica",
        RAY,
        "workers/g/",
        {**WORKLOAD, "replicas": 2, "min_replicas": 0, "max_replicas": 3, "ray_start_params": {"num-cpus": 1}},
    ),
    **rows(
        "TFJob",
        TFJOB,
        "",
        {
            **KUBEFLOW, "chief": GROUP, "ps": GROUP, "worker": {"container": OTHER}, "evaluator": GROUP,
            "enable_dynamic_worker": True, "success_policy": "AllWorkers",
        },
    ),
    **rows(
        "PytorchJob",
        PYTORCH,
        "",
        {
            **KUBEFLOW, "master": GROUP, "worker": {"container": OTHER}, "n_proc_per_node": 2,
            "elastic_policy": {"maxRestarts": 1},
        },
    ),
    **rows("MPIJob", MPI, "", {**KUBEFLOW, "launcher": {"container": OTHER}, "worker": GROUP, "slots_per_worker": 2}),
    **rows("SchedulingPolicy", TFJOB, "schedulingPolicy/", POLICY),
    **rows("ElasticPolicy", PYTORCH, "elasticPolicy/", ELASTIC),
    **rows(
        "RayCluster",
        RAY,
        "",
        {**RAY_FIELDS, "enable_in_tree_autoscaling": True, "autoscaler_options": {"upscalingMode": "Default"}},
    ),
    **rows(
        "AutoscalerOptions",
        {**RAY, "autoscalerOptions": {}},
        "autoscalerOptions/",
        {"upscaling_mode": "Aggressive", "image_pull_policy": "Never", "resources": {"limits": {"cpu": 1}}},
    ),
    **rows("RayJob", RAYJOB, "", RAY_FIELDS),
    **rows(
        "DaskCluster",
        DASK,
        "",
        {"scheduler": {"container": OTHER}, "worker": GROUP, "min_replicas": 1, "max_replicas": 2},
    ),
    **rows("DaskJob", DASKJOB, "", {"job": {"container": OTHER}, "scheduler": GROUP, "worker": GROUP}),
    **rows(
        "SparkJob",
        SPARK,
        "",
        {
            "connections": ["c"], "volumes": WORKLOAD["volumes"], "type": "python", "spark_version": "3.5",
            "python_version": "3", "deploy_mode": "client", "main_class": "m", "main_application_file": "f",
            "arguments": ["a"], "hadoop_conf": {"a": "b"}, "spark_conf": {"a": 1}, "hadoop_config_map": {"name": "n"},
            "spark_config_map": {"name": "n"}, "executor": GROUP, "driver": {"container": OTHER},
        },
    ),
}  # fmt: skip
KINDS = {
    f"{name}.kind": (document(run), RUN, JOB)
    for name, run in {
        "TFJob": TFJOB, "PytorchJob": PYTORCH, "MPIJob": MPI, "RayCluster": RAY, "RayJob": RAYJOB, "DaskCluster": DASK,
        "DaskJob": DASKJOB, "SparkJob": SPARK,
        **{name: {**JOB, "kind": kind} for name, kind in JOBS.items()},
    }.items()
}  # fmt: skip

ROWS: dict[str, Row] = {
    **rows("Container", JOB, "container/", CONTAINER_FIELDS),
    **rows("Environment", {**JOB, "environment": {}}, "environment/", ENVIRONMENT),
    "EnvVar.value_from": (
        document({**JOB, "container": {**CONTAINER, "env": [{"name": "A"}]}}),
        f"{RUN}/container/env/0/valueFrom",
        LOOKED_UP,
    ),
    "Resources.claims": (
        document({**JOB, "container": {**CONTAINER, "resources": {}}}),
        f"{RUN}/container/resources/claims",
        [{"name": "c"}],
    ),
    **PROBES,
    **INIT,
    **{
        line: row
        for name, kind in ({"Job": "job"} | JOBS).items()
        for line, row in rows(name, {**JOB, "kind": kind}, "", WORKLOAD).items()
    },
    **rows("Service", SERVICE, "", {name: WORKLOAD[name] for name in ("connections", "volumes", "sidecars")}),
    **rows(
        "Dag",
        DAG,
        "",
        {
            "connections": ["c"],
            "volumes": WORKLOAD["volumes"],
            "early_stopping": [{"kind": "failure_early_stopping", "percent": 50}],
        },
    ),
    **GROUPS,
    **KINDS,
}
