"""An operation over its component, presets, DAGs and run patches: what comes of them, and where problems are said."""

# Specs stand on one line where their columns are what is tested.
# ruff: noqa: E501

import pytest

from planner.compile import CompileConfig
from planner.model.desired import Event
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\n"
PRESET = "version: 1.1\nkind: operation\nisPreset: true\nname: {}\n"
COMPONENT = "component:\n  run: {kind: job, container: {image: i, command: [c]}}\n"


def root(text, config=None, **files):
    desired = compiled({"a.yaml": text, **{f"{name}.yaml": data for name, data in files.items()}}, config)
    assert [problem for problem in desired.problems if problem.severity == "error"] == []
    return desired.roots["t"]


def problems(text, **files):
    desired = compiled({"a.yaml": text, **{f"{name}.yaml": data for name, data in files.items()}})
    return [f"{one.code} {one.place} {one.pointer}" for one in desired.problems if one.severity == "error"]


def leaf(text, **files):
    return root(text, **files).body


def container(text, **files):
    return leaf(text, **files).gang.replicas[0].container


# The operation over its component


def test_run_patch_is_joined_with_the_run():
    found = container(
        OP
        + "runPatch: {container: {args: [b], image: j}}\ncomponent:\n  run: {kind: job, container: {image: i, command: [c], args: [a]}}\n"
    )

    assert (found.image, found.command, found.args) == ("j", ("c",), ("a", "b"))


@pytest.mark.parametrize(
    ("strategy", "args"),
    [("post_merge", ("a", "b")), ("pre_merge", ("b", "a")), ("replace", ("b",)), ("isnull", ("a",))],
)
def test_the_strategy_of_the_operation_decides(strategy, args):
    text = f"{OP}patchStrategy: {strategy}\nrunPatch: {{container: {{args: [b]}}}}\ncomponent:\n  run: {{kind: job, container: {{command: [c], args: [a]}}}}\n"

    assert container(text).args == args


def test_what_both_have_is_merged():
    text = (
        OP
        + "tags: [o]\ntermination: {maxRetries: 3}\ncomponent:\n  tags: [c]\n  queue: q\n  termination: {maxRetries: 1, timeout: 60}\n  run: {kind: job, container: {command: [c]}}\n"
    )

    found = root(text)

    assert found.tags == ("c", "o")
    assert (found.body.termination.max_retries, found.body.termination.timeout, found.body.queue) == (3, 60, "q")


def test_a_run_patch_with_a_wrong_field_is_said_where_it_is_written():
    assert problems(OP + "runPatch: {container: {imag: x}}\n" + COMPONENT) == [
        "PL-201 a.yaml:4:24 /runPatch/container/imag"
    ]


def test_a_run_patch_for_another_kind_is_a_problem():
    assert problems(OP + "runPatch: {kind: service}\n" + COMPONENT) == ["PL-209 a.yaml:4:18 /runPatch/kind"]


def test_a_template_in_a_patch_is_said_where_it_is_written():
    patch = 'runPatch: {container: {args: ["{{ nothing }}"]}}\n'

    assert problems(OP + patch + COMPONENT) == ["PL-405 a.yaml:4:31 /runPatch/container/args/0"]


def test_a_file_of_a_component_is_named_for_its_own_part():
    library = "version: 1.1\nkind: component\nrun: {kind: job, container: {command: [c], args: ['{{ y }}']}}\n"

    found = problems(OP + 'pathRef: lib.yaml\nrunPatch: {container: {args: ["{{ x }}"]}}\n', lib=library)

    assert found == ["PL-405 a.yaml:5:31 /runPatch/container/args/0", "PL-405 lib.yaml:3:51 /run/container/args/0"]


# Presets

FAST = PRESET.format("fast") + "queue: fast\ntermination: {maxRetries: 5}\nrunPatch: {container: {args: [p]}}\n"


def test_a_preset_is_laid_over_the_operation():
    found = leaf(OP + "presets: [fast]\nqueue: slow\ntermination: {timeout: 9}\n" + COMPONENT, p=FAST)

    assert (found.queue, found.termination.max_retries, found.termination.timeout) == ("fast", 5, 9)
    assert found.gang.replicas[0].container.args == ("p",)


