"""An operation over its component, presets, DAGs and run patches: what comes of them, and where problems are said."""

# Specs stand on one line where their columns are what is tested.
# ruff: noqa: E501

import pytest

from planner.compile import CompileConfig
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
    "matrix: {kind: mapping, values: [{a: 1}]}": "sweeps do not run yet",
    "conditions: '{{ 1 == 1 }}'": "conditions are not evaluated yet",
    "hooks: [{hubRef: notify}]": "hooks do not run yet",
    "build: {hubRef: kaniko}": "images are not built yet",
    "isApproved: false": "`isApproved: false` waits for an approval that nobody can give yet",
    "mount: ['a:b']": "a daemon has no local files to upload",
    "plugins: {docker: true}": "`plugins.docker` would give",
    "plugins: {notifications: [{connections: [a]}]}": "nobody is notified yet",
    "template: {enabled: true}": "it is a template that is to be filled in first",
    "joins: [{query: 'status:succeeded', params: {l: {value: outputs.x, contextOnly: true}}}]": "joins over earlier runs",
    "events: [{kinds: [alert_info], ref: connections.x}]": "nothing starts operations by events yet",
}


@pytest.mark.parametrize("section", REFUSED)
def test_what_does_not_execute_yet_refuses_the_operation(section):
    found = root(f"{OP}{section}\n{COMPONENT}", CompileConfig("p"))

    assert found.refused.startswith(REFUSED[section])
    assert section.partition(":")[0] in found.sections


@pytest.mark.parametrize(
    "section", ["isApproved: true", "cache: {disable: true}", "cost: 3", "plugins: {auth: false}", "namespace: n"]
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
        ("", "hooks: [{hubRef: a}]", True),
        ("", "build: {hubRef: a}", False),
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
    assert nodes("events: [{kinds: [run_status_running], ref: ops.a}]")[1].upstream == ("a",)


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
