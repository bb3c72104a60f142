"""What of an operation only a cluster goes by: where it runs, and what its bound run says of its pod."""

import pytest

from planner.compile import CompileConfig
from planner.compile.clustered import cluster_of
from planner.model.cluster import ClusterRules
from planner.model.desired import Dag
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

POLICY = "policies:\n- {match: 'team/**', namespace: research}\n"
RUN = "component: {run: {kind: job, container: {image: i, command: [a], args: ['{{ globals.namespace }}']}}}\n"
SERVICE = "component: {run: {kind: service, container: {image: i, command: [a]}}}\n"
HEAD = "version: 1.1\nkind: operation\nname: train\n"


def operation(body, backend="kubernetes", path="a.yaml", *, agent=False, **rest):
    config = CompileConfig(
        "vision",
        backend=backend,
        namespace="ml",
        namespaces=frozenset({"research", "lab"}),
        cluster=ClusterRules(agent=agent),
        **rest,
    )
    state = compiled({path: HEAD + body, ".plumbline.yaml": POLICY}, config)
    assert "train" in state.roots, [str(problem) for problem in state.problems]
    return state.roots["train"]


@pytest.mark.parametrize(
    ("more", "path", "namespace", "text"),
    [
        ("", "a.yaml", None, "ml"),
        ("", "team/a.yaml", "research", "research"),
        ("namespace: lab\n", "a.yaml", "lab", "lab"),
        ("namespace: lab\n", "team/a.yaml", "lab", "lab"),
    ],
    ids=["default", "policy", "own", "own-over-policy"],
)
def test_where_an_operation_runs(more, path, namespace, text):
    found = operation(more + RUN, path=path)
    assert cluster_of(found).get("namespace") == namespace
    assert found.body.gang.replicas[0].container.args == (text,)


def test_on_one_machine_a_namespace_is_no_place():
    """What a text was there stays what it is: the digest is a contract."""
    found = operation("namespace: lab\n" + RUN, backend="local")
    assert found.body.gang.replicas[0].container.args == ("ml",)


def test_a_dag_runs_in_one_namespace():
    node = "{name: fit, component: {run: {kind: job, container: {image: i}}}}"
    other = "{name: eval, namespace: research, component: {run: {kind: job, container: {image: i}}}}"
    body = operation(f"namespace: lab\ncomponent: {{run: {{kind: dag, operations: [{node}, {other}]}}}}\n").body
    assert isinstance(body, Dag)
    assert {one.operation.name: cluster_of(one.operation)["namespace"] for one in body.nodes} == {
        "fit": "lab",
        "eval": "research",
    }


def test_what_a_bound_run_says_of_its_pod():
    more = """\
plugins: {shm: false, notifications: [{connections: [slack]}]}
termination: {timeout: 5, podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: [3]}}]}}
"""
    found = cluster_of(operation(more + RUN))
    assert found == {
        "plugins": {"shm": False},
        "failure_policy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}]},
    }
    assert cluster_of(operation(RUN)) == {}
    assert cluster_of(operation("queue: agent/gold\n" + RUN)) == {"queue": "gold"}
    assert cluster_of(operation(SERVICE)) == {"progress_deadline": 600.0}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "component: {run: {kind: job, container: {command: [a]}}}\n",
            "Kubernetes runs images, and the container has none",
        ),
        (
            "component: {run: {kind: tfjob, worker: {replicas: 2, container: {image: i}}}}\n",
            "a run of kind tfjob needs the operator of its kind",
        ),
        (
            "component: {run: {kind: job, init: [{file: {content: a}}], container: {image: i}}}\n",
            "what `init` puts in place reaches a pod by Plumbline's agent",
        ),
        (
            "component: {run: {kind: job, init: [{git: {paths: [a.yaml]}}], container: {image: i}}}\n",
            "code of the repository (init: git) reaches a pod by Plumbline's agent",
        ),
        ("component: {run: {kind: job, init: [{container: {image: i}}], container: {image: i}}}\n", ""),
        (RUN, ""),
        ("component: {run: {kind: job, container: {image: i}}}\n", ""),
    ],
    ids=["image", "groups", "file", "code", "init-container", "fine", "the-image-decides"],
)
def test_what_cannot_run_in_a_cluster(body, words):
    assert operation(body).refused.startswith(words)
    assert bool(operation(body).refused) == bool(words)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{git: {url: 'https://a.example/b', flags: [--depth]}}", "options for git are not taken from specs"),
        ("{paths: [a], connection: store}", "{} fetches through connections of the kind git only (init)"),
        ("{file: {content: a}, path: /etc}", "{} puts nothing outside of the working folder (init.path)"),
        ("{file: {content: a}, path: a}", ""),
    ],
)
def test_what_no_backend_puts_in_place_is_refused_with_the_same_words(entry, words):
    body = f"component: {{run: {{kind: job, init: [{entry}], container: {{image: i, command: [a]}}}}}}\n"
    for backend, name in {"kubernetes": "the Kubernetes backend", "local": "the local backend"}.items():
        found = operation(body, backend, agent=True).refused
        assert found.startswith(words.format(name)), backend
        assert bool(found) == bool(words)


def test_what_would_start_a_program_again_inside_of_an_attempt_is_told():
    state = compiled(
        {
            "a.yaml": HEAD
            + "component: {run: {kind: job, environment: {restartPolicy: OnFailure}, container: {image: i}}}\n"
        },
        CompileConfig("vision", backend="kubernetes", cluster=ClusterRules()),
    )
    assert not state.roots["train"].refused
    (told,) = [problem for problem in state.problems if problem.code == "PL-701"]
    assert told.message == "not used on this backend: environment.restartPolicy"
    assert told.pointer == "/component/run/environment/restartPolicy"


@pytest.mark.parametrize(
    ("backend", "agent", "probe", "words"),
    [
        ("kubernetes", False, "", "nobody asks a service where no agent is in its pod whether it is idle"),
        ("kubernetes", True, ", probe: {exec: {command: [idle]}}", "nobody asks a service by a command"),
        ("kubernetes", True, "", ""),
        ("kubernetes", True, ", probe: {http: {path: /}}", ""),
        ("local", False, ", probe: {exec: {command: [idle]}}", ""),
    ],
    ids=["no-agent", "command", "agent", "http", "local"],
)
def test_a_service_that_nobody_asks_is_not_culled(backend, agent, probe, words):
    run = "{run: {kind: service, ports: [80], container: {image: i, command: [a]}}}"
    text = f"{HEAD}termination: {{culling: {{timeout: 60}}{probe}}}\ncomponent: {run}\n"
    config = CompileConfig("vision", backend=backend, cluster=ClusterRules(agent=agent))
    state = compiled({"a.yaml": text}, config)
    found = [problem.message for problem in state.problems if problem.code == "PL-704"]
    assert [words in one for one in found] == [True] * bool(words)
    assert not state.roots["train"].refused