def test_a_preset_says_how_it_is_laid_over():
    found = leaf(OP + "presets: [fast]\nqueue: slow\n" + COMPONENT, p=FAST + "patchStrategy: isnull\n")

    assert (found.queue, found.termination.max_retries) == ("slow", 5)


def test_later_presets_hold_before_earlier_ones():
    last = PRESET.format("last") + "queue: last\n"

    assert leaf(OP + "presets: fast, last\n" + COMPONENT, p=FAST, q=last).queue == "last"


def test_a_preset_named_by_a_component_counts():
    component = "component:\n  presets: [fast]\n  run: {kind: job, container: {command: [c]}}\n"

    assert leaf(OP + component, p=FAST).queue == "fast"


def test_a_preset_of_an_operation_in_a_dag_adds_what_it_waits_for():
    text = OP + (
        "component:\n  run:\n    kind: dag\n    operations:\n"
        "      - {name: b, presets: [after], component: {run: {kind: job, container: {command: [b]}}}}\n"
        "      - {name: a, component: {run: {kind: job, container: {command: [a]}}}}\n"
    )

    nodes = root(text, p=PRESET.format("after") + "dependencies: [a]\n").body.nodes

    assert [(node.operation.name, node.upstream) for node in nodes] == [("a", ()), ("b", ("a",))]


# What a DAG hands down

CHILD = "      - {name: a, %s component: {%s inputs: [{name: x, value: 1}], run: {kind: job, %s container: {command: [a]}}}}\n"


def child(dag="", operation="", component="", run=""):
    text = (
        f"{OP}component:\n  inputs: [{{name: q, value: 7}}]\n  {dag}\n  run:\n    kind: dag\n    operations:\n"
        + CHILD % (operation, component, run)
    )
    return root(text).body.nodes[0].operation


@pytest.mark.parametrize(
    ("dag", "operation", "component", "retries"),
    [
        ("termination: {maxRetries: 1}", "", "", 1),
        ("termination: {maxRetries: 1}", "", "termination: {maxRetries: 2},", 1),
        ("termination: {maxRetries: 1}", "termination: {maxRetries: 3},", "termination: {maxRetries: 2},", 3),
        ("termination: {timeout: 5}", "", "termination: {maxRetries: 2},", 2),
        ('termination: {maxRetries: "{{ q }}"}', "", "", 7),
    ],
)
def test_termination_goes_operation_then_dag_then_component(dag, operation, component, retries):
    assert child(dag, operation, component).body.termination.max_retries == retries


def test_plugins_and_cache_of_a_dag_reach_its_operations():
    found = child("plugins: {collectLogs: false}\n  cache: {disable: true}", "plugins: {logLevel: INFO},")

    assert found.sections == {"cache": {"disable": True}, "plugins": {"collectLogs": False, "logLevel": "INFO"}}


GROUP = "{container: {image: i, command: [c]}%s}"
GROUPS = {
    "tfjob": ("chief: %s, worker: %s", ["chief", "worker"]),
    "pytorchjob": ("master: %s, worker: %s", ["master", "worker"]),
    "mpijob": ("worker: %s, launcher: %s", ["worker", "launcher"]),
    "daskcluster": ("scheduler: %s, worker: %s", ["scheduler", "worker"]),
    "daskjob": ("job: %s, worker: %s, scheduler: %s", ["scheduler", "worker", "job"]),
    "raycluster": ("head: %s, workers: {w: %s, v: %s}", ["head", "w", "v"]),
    "rayjob": ("entrypoint: e, head: %s, workers: {w: %s}", ["head", "w"]),
    "sparkjob": ("driver: %s, executor: %s", ["driver", "executor"]),
}
LABELS = ", environment: {labels: {%s}}"


def environments(kind, dag="", operation="", component=""):
    """What the groups of an operation of a DAG have as environment, by role."""
    groups, roles = GROUPS[kind]
    run = groups.replace("%s", GROUP % component)
    text = (
        f"{OP}component:\n  run:\n    kind: dag\n    {dag}\n    operations:\n"
        f"      - {{name: a, {operation} component: {{run: {{kind: {kind}, {run}}}}}}}\n"
    )
    found = root(text).body.nodes[0].operation.body.gang.replicas
    assert [group.role for group in found] == roles
    return [group.pod.get("environment") for group in found]


