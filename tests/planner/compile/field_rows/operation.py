"""Rows for what operations and components share, and for sweeps, joins and events.

Each row is a document whose root is named `t`, a path of keys and indexes, and another value there.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from planner.compile.given import Outside
from planner.spec.places import camel

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
INPUTS = [{"name": "x", "type": "float", "value": 1}, {"name": "all", "isList": True, "value": []}]
OUTPUTS = [{"name": "loss", "type": "float"}]

Row = tuple[dict[str, Any], str, Any]


def document(run: Any = RUN, **fields: Any) -> dict[str, Any]:
    component = {"inputs": INPUTS, "outputs": OUTPUTS, "run": run}
    return copy.deepcopy({"version": 1.1, "kind": "operation", "name": "t", **fields, "component": component})


def of_component(**fields: Any) -> dict[str, Any]:
    """A document whose component has the fields."""
    made = document()
    made["component"] |= fields
    return made


def dag(**fields: Any) -> dict[str, Any]:
    """A DAG of `a` and `b`; `b` has the fields."""
    nodes = [{"name": name, "component": {"inputs": INPUTS, "outputs": OUTPUTS, "run": RUN}} for name in ("a", "b")]
    nodes[1] |= fields
    return document({"kind": "dag", "operations": nodes})


TOP = {"version": 1.1, "kind": "operation", "name": "t"}
LIBRARY = json.dumps({"version": 1.1, "kind": "component", "run": RUN}).encode()
TAKES_A = {"version": 1.1, "kind": "component", "inputs": [{"name": "a", "isOptional": True}], "run": RUN}
BUILDS = {**TAKES_A, "outputs": [{"name": "image", "type": "image"}]}
FROM_OUTSIDE = {
    **{key: Outside(key, "one", LIBRARY) for key in ("hub:a", "hub:b", "url:https://a.b/c", "url:https://a.b/d")},
    **{key: Outside(key, "two", json.dumps(TAKES_A).encode()) for key in ("hub:slack", "hub:mail")},
    **{key: Outside(key, key, json.dumps(TAKES_A).encode()) for key in ("hub:tuner", "hub:other")},
    **{key: Outside(key, key, json.dumps(BUILDS).encode()) for key in ("hub:kaniko", "hub:kaniko:2")},
}
"""What `CompileInput.outside` must hold for the rows of `hubRef` and `urlRef`, hooks and builds: one component each."""

NODE = "component/run/operations/1"
SERVICE = {"kind": "service", "ports": [80], "container": {"image": "i", "command": ["c"]}}
HOOK, BUILD = {"hubRef": "slack"}, {"hubRef": "kaniko"}
JOIN = {"query": "status: succeeded", "params": {"all": {"value": "outputs.loss"}}}
JOINED = document(joins=[JOIN])
TEMPLATE = {"enabled": False}
PROBED = document(SERVICE, termination={"culling": {"timeout": 60}, "probe": {"http": {}, "exec": {"command": ["a"]}}})
TOLD = document(plugins={"notifications": [{"connections": ["slack"]}]})
BESIDE = document(plugins={"sidecar": {}})

SHARED: dict[str, Any] = {
    "queue": "q",
    "namespace": "n",
    "cache": {"disable": True},
    "termination": {"maxRetries": 1},
    "plugins": {"logLevel": "INFO"},
    "build": BUILD,
    "hooks": [HOOK],
    "is_approved": False,
    "cost": 1.5,
    "mount": ["a:b"],
    "template": {"description": "d", "enabled": False},
    "presets": [],
    "version": "1.1",
    "description": "d",
    "tags": ["a"],
}
"""Another value of each field that both kinds of documents have; the name is on its own."""


def below(section: str, base: dict[str, Any], path: str, values: dict[str, Any]) -> dict[str, Row]:
    """Rows of the fields of a section that is at `path` in `base`."""
    return {f"{section}.{name}": (base, f"{path}/{camel(name)}", value) for name, value in values.items()}


# Sweeps

ANY = {"kind": "uniform", "value": {"low": 0, "high": 1}}
CHOICE = {"kind": "choice", "value": [1, 2]}
METRIC = {"name": "loss", "optimization": "minimize"}
TUNER = {"hubRef": "tuner"}
SWEEPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MappingSweep": ({"kind": "mapping", "values": [{"x": 1}]}, {"values": [{"x": 2}]}),
    "GridSweep": ({"kind": "grid", "params": {"x": CHOICE}}, {"params": {"x": ANY | CHOICE}, "num_runs": 1}),
    "RandomSweep": ({"kind": "random", "params": {"x": CHOICE}, "numRuns": 2}, {"params": {"x": ANY}, "num_runs": 1}),
    "HyperbandSweep": (
        {
            "kind": "hyperband",
            "params": {"x": ANY},
            "maxIterations": 9,
            "eta": 3,
            "resource": {"name": "epochs", "type": "int"},
            "metric": METRIC,
        },
        {
            "params": {"x": CHOICE},
            "max_iterations": 27,
            "eta": 2,
            "resource": {"name": "steps"},
            "metric": {"name": "other"},
            "resume": True,
            "asynchronous": True,
        },
    ),
    "BayesSweep": (
        {"kind": "bayes", "params": {"x": ANY}, "numInitialRuns": 2, "maxIterations": 3, "metric": METRIC},
        {
            "params": {"x": CHOICE},
            "num_initial_runs": 3,
            "max_iterations": 4,
            "metric": {"name": "other"},
            "utility_function": {"kappa": 1},
        },
    ),
    "HyperoptSweep": (
        {"kind": "hyperopt", "params": {"x": ANY}, "numRuns": 2, "maxIterations": 3, "metric": METRIC},
        {
            "params": {"x": CHOICE},
            "num_runs": 3,
            "max_iterations": 4,
            "metric": {"name": "other"},
            "algorithm": "anneal",
        },
    ),
    "IterativeSweep": ({"kind": "iterative", "maxIterations": 3}, {"max_iterations": 4, "params": {"x": ANY}}),
}
SWEEPS["GridSweep"][1]["params"] = {"x": {"kind": "choice", "value": [1, 3]}}
SEEDED = ("RandomSweep", "HyperbandSweep", "BayesSweep", "HyperoptSweep", "IterativeSweep")
TUNED = ("HyperbandSweep", "BayesSweep", "HyperoptSweep", "IterativeSweep")
FAILING = {"kind": "failure_early_stopping", "percent": 50}
METRICAL = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.1, "optimization": "minimize"}


def swept(sweep: dict[str, Any], **more: Any) -> dict[str, Any]:
    return document(matrix={**sweep, **more})


def _sweeps() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for section, (sweep, values) in SWEEPS.items():
        other = "RandomSweep" if section != "RandomSweep" else "GridSweep"
        more = {"concurrency": 2, "early_stopping": [FAILING]} | values
        more |= {"seed": 7} if section in SEEDED else {}
        more |= {"tuner": TUNER} if section in TUNED else {}
        found |= below(section, swept(sweep), "matrix", more)
        found[f"{section}.kind"] = (swept(sweep), "matrix", SWEEPS[other][0])
    return found


GRID, BAND, BAYES = (SWEEPS[name][0] for name in ("GridSweep", "HyperbandSweep", "BayesSweep"))
TUNED_BAND = swept(BAND, tuner=TUNER)
UTILITY = swept(BAYES, utilityFunction={"kappa": 1, "gaussianProcess": {}})
EXPECTED = swept(BAYES, utilityFunction={"acquisitionFunction": "ei", "eps": 0.1, "kappa": 1})

# Distributions: the arguments of each kind, and another value for each of them

NUMBERS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "Range": ("range", "Steps", {"start": 0, "stop": 9, "step": 3}, {"start": 1, "stop": 10, "step": 2}),
    "LinSpace": ("linspace", "Points", {"start": 0, "stop": 9, "num": 3}, {"start": 1, "stop": 10, "num": 2}),
    "LogSpace": (
        "logspace",
        "LogPoints",
        {"start": 0, "stop": 9, "num": 3},
        {"start": 1, "stop": 10, "num": 2, "base": 2},
    ),
    "GeomSpace": ("geomspace", "GeomPoints", {"start": 1, "stop": 9, "num": 3}, {"start": 2, "stop": 10, "num": 2}),
    "Uniform": ("uniform", "Bounds", {"low": 0, "high": 1}, {"low": -1, "high": 2, "size": 3}),
    "QUniform": ("quniform", "QBounds", {"low": 0, "high": 1, "q": 1}, {"low": -1, "high": 2, "q": 2, "size": 3}),
    "LogUniform": ("loguniform", "LogBounds", {"low": 0, "high": 1}, {"low": -1, "high": 2, "size": 3}),
    "QLogUniform": (
        "qloguniform",
        "QLogBounds",
        {"low": 0, "high": 1, "q": 1},
        {"low": -1, "high": 2, "q": 2, "size": 3},
    ),
    "Normal": ("normal", "Moments", {"loc": 0, "scale": 1}, {"loc": 1, "scale": 2, "size": 3}),
    "QNormal": ("qnormal", "QMoments", {"loc": 0, "scale": 1, "q": 1}, {"loc": 1, "scale": 2, "q": 2, "size": 3}),
    "LogNormal": ("lognormal", "LogMoments", {"loc": 0, "scale": 1}, {"loc": 1, "scale": 2, "size": 3}),
    "QLogNormal": (
        "qlognormal",
        "QLogMoments",
        {"loc": 0, "scale": 1, "q": 1},
        {"loc": 1, "scale": 2, "q": 2, "size": 3},
    ),
}
DATES = {
    "DateRange": (
        "daterange",
        "DateSteps",
        {"start": "2026-01-01", "stop": "2026-02-01", "step": 7},
        {"start": "2026-01-02", "stop": "2026-02-02", "step": 6},
    ),
    "DatetimeRange": (
        "datetimerange",
        "DatetimeSteps",
        {"start": "2026-01-01T00:00:00", "stop": "2026-01-02T00:00:00", "step": 3600},
        {"start": "2026-01-01T01:00:00", "stop": "2026-01-02T01:00:00", "step": 1800},
    ),
}
DATED = {"DateRange": "date", "DatetimeRange": "datetime"}


def drawn(kind: str, value: Any, type_: str = "float") -> dict[str, Any]:
    made = document(matrix={"kind": "random", "numRuns": 2, "params": {"d": {"kind": kind, "value": value}}})
    made["component"]["inputs"].append({"name": "d", "type": type_, "isOptional": True})
    return made


def _distributions() -> dict[str, Row]:
    found: dict[str, Row] = {}
    at = "matrix/params/d"
    for section, (kind, arguments, value, others) in (NUMBERS | DATES).items():
        base = drawn(kind, value, DATED.get(section, "float"))
        found |= below(arguments, base, f"{at}/value", others)
        changed = {name: other for name, other in others.items() if name in value}
        found[f"{section}.value"] = (base, f"{at}/value", changed)
        other = {"kind": "choice", "value": [value["start"]]} if section in DATED else CHOICE
        found[f"{section}.kind"] = (base, at, other)
    found["Choice.value"] = (drawn("choice", [1, 2]), f"{at}/value", [1, 3])
    found["Choice.kind"] = (drawn("choice", [1, 2]), at, ANY)
    found["PChoice.value"] = (drawn("pchoice", [[1, 0.5], [2, 0.5]]), f"{at}/value/0/1", 0.4)
    found["PChoice.kind"] = (drawn("pchoice", [[1, 0.5], [2, 0.5]]), at, CHOICE)
    return found


# Early stopping

STOPPED = swept(GRID, earlyStopping=[FAILING])
AT_ONE = "matrix/earlyStopping/0"
POLICIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MedianPolicy": ({"kind": "median", "evaluationInterval": 1}, {}),
    "TruncationPolicy": (
        {"kind": "truncation", "evaluationInterval": 1, "percent": 10},
        {"percent": 20, "include_succeeded": True},
    ),
    "DiffPolicy": ({"kind": "diff", "evaluationInterval": 1, "percent": 10}, {"percent": 20}),
}


def _policies() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for section, (policy, values) in POLICIES.items():
        base = swept(GRID, earlyStopping=[{**METRICAL, "policy": policy}])
        more = {"evaluation_interval": 2, "min_interval": 3, "min_samples": 4} | values
        found |= below(section, base, f"{AT_ONE}/policy", more)
        other = "DiffPolicy" if section != "DiffPolicy" else "MedianPolicy"
        found[f"{section}.kind"] = (base, f"{AT_ONE}/policy", POLICIES[other][0])
    return found


ROWS: dict[str, Row] = {
    **{f"Operation.{name}": (document(), camel(name), value) for name, value in SHARED.items()},
    **{f"Component.{name}": (document(), f"component/{camel(name)}", value) for name, value in SHARED.items()},
    "Operation.name": (dag(), f"{NODE}/name", "c"),
    "Component.name": (document(), "component/name", "n"),
    "Operation.matrix": (document(), "matrix", GRID),
    "Operation.joins": (document(), "joins", [JOIN]),
    "Operation.events": (dag(), f"{NODE}/events", [{"kinds": ["run_status_running"], "ref": "ops.a"}]),
    "Operation.trigger": (dag(dependencies=["a"]), f"{NODE}/trigger", "all_done"),
    "Operation.conditions": (document(), "conditions", "x > 0"),
    "Operation.skip_on_upstream_skip": (dag(dependencies=["a"]), f"{NODE}/skipOnUpstreamSkip", True),
    "Operation.hub_ref": ({**TOP, "hubRef": "a"}, "hubRef", "b"),
    "Operation.url_ref": ({**TOP, "urlRef": "https://a.b/c"}, "urlRef", "https://a.b/d"),
    "Operation.run_patch": (document(), "runPatch", {}),
    "Operation.patch_strategy": (document(), "patchStrategy", "post_merge"),
    "Operation.is_preset": (document(), "isPreset", False),
    **below(
        "Cache",
        document(cache={}),
        "cache",
        {"disable": True, "ttl": 60, "io": ["x"], "sections": ["init"]},
    ),
    **below(
        "Termination",
        document(termination={}),
        "termination",
        {
            "max_retries": 1,
            "ttl": 60,
            "timeout": 60,
            "pod_failure_policy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}]},
        },
    ),
    "Termination.culling": (document(SERVICE, termination={}), "termination/culling", {"timeout": 60}),
    "Termination.probe": (
        document(SERVICE, termination={"culling": {"timeout": 60}}),
        "termination/probe",
        {"http": {"path": "/a"}},
    ),
    "Culling.timeout": (PROBED, "termination/culling/timeout", 61),
    "ActivityProbe.http": (PROBED, "termination/probe/http", {"path": "/a"}),
    "ActivityProbe.exec": (PROBED, "termination/probe/exec", {"command": ["b"]}),
    "ExecProbe.command": (PROBED, "termination/probe/exec/command", ["b"]),
    **below(
        "HttpProbe",
        PROBED,
        "termination/probe/http",
        {"path": "/a", "port": 80, "host": "h", "scheme": "HTTPS", "http_headers": [{"name": "A", "value": "b"}]},
    ),
    **below(
        "Plugins",
        document(SERVICE, plugins={}),
        "plugins",
        {
            **dict.fromkeys(
                ["auth", "docker", "tmux", "sandbox", "ssh", "mount_artifacts_store", "external_host"], True
            ),
            **dict.fromkeys(["shm", "collect_artifacts", "collect_logs", "collect_resources"], False),
            **dict.fromkeys(["sync_statuses", "auto_resume"], False),
            "log_level": "INFO",
            "sidecar": {"image": "s"},
            "notifications": [{"connections": ["slack"]}],
        },
    ),
    **below("Notification", TOLD, "plugins/notifications/0", {"connections": ["mail"], "trigger": "failed"}),
    **below(
        "Sidecar",
        BESIDE,
        "plugins/sidecar",
        {
            "image": "s",
            "image_tag": "1",
            "image_pull_policy": "Always",
            "sleep_interval": 5,
            "sync_interval": 20,
            "monitor_logs": True,
            "monitor_spec": True,
            "no_connections": True,
            "resources": {"limits": {"cpu": 1}},
        },
    ),
    **below(
        "Build",
        document(build=BUILD),
        "build",
        {
            "hub_ref": "kaniko:2",
            "connection": "registry",
            "presets": ["fast"],
            "queue": "q",
            "namespace": "n",
            "cache": {"disable": True},
            "params": {"a": {"value": 1}},
            "run_patch": {"container": {"image": "k"}},
            "patch_strategy": "replace",
        },
    ),
    **below(
        "Hook",
        document(hooks=[HOOK]),
        "hooks/0",
        {
            "hub_ref": "mail",
            "trigger": "failed",
            "conditions": "true",
            "connection": "slack",
            "presets": ["fast"],
            "queue": "q",
            "namespace": "n",
            "params": {"a": {"value": 1}},
            "disable_defaults": True,
        },
    ),
    **below(
        "HookParam",
        document(hooks=[{**HOOK, "params": {"a": {"value": 1}}}]),
        "hooks/0/params/a",
        {"value": 2, "context_only": True, "connection": "store", "to_init": False, "to_env": "A"},
    ),
    "HookParam.ref": (
        document(hooks=[{**HOOK, "params": {"a": {"value": "inputs.x"}}}]),
        "hooks/0/params/a/ref",
        "dag",
    ),
    "Mount.from_": (document(mount=[{"from": "a"}]), "mount/0/from", "b"),
    "Mount.to": (document(mount=[{"from": "a"}]), "mount/0/to", "b"),
    **below("TemplateSection", document(template=TEMPLATE), "template", {"description": "d", "fields": ["name"]}),
    "TemplateSection.enabled": (document(template={"enabled": False}), "template/enabled", True),
    **below(
        "EventTrigger",
        dag(events=[{"kinds": ["run_status_running"], "ref": "ops.a"}]),
        f"{NODE}/events/0",
        {"kinds": ["run_status_done"]},
    ),
    "EventTrigger.paths": (
        document(events=[{"kinds": ["connection_git_commit"], "ref": "repository"}]),
        "events/0/paths",
        ["data/**"],
    ),
    "EventTrigger.ref": (
        document(events=[{"kinds": ["alert_info"], "ref": "a"}]),
        "events/0/ref",
        "b",
    ),
    **below(
        "Join", JOINED, "joins/0", {"ref": "r", "query": "status: failed", "sort": "name", "limit": 5, "offset": 1}
    ),
    "Join.params": (JOINED, "joins/0/params", {"all": {"value": "inputs.x"}}),
    **below(
        "JoinParam",
        document(
            joins=[{**JOIN, "params": {"all": {"value": "outputs.loss"}, "b": {"value": "io", "contextOnly": True}}}]
        ),
        "joins/0/params/all",
        {"value": "inputs.x", "ref": "r", "context_only": True, "to_env": "ALL"},
    ),
    "JoinParam.connection": (JOINED, "joins/0/params/all/connection", "store"),
    "JoinParam.to_init": (JOINED, "joins/0/params/all/toInit", False),
    **_sweeps(),
    **_distributions(),
    **_policies(),
    **below("Metric", swept(BAND), "matrix/metric", {"name": "other", "optimization": "maximize"}),
    **below("Resource", swept(BAND), "matrix/resource", {"name": "steps", "type": "float"}),
    **below(
        "Tuner",
        TUNED_BAND,
        "matrix/tuner",
        {"hub_ref": "other", "params": {"a": {"value": 1}}, "queue": "q", "namespace": "n", "presets": ["fast"]},
    ),
    **below("UtilityFunction", UTILITY, "matrix/utilityFunction", {"kappa": 2, "num_warmup": 6, "num_iterations": 11}),
    "UtilityFunction.acquisition_function": (EXPECTED, "matrix/utilityFunction/acquisitionFunction", "poi"),
    "UtilityFunction.eps": (EXPECTED, "matrix/utilityFunction/eps", 0.2),
    "UtilityFunction.gaussian_process": (UTILITY, "matrix/utilityFunction/gaussianProcess", {"kernel": "rbf"}),
    **below(
        "GaussianProcess",
        UTILITY,
        "matrix/utilityFunction/gaussianProcess",
        {"kernel": "rbf", "length_scale": 2.0, "nu": 2.5, "num_restarts_optimizer": 1},
    ),
    **below("FailureEarlyStopping", STOPPED, AT_ONE, {"percent": 60}),
    "FailureEarlyStopping.kind": (STOPPED, AT_ONE, METRICAL),
    **below(
        "MetricEarlyStopping",
        swept(GRID, earlyStopping=[METRICAL]),
        AT_ONE,
        {"metric": "other", "value": 0.2, "optimization": "maximize", "policy": POLICIES["MedianPolicy"][0]},
    ),
    "MetricEarlyStopping.kind": (swept(GRID, earlyStopping=[METRICAL]), AT_ONE, FAILING),
}
"""By the line of the table; two of them refer to components of `FROM_OUTSIDE`."""
