"""What each kind of run lowers to, what of it is checked once templates have values, and what cannot run here."""

import json
from datetime import UTC, datetime

import pytest

from planner import keys
from planner.canon import plain
from planner.compile import CompileConfig
from planner.compile.bind import BindRequest, bind, finish_run
from planner.model.gang import Lifetime
from planner.spec.catalogue import Connection
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

CONTAINER = {"image": "i", "command": ["c"]}
GROUP = {"container": CONTAINER}
INPUTS = [
    {"name": "port", "type": "int", "value": 8080},
    {"name": "n", "type": "int", "value": 3},
    {"name": "word", "value": "a"},
    {"name": "names", "value": ["x", "y"]},
]


def desired(run, *more, config=None):
    component = {"inputs": [*INPUTS, *more], "run": run}
    document = {"version": 1.1, "kind": "operation", "name": "t", "component": component}
    return compiled({"a.json": json.dumps(document), "src/a.py": "a", "lib/b.py": "b"}, config)


def root(run, *more, config=None):
    state = desired(run, *more, config=config)
    assert "t" in state.roots, [str(problem) for problem in state.problems]
    return state.roots["t"]


def gang(run, *more):
    return root(run, *more).body.gang


ONCE, ALWAYS = Lifetime.ONCE, Lifetime.ALWAYS
KINDS = {
    "job": ({"kind": "job", **GROUP}, {"main": 1}, "main", ONCE),
    "notifier": ({"kind": "notifier", **GROUP}, {"main": 1}, "main", ONCE),
    "cleaner": ({"kind": "cleaner", **GROUP}, {"main": 1}, "main", ONCE),
    "tuner": ({"kind": "tuner", **GROUP}, {"main": 1}, "main", ONCE),
    "service": ({"kind": "service", "replicas": 2, **GROUP}, {"main": 2}, "main", ALWAYS),
    "tfjob": (
        {"kind": "tfjob", "chief": GROUP, "ps": {"replicas": 2, **GROUP}, "worker": {"replicas": "{{ n }}", **GROUP}},
        {"ps": 2, "chief": 1, "worker": 3},
        "chief",
        ONCE,
    ),
    "tfjob without a chief": (
        {"kind": "tfjob", "worker": GROUP, "evaluator": GROUP},
        {"worker": 1, "evaluator": 1},
        "worker",
        ONCE,
    ),
    "tfjob until all workers end": (
        {"kind": "tfjob", "chief": GROUP, "worker": GROUP, "successPolicy": "AllWorkers"},
        {"chief": 1, "worker": 1},
        "worker",
        ONCE,
    ),
    "pytorchjob": (
        {"kind": "pytorchjob", "master": GROUP, "worker": GROUP},
        {"master": 1, "worker": 1},
        "master",
        ONCE,
    ),
    "pytorchjob of workers": (
        {"kind": "pytorchjob", "worker": {"replicas": 0, **GROUP}},
        {"worker": 0},
        "worker",
        ONCE,
    ),
    "mpijob": ({"kind": "mpijob", "launcher": GROUP, "worker": GROUP}, {"worker": 1, "launcher": 1}, "launcher", ONCE),
    "raycluster": ({"kind": "raycluster", "head": GROUP, "workers": {"g": GROUP}}, {"head": 1, "g": 1}, "head", ALWAYS),
    "raycluster with a job": ({"kind": "raycluster", "entrypoint": "a", "head": GROUP}, {"head": 1}, "head", ONCE),
    "rayjob": ({"kind": "rayjob", "entrypoint": "a", "head": GROUP}, {"head": 1}, "head", ONCE),
    "daskcluster": (
        {"kind": "daskcluster", "scheduler": GROUP, "worker": GROUP},
        {"scheduler": 1, "worker": 1},
        "scheduler",
        ALWAYS,
    ),
    "daskjob": (
        {"kind": "daskjob", "job": GROUP, "scheduler": GROUP, "worker": GROUP},
        {"scheduler": 1, "worker": 1, "job": 1},
        "job",
        ONCE,
    ),
    "sparkjob": (
        {"kind": "sparkjob", "driver": GROUP, "executor": GROUP},
        {"driver": 1, "executor": 1},
        "driver",
        ONCE,
    ),
}