@pytest.mark.parametrize("kind", GROUPS)
def test_the_environment_of_a_dag_reaches_each_group(kind):
    found = environments(kind, dag="environment: {nodeSelector: {a: b}, labels: {l: d}}")

    assert found == [{"nodeSelector": {"a": "b"}, "labels": {"l": "d"}}] * len(found)


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize(
    ("strategy", "winner"), [("post_merge", "dag"), ("pre_merge", "component"), ("isnull", "component")]
)
def test_the_environment_of_a_dag_is_laid_over_that_of_a_component(kind, strategy, winner):
    found = environments(
        kind,
        "environment: {serviceAccountName: dag}",
        f"patchStrategy: {strategy},",
        ", environment: {serviceAccountName: component}",
    )

    assert found == [{"serviceAccountName": winner}] * len(found)


@pytest.mark.parametrize("kind", [kind for kind in GROUPS if kind != "mpijob"])
def test_what_an_operation_says_for_all_groups_holds_before_its_dag(kind):
    operation = "runPatch: {environment: {labels: {o: op, d: op}}},"
    found = environments(
        kind, "environment: {labels: {d: dag, c: dag, x: dag}}", operation, LABELS % "o: c, d: c, c: c"
    )

    assert found == [{"labels": {"o": "op", "d": "op", "c": "dag", "x": "dag"}}] * len(found)


@pytest.mark.parametrize(
    ("kind", "group"),
    [("tfjob", "worker"), ("pytorchjob", "worker"), ("mpijob", "launcher"), ("daskcluster", "worker")],
)
def test_what_an_operation_says_for_one_group_holds_there(kind, group):
    operation = f"runPatch: {{{group}: {{environment: {{labels: {{d: op}}}}}}}},"

    assert environments(kind, "environment: {labels: {d: dag}}", operation) == [
        {"labels": {"d": "dag"}},
        {"labels": {"d": "op"}},
    ]


def test_lists_of_the_environments_are_joined_as_the_reference_does():
    environment = "environment: {imagePullSecrets: [%s]}"
    operation = f"runPatch: {{{environment % 'op'}}},"

    found = environments("tfjob", environment % "dag", operation, f", {environment % 'c'}")

    assert found == [{"imagePullSecrets": ["c", "dag", "op"]}] * 2


def test_the_environment_of_a_dag_goes_through_a_dag_inside():
    inner = "{kind: dag, environment: {labels: {i: inner, d: inner}}, operations: [{name: b, component: {run: {kind: tfjob, worker: %s}}}]}"
    text = (
        f"{OP}component:\n  run:\n    kind: dag\n    environment: {{labels: {{d: outer}}}}\n    operations:\n"
        f"      - {{name: a, component: {{run: {inner % (GROUP % '')}}}}}\n"
    )
    (group,) = root(text).body.nodes[0].operation.body.nodes[0].operation.body.gang.replicas

    assert group.pod["environment"] == {"labels": {"i": "inner", "d": "outer"}}


def test_a_template_in_the_environment_of_a_dag_is_said_where_it_is_written():
    text = (
        f"{OP}component:\n  run:\n    kind: dag\n    environment: {{labels: {{a: '{{{{ nope }}}}'}}}}\n    operations:\n"
        f"      - {{name: a, component: {{run: {{kind: tfjob, worker: {GROUP % ''}}}}}}}\n"
    )

    assert problems(text) == ["PL-405 a.yaml:7:31 /component/run/environment/labels/a"]


def test_what_waits_for_a_run_is_said_where_the_dag_has_it():
    text = (
        f"{OP}component:\n  run:\n    kind: dag\n    environment: {{labels: {{a: '{{{{ globals.ports[0] }}}}'}}}}\n    operations:\n"
        f"      - {{name: a, component: {{run: {{kind: tfjob, chief: {GROUP % ''}, worker: {GROUP % ''}}}}}}}\n"
    )

    assert problems(text) == ["PL-405 a.yaml:7:31 /component/run/environment/labels/a"]


def test_a_run_patch_of_one_group_counts_for_each_worker_of_ray():
    run = f"{{kind: raycluster, {GROUPS['raycluster'][0].replace('%s', GROUP % '')}}}"
    found = leaf(f"{OP}runPatch: {{environment: {{labels: {{a: b}}}}}}\ncomponent: {{run: {run}}}\n").gang.replicas

    assert [group.pod["environment"] for group in found] == [{"labels": {"a": "b"}}] * 3


def test_a_mistake_in_a_run_patch_of_one_group_is_said_once():
    run = f"{{kind: raycluster, {GROUPS['raycluster'][0].replace('%s', GROUP % '')}}}"

    assert problems(f"{OP}runPatch: {{environment: {{label: {{a: b}}}}}}\ncomponent: {{run: {run}}}\n") == [
        "PL-201 a.yaml:4:26 /runPatch/environment/label"
    ]


# Sections that are carried


def test_a_template_may_stand_for_a_section():
    text = (
        OP
        + "params: {c: {disable: true}}\ncache: '{{ c }}'\ncomponent:\n  inputs: [{name: c, type: dict}]\n  run: {kind: job, container: {command: [c]}}\n"
    )

    assert root(text).sections == {"cache": {"disable": True}}


def test_what_a_template_gives_is_checked_as_the_section():
    text = (
        OP
        + "params: {c: {disabled: true}}\ncache: '{{ c }}'\ncomponent:\n  inputs: [{name: c, type: dict}]\n  run: {kind: job, container: {command: [c]}}\n"
    )

    assert problems(text) == ["PL-201 a.yaml:5:8 /cache/disabled"]


REFUSED = {
    "isApproved: '{{ globals.uuid }}'": "whether it is approved must be known when it is read",
    "mount: ['a:b']": "a daemon has no local files to upload",
    "plugins: {docker: true}": "`plugins.docker` would give",
    "plugins: {notifications: [{connections: ['{{ globals.uuid }}']}]}": "who is notified must be known",
    "template: {enabled: true}": "it is a template that is to be filled in first",
    "events: '{{ globals.uuid }}'": "the events that start it must be known",
    "events: [{kinds: ['{{ globals.uuid }}'], ref: drift}]": "the events that start it must be known",
    "joins: '{{ globals.uuid }}'": "joins that are a template as a whole",
}


@pytest.mark.parametrize("section", REFUSED)
def test_what_does_not_execute_yet_refuses_the_operation(section):
    found = root(f"{OP}{section}\n{COMPONENT}", CompileConfig("p"))

    assert found.refused.startswith(REFUSED[section])
    assert section.partition(":")[0] in found.sections


def test_a_dag_inside_a_dag_cannot_wait_for_an_approval():
    inner = "{run: {kind: dag, operations: [{name: x, component: {run: {kind: job, container: {command: [c]}}}}]}}"
    text = f"{OP}component: {{run: {{kind: dag, operations: [{{name: i, %scomponent: {inner}}}]}}}}\n"

    assert root(text % "isApproved: false, ").refused.startswith("a DAG inside a DAG cannot wait for an approval")
    assert not root(text % "").refused


@pytest.mark.parametrize(
    "section",
    [
        "isApproved: true",
        "isApproved: false",
        "cache: {disable: true}",
        "cost: 3",
        "plugins: {auth: false}",
        "namespace: n",
    ],
)
def test_what_changes_nothing_here_refuses_nothing(section):
    assert root(f"{OP}{section}\n{COMPONENT}").refused == ""


def test_a_schedule_inside_a_dag_refuses_the_dag():
    text = (
        OP
        + "component:\n  run:\n    kind: dag\n    operations:\n"
        + CHILD % ("schedule: {kind: interval, frequency: 60},", "", "")
    )

    assert root(text).refused.startswith("a schedule inside a DAG does not run yet")


# Digests


def digests(section, component=COMPONENT):
    found = root(f"{OP}{section}\n{component}")
    return found.digest, found.live


GRID = "matrix: {kind: grid, %s params: {a: {kind: choice, value: [1, 2]}}}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (GRID % "", GRID % "numRuns: 1,", False),
        (GRID % "", GRID % "concurrency: 1,", True),
        ("", "plugins: {collectLogs: false}", True),
        ("", "plugins: {shm: false}", False),
        ("", "conditions: '1 == 1'", False),
        ("", "termination: {ttl: 5}", True),
        ("", "namespace: n", True),
    ],
)
def test_sections_count_by_the_classes_of_their_fields(one, other, same):
    (before, live), (after, other_live) = digests(one), digests(other)

    assert (before == after) is same
    assert (live == other_live) is not same


def test_cost_counts_for_nothing():
    assert digests("") == digests("cost: 3")


# Graphs