@pytest.mark.parametrize(("run", "groups", "decider", "lifetime"), KINDS.values(), ids=KINDS)
def test_what_a_kind_lowers_to(run, groups, decider, lifetime):
    found = gang(run)

    assert [(group.role, group.count) for group in found.replicas] == list(groups.items())
    assert (found.decider, found.lifetime) == (decider, lifetime)
    assert root(run).kind == run["kind"]


NEEDS = {
    "a container": ({"kind": "tuner"}, ["PL-202 /component/run a tuner needs a container"]),
    "a chief or a worker": (
        {"kind": "tfjob", "ps": GROUP},
        ["PL-202 /component/run a run of kind `tfjob` needs `chief` or `worker`"],
    ),
    "a master or a worker": (
        {"kind": "pytorchjob"},
        ["PL-202 /component/run a run of kind `pytorchjob` needs `master` or `worker`"],
    ),
    "a launcher": (
        {"kind": "mpijob", "worker": GROUP},
        ["PL-202 /component/run a run of kind `mpijob` needs `launcher`"],
    ),
    "a head": (
        {"kind": "raycluster", "entrypoint": "a"},
        ["PL-202 /component/run a run of kind `raycluster` needs `head`"],
    ),
    "a command": (
        {"kind": "rayjob", "head": GROUP},
        ["PL-202 /component/run a run of kind `rayjob` needs an `entrypoint`"],
    ),
    "a scheduler": (
        {"kind": "daskcluster", "worker": GROUP},
        ["PL-202 /component/run a run of kind `daskcluster` needs `scheduler`"],
    ),
    "a program": (
        {"kind": "daskjob", "scheduler": GROUP},
        ["PL-202 /component/run a run of kind `daskjob` needs `job`"],
    ),
    "a driver": ({"kind": "sparkjob"}, ["PL-202 /component/run a run of kind `sparkjob` needs `driver`"]),
    "containers of groups": (
        {"kind": "raycluster", "head": {}, "workers": {"g": {"replicas": "{{ word }}"}}},
        [
            "PL-202 /component/run/head the `head` of a raycluster needs a container",
            "PL-203 /component/run/workers/g/replicas a whole number is wanted here",
            "PL-202 /component/run/workers/g the `g` of a raycluster needs a container",
        ],
    ),
}


@pytest.mark.parametrize(("run", "expected"), NEEDS.values(), ids=NEEDS)
def test_what_a_kind_needs(run, expected):
    said = [f"{problem.code} {problem.pointer} {problem.message}" for problem in desired(run).problems]

    assert sorted(said) == sorted(expected)


def test_elastic_policies_have_the_names_of_kubeflow():
    policy = {"rdvzBackend": "c10d", "rdzvPort": 1, "Metrics": [{"type": "Resource"}], "minReplicas": "{{ n }}"}
    found = gang({"kind": "pytorchjob", "worker": GROUP, "elasticPolicy": policy, "cleanPodPolicy": "All"})

    named = {"rdzv" + "Backend": "c10d", "rdzv" + "Port": 1, "metrics": [{"type": "Resource"}], "minReplicas": 3}
    assert found.options == {"elasticPolicy": named, "cleanPodPolicy": "All"}