def nodes(second):
    text = f"{OP}component:\n  run:\n    kind: dag\n    operations:\n      - {{name: a, component: {{run: {{kind: job, container: {{command: [a]}}}}}}}}\n"
    return root(
        f"{text}      - {{name: b, {second}, component: {{run: {{kind: job, container: {{command: [b]}}}}}}}}\n"
    ).body.nodes


def test_a_node_has_its_trigger():
    found = nodes("dependencies: [a], trigger: one_failed, skipOnUpstreamSkip: true")[1]

    assert (found.upstream, found.trigger, found.skip_on_upstream_skip) == (("a",), "one_failed", True)


def test_an_event_of_another_operation_is_something_to_wait_for():
    found = nodes("events: [{kinds: [run_status_running, run_status_done], ref: ops.a}]")[1]

    assert (found.upstream, found.events) == (("a",), (Event("a", ("running", "done")),))
    assert not found.operation.refused


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ("[{kinds: [run_status_running], ref: ops.a}, {kinds: [alert_info], ref: drift}]", "in a DAG only operations"),
        ("[{kinds: [run_status_succeeded], ref: runs.a}]", "in a DAG only operations"),
        ("[{kinds: ['{{ globals.uuid }}'], ref: ops.a}]", "the events that start it must be known"),
        ("'{{ globals.uuid }}'", "the events that start it must be known"),
    ],
    ids=["from outside too", "of a root", "a kind that is not known", "not known"],
)
def test_an_operation_of_a_dag_is_refused_with_events_from_outside(events, reason):
    assert nodes(f"events: {events}")[1].operation.refused.startswith(reason)


def test_the_graph_has_no_templates():
    text = f"{OP}component:\n  run:\n    kind: dag\n    operations:\n      - {{name: b, dependencies: '{{{{ x }}}}', component: {{run: {{kind: job, container: {{command: [b]}}}}}}}}\n"

    assert problems(text) == ["PL-406 a.yaml:8:33 /component/run/operations/0/dependencies"]


def test_the_environment_of_a_dag_may_be_a_template():
    text = (
        f"{OP}params: {{e: {{labels: {{a: b}}}}}}\ncomponent:\n  inputs: [{{name: e, type: dict}}]\n  run:\n    kind: dag\n    environment: '{{{{ e }}}}'\n"
        "    operations:\n" + CHILD % ("", "", "")
    )

    assert root(text).body.nodes[0].operation.body.gang.labels == {"a": "b"}


@pytest.mark.parametrize("giving", ["params: {n: 1}", "matrix: {kind: mapping, values: [{n: 1}]}"])
def test_a_default_must_be_right_where_something_else_is_given(giving):
    component = (
        "component:\n  inputs: [{name: n, type: int, value: x}]\n  run: {kind: job, container: {command: [c]}}\n"
    )

    assert problems(f"{OP}{giving}\n{component}") == ["PL-403 a.yaml:6:40 /component/inputs/0/value"]


CULLED = {
    "ports: [80]|culling: {timeout: 60}": "",
    "ports: [80]|culling: {timeout: 60}, probe: {http: {path: /used, port: 80}}": "",
    "ports: []|culling: {timeout: 60}, probe: {exec: {command: [used]}}": "",
    "ports: []|probe: {http: {}}": "",
    "ports: []|culling: {timeout: 60}": "nobody can ask whether it is idle",
    "ports: [80]|culling: {timeout: 60}, probe: {http: {port: 81}}": "`termination.probe.http.port` 81 is none of",
    "ports: [80]|culling: {timeout: 60}, probe: {http: {host: elsewhere}}": "activity is asked for at a port of the service itself",
    "ports: [80]|culling: {timeout: 60}, probe: {http: {scheme: HTTPS}}": "activity is asked for at a port of the service itself",
    "ports: [80]|culling: {timeout: '{{ globals.uuid }}'}": "when it is idle must be known",
}


@pytest.mark.parametrize("said", CULLED)
def test_a_service_is_culled_where_somebody_can_ask_it(said):
    ports, termination = said.split("|")
    run = f"component: {{run: {{kind: service, {ports}, container: {{command: [c]}}}}}}"
    found = root(f"{OP}termination: {{{termination}}}\n{run}", CompileConfig("p"))

    assert found.refused.startswith(CULLED[said])
    assert bool(found.refused) == bool(CULLED[said])