def test_groups_hold_what_their_containers_do_not():
    said = {
        "environment": {"labels": {"a": 1}, "nodeSelector": {"gpu": "{{ word }}"}},
        "init": [{"git": {"paths": ["src"]}}, {"connection": "c", "paths": "{{ word }}"}],
        "sidecars": [{"image": "s", "env": {"A": "{{ n }}"}}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "connections": "{{ names }}",
        "container": {
            **CONTAINER,
            "env": [
                {"name": "A", "value": "b"},
                {"name": "S", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "resources": {"limits": {"cpu": 1}, "claims": [{"name": "c"}]},
            "readinessProbe": {"exec": {"command": ["r"]}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        },
    }
    found = gang({"kind": "mpijob", "launcher": said})
    group = found.replicas[0]

    assert plain(group.pod) == {
        "environment": {"labels": {"a": "1"}, "nodeSelector": {"gpu": "a"}},
        "init": [{"connection": "c", "paths": ["a"]}],
        "sidecars": [{"image": "s", "env": [{"name": "A", "value": "3"}]}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "connections": ["x", "y"],
        "container": {
            "env": [{"name": "S", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"claims": [{"name": "c"}]},
            "readinessProbe": {"exec": {"command": ["r"]}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        },
    }
    assert group.container.env == {"A": "b"}
    assert [tree.target for tree in found.code] == ["src"]


def test_groups_see_the_code_of_all_of_them_once():
    init = [{"git": {"paths": ["src"]}}]
    other = [{"git": {"paths": ["lib"]}}, *init]
    found = gang({"kind": "pytorchjob", "master": {**GROUP, "init": init}, "worker": {**GROUP, "init": other}})

    assert [tree.target for tree in found.code] == ["src", "lib"]


def test_a_job_alone_has_nothing_beside_its_container():
    run = {
        "kind": "job",
        "environment": {"labels": {"a": "b"}},
        "init": [{"git": {}}],
        "container": {**CONTAINER, "env": {"A": 1}},
    }

    assert gang(run).replicas[0].pod == {}


# Services


def served(container, **fields):
    return {"kind": "service", "container": {**CONTAINER, **container}, **fields}


def test_ports_of_a_container_are_those_of_its_service():
    ports = [{"containerPort": "{{ port }}", "name": "http"}, {"containerPort": 9090}]
    probe = {"httpGet": {"port": "http"}, "periodSeconds": "{{ n }}"}
    found = gang(served({"ports": ports, "readinessProbe": probe}))

    assert found.ports == (8080, 9090)
    assert (found.probe.port, found.probe.period) == (0, 3.0)
    assert gang(served({"ports": ports}, ports=[9090])).ports == (9090,)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param("https", "no port of the container is named `https`", id="unknown-name"),
        pytest.param("{{ names }}", "a port number or the name of a port is wanted here", id="no-port-at-all"),
    ],
)
def test_a_probe_looks_at_a_port_of_the_service(port, expected):
    state = desired(
        served({"ports": [{"containerPort": 80, "name": "http"}], "readinessProbe": {"tcpSocket": {"port": port}}})
    )

    assert [problem.message for problem in state.problems if problem.code != "PL-701"] == [expected]


def test_a_probe_of_a_port_that_is_not_declared_is_for_a_cluster():
    found = root(served({"readinessProbe": {"tcpSocket": {"port": 81}}}, ports=[80]))

    assert found.body.gang.probe is None
    assert found.body.gang.replicas[0].pod["container"]["readinessProbe"] == {"tcpSocket": {"port": 81}}
    assert found.refused.startswith("this readiness probe says what only Kubernetes can do")


def test_words_of_a_sidecar_become_text_as_those_of_the_main_container():
    sidecar = {
        "name": "s",
        "image": "i",
        "command": ["run"],
        "args": ["--n={{ n }}", "{{ n }}", "{{ names }}", "{{ globals.uuid }}"],
    }
    run = {"kind": "job", "container": CONTAINER, "sidecars": [sidecar]}

    (found,) = gang(run).replicas[0].pod["sidecars"]

    assert found["args"] == ["--n=3", "3", '["x","y"]', "{{ globals.uuid }}"]
    assert found["command"] == ["run"]


@pytest.mark.parametrize("kind", ["job", "daskcluster"])
def test_a_variable_of_an_input_reaches_all_main_containers_and_sidecars_and_wins(kind):
    group = {"container": CONTAINER, "sidecars": [{"image": "s", "env": {"W": "1", "S": "2"}}]}
    run = {"kind": kind, **group} if kind == "job" else {"kind": kind, "scheduler": group, "worker": group}

    for replica in gang(run, {"name": "w", "value": "a", "toEnv": "W"}).replicas:
        assert replica.container.env == {"W": "a"}
        (sidecar,) = replica.pod["sidecars"]
        assert plain(sidecar["env"]) == [
            {"name": "W", "value": "1"},
            {"name": "S", "value": "2"},
            {"name": "W", "value": "a"},
        ]


# What templates come to

WRONG = {
    "a port": (
        {"container": {**CONTAINER, "ports": [{"containerPort": "{{ word }}"}]}},
        "PL-203 /component/run/container/ports/0/containerPort",
    ),
    "a word": (
        {"environment": {"tolerations": [{"operator": "{{ word }}"}]}, **GROUP},
        "PL-204 /component/run/environment/tolerations/0/operator",
    ),
    "an object": (
        {"environment": {"affinity": {"podAffinity": "{{ word }}"}}, **GROUP},
        "PL-203 /component/run/environment/affinity/podAffinity",
    ),
    "a list": ({"volumes": "{{ word }}", **GROUP}, "PL-203 /component/run/volumes"),
    "after code": (
        {"init": [{"git": {}}, {"artifacts": {"workers": "{{ word }}"}}], **GROUP},
        "PL-203 /component/run/init/1/artifacts/workers",
    ),
    "unknown": ({"sidecars": [{"image": "{{ nope }}"}], **GROUP}, "PL-405 /component/run/sidecars/0/image"),
    "a number": ({"environment": {"priority": "{{ word }}"}, **GROUP}, "PL-203 /component/run/environment/priority"),
}


@pytest.mark.parametrize(("said", "expected"), WRONG.values(), ids=WRONG)
def test_what_templates_come_to_is_checked_as_if_it_were_written(said, expected):
    problems = [problem for problem in desired({"kind": "job", **said}).problems if problem.code != "PL-701"]

    assert [f"{problem.code} {problem.pointer}" for problem in problems] == [expected]


def test_options_are_checked_too():
    run = {
        "kind": "rayjob",
        "entrypoint": "{{ word }}",
        "head": {**GROUP, "maxReplicas": "{{ word }}"},
        "metadata": {"a": "{{ n }}"},
    }
    assert [(p.code, p.pointer) for p in desired(run).problems] == [("PL-203", "/component/run/head/maxReplicas")]

    run["head"] = GROUP
    assert gang(run).options == {"entrypoint": "a", "metadata": {"a": "3"}}


def test_what_waits_for_a_start_is_bound_there():
    run = {
        "kind": "job",
        "sidecars": [{"image": "{{ word }}:{{ globals.commit }}"}],
        "environment": {"nodeName": "{{ globals.run_outputs_path }}", "nodeSelector": {"{{ a }}": "{ x }"}},
        **GROUP,
    }
    operation = root(run)
    request = BindRequest(
        operation=operation,
        key=keys.generation("t", 1),
        values={},
        upstream={},
        identity=("i", "p"),
        commit="c" * 40,
        opened_at=datetime(2026, 11, 23, tzinfo=UTC),
        because="a test",
    )
    bound = bind(request)
    held, done = bound.gang.replicas[0].pod, finish_run(bound, {"run_outputs_path": "/o"}).gang.replicas[0].pod

    assert operation.body.gang.replicas[0].pod["sidecars"] == [{"image": "{{ word }}:{{ globals.commit }}"}]
    assert held["sidecars"] == [{"image": "a:" + "c" * 40}]
    assert held["environment"]["nodeName"] == "{{ globals.run_outputs_path }}"
    assert done["environment"] == {"nodeName": "/o", "nodeSelector": {"{{ a }}": "{ x }"}}


# Can it run here?

HERE = {
    "distributed": ({"kind": "mpijob", "launcher": GROUP}, "needs a backend with Kubernetes"),
    "sidecars": ({"kind": "job", "sidecars": [CONTAINER], **GROUP}, "sidecars"),
    "volumes": ({"kind": "job", "volumes": [{"name": "v"}], **GROUP}, "volumes"),
    "connections": ({"kind": "job", "connections": ["c"], **GROUP}, "connections"),
    "mounts": (
        {"kind": "job", "container": {**CONTAINER, "volumeMounts": [{"name": "v", "mountPath": "/"}]}},
        "volumeMounts",
    ),
    "secrets": ({"kind": "job", "container": {**CONTAINER, "envFrom": [{"secretRef": {"name": "s"}}]}}, "envFrom"),
    "looked up": ({"kind": "job", "container": {**CONTAINER, "env": [{"name": "A", "valueFrom": {}}]}}, "valueFrom"),
    "a liveness probe": (
        {"kind": "job", "container": {**CONTAINER, "livenessProbe": {"grpc": {"port": 1}}}},
        "liveness",
    ),
    "a probe by gRPC": (served({"readinessProbe": {"grpc": {"port": 1}}}), "readiness probe"),
    "a terminal": ({"kind": "job", "container": {**CONTAINER, "tty": True}}, "terminal"),
    "no terminal": ({"kind": "job", "container": {**CONTAINER, "tty": False}}, ""),
    "names of hosts": ({"kind": "job", "environment": {"hostAliases": [{"ip": "::1"}]}, **GROUP}, "hostAliases"),
    "a clone": ({"kind": "job", "init": [{"git": {"url": "https://forge.example/lib"}}], **GROUP}, ""),
    "a clone through a connection": ({"kind": "job", "init": [{"git": {}, "connection": "code"}], **GROUP}, ""),
    "a connection alone": ({"kind": "job", "init": [{"connection": "code"}], **GROUP}, ""),
    "a connection to a bucket": ({"kind": "job", "init": [{"connection": "s3"}], **GROUP}, "of the kind git only"),
    "options for git": (
        {"kind": "job", "init": [{"git": {"url": "https://forge.example/lib", "flags": ["--depth=1"]}}], **GROUP},
        "options for git are not taken from specs",
    ),
    "a file elsewhere": (
        {"kind": "job", "init": [{"file": {"content": "a"}, "path": "/etc"}], **GROUP},
        "puts nothing outside of the working folder",
    ),
    "a path of a connection": (
        {"kind": "job", "init": [{"paths": ["a"], "connection": "s3"}], **GROUP},
        "through connections of the kind git only",
    ),
    "code of the repository": ({"kind": "job", "init": [{"git": {"paths": ["src"]}}], **GROUP}, ""),
    "what other runs left": (
        {"kind": "job", "init": [{"modelRef": "train@g1"}, {"artifactRef": "a@g1"}, {"lineageRef": "a@g1:b"}], **GROUP},
        "",
    ),
    "a board over runs": ({"kind": "job", "init": [{"tensorboard": {"uuids": ["r-7f3k2m2q"]}}], **GROUP}, ""),
    "an init container": ({"kind": "job", "init": [{"container": {"image": "i"}}], **GROUP}, "init containers"),
    "no command": ({"kind": "job", "container": {"image": "i"}}, "needs a command"),
    "placement": ({"kind": "job", "environment": {"nodeSelector": {"a": "b"}, "priority": 1}, **GROUP}, ""),
}


def test_what_an_input_puts_in_place_comes_once_and_first():
    brings = {"name": "x", "type": "dockerfile", "toInit": True, "isOptional": True, "value": {"image": "i"}}
    own = {"file": {"content": "a"}}
    found = root({"kind": "job", "init": [own], **GROUP}, brings)

    assert found.refused == ""
    assert found.body.gang.replicas[0].pod["init"] == [{"dockerfile": {"image": "i"}}, own]


CONFIGURED = CompileConfig(
    "demo",
    connections={
        "code": Connection.model_validate({"name": "code", "kind": "git", "schema": {"url": "/srv/code"}}),
        "s3": Connection.model_validate({"name": "s3", "kind": "s3", "schema": {"bucket": "s3://b"}}),
        "c": Connection.model_validate({"name": "c", "kind": "custom"}),
    },
)


@pytest.mark.parametrize(("run", "reason"), HERE.values(), ids=HERE)
def test_what_runs_on_the_local_backend(run, reason):
    refused = root(run, config=CONFIGURED).refused

    assert reason in refused
    assert bool(refused) is bool(reason)


def test_what_only_a_cluster_uses_is_said_once():
    run = {
        "kind": "job",
        "environment": {"nodeSelector": {"a": "b"}, "tolerations": [{}]},
        "container": {**CONTAINER, "imagePullPolicy": "Always", "ports": [{"containerPort": 1}]},
    }
    (said,) = [problem for problem in desired(run).problems if problem.code == "PL-701"]
    assert (said.severity.value, said.pointer) == ("info", "/component/run/environment/nodeSelector")
    assert said.message == (
        "not used on this backend: environment.nodeSelector, environment.tolerations, container.ports, "
        "container.imagePullPolicy"
    )
