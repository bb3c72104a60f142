"""`build`: the operation that it becomes, what that is given, and where its image goes."""

from __future__ import annotations

import json

import pytest

from planner.compile.given import CompileConfig, Outside
from planner.model.desired import Reference
from planner.spec.catalogue import Connection
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
BUILDER = {
    "version": 1.1,
    "kind": "component",
    "name": "builder",
    "inputs": [{"name": "destination", "type": "image"}, {"name": "context", "isOptional": True}],
    "outputs": [{"name": "image", "type": "image"}],
    "run": {"kind": "job", "container": {"command": ["build", "{{ destination }}", "{{ context }}", "{{ rate }}"]}},
}


def state(build, outside=BUILDER, run=RUN, others=(), **operation):
    train = {
        "name": "train",
        "params": {"rate": 0.5},
        **operation,
        "component": {"inputs": [{"name": "rate", "type": "float"}], "build": build, "run": run},
    }
    document = {
        "version": 1.1,
        "kind": "operation",
        "name": "t",
        "component": {"run": {"kind": "dag", "operations": [*others, train]}},
    }
    library = {"hub:builder": Outside("hub:builder.yaml", "one", json.dumps(outside).encode())}
    return compiled({"a.json": json.dumps(document)}, outside=library)


def nodes(build, **rest):
    found = state(build, **rest)
    assert "t" in found.roots, [str(problem) for problem in found.problems]
    assert found.roots["t"].refused == ""
    return {node.operation.name: node for node in found.roots["t"].body.nodes}


BUILD = {"hubRef": "builder"}
PREPARE = {"name": "prepare", "component": {"run": RUN}}


def test_a_build_is_an_operation_before_the_one_that_wants_it():
    found = nodes(BUILD)
    assert list(found) == ["train-build", "train"]
    assert found["train"].upstream == ("train-build",)
    train = found["train"].operation.body
    assert train.gang.replicas[0].container.image == "{{ built_image }}"
    assert train.references == {"built_image": Reference(("train-build",), ("outputs", "image"))}


def test_what_the_build_is_given():
    body = nodes({**BUILD, "params": {"context": "src"}})["train-build"].operation.body
    assert body.params == {"context": "src", "rate": 0.5}
    assert body.templates == {"destination": "{{ globals.project_name }}:{{ globals.uuid }}"}
    assert body.gang.replicas[0].container.command[2:] == ("src", "0.5")


def test_a_destination_that_is_named_counts():
    body = nodes({**BUILD, "params": {"destination": "mine:1"}})["train-build"].operation.body
    assert body.gang.replicas[0].container.command[:2] == ("build", "mine:1")


def test_a_build_waits_for_what_its_operation_waits_for():
    found = nodes(BUILD, others=[PREPARE], dependencies=["prepare"])
    assert (found["train-build"].upstream, found["train"].upstream) == (("prepare",), ("prepare", "train-build"))


def test_a_service_is_built_too():
    found = nodes(BUILD, run={"kind": "service", "ports": [80], "container": {"command": ["c"]}})
    assert found["train"].operation.body.gang.replicas[0].container.image == "{{ built_image }}"


def test_what_builds_is_part_of_what_runs():
    one, two = (state({**BUILD, "params": {"destination": name}}).roots["t"].digest for name in ("a:1", "b:1"))
    assert one != two


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"build": BUILD, "trigger": "all_done", "others": [PREPARE], "dependencies": ["prepare"]},
            "an image is built for",
        ),
        ({"build": {**BUILD, "connection": "registry"}}, "the local backend has no connections"),
        ({"build": BUILD, "outside": {**BUILDER, "outputs": []}}, "what is to build its image, builder, has no output"),
    ],
    ids=["trigger", "connection", "no-image"],
)
def test_what_cannot_be_built_refuses_the_dag(said, reason):
    found = state(**said)
    assert found.roots["t"].refused.startswith(reason), [str(one) for one in found.problems]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"build": {"hubRef": "other"}}, "PL-311"),
        ({"build": {**BUILD, "params": {"speed": 1}}}, "PL-401"),
        ({"build": BUILD, "others": [{**PREPARE, "name": "train-build"}]}, "PL-301"),
    ],
    ids=["no-such-component", "no-such-input", "its-name-is-taken"],
)
def test_what_is_wrong_with_a_build_is_a_problem(said, code):
    found = state(**said)
    assert [one.code for one in found.problems if one.severity != "info"] == [code]
    assert "t" not in found.roots


# Of an operation by itself


def root(build=BUILD, outside=BUILDER, run=RUN, name="train", config=None, **operation):
    document = {
        "version": 1.1,
        "kind": "operation",
        "name": name,
        "params": {"rate": 0.5},
        **operation,
        "component": {"inputs": [{"name": "rate", "type": "float"}], "build": build, "run": run},
    }
    if build is None:
        del document["component"]["build"]
    library = {"hub:builder": Outside("hub:builder.yaml", "one", json.dumps(outside).encode())}
    return compiled({"a.json": json.dumps(document)}, config, outside=library)


def test_an_operation_by_itself_has_its_build_below_it():
    made = root().roots["train"]
    assert (made.refused, made.kind, made.build.name, made.build.kind) == ("", "job", "build", "job")
    assert made.body.gang.replicas[0].container.image == "{{ built_image }}"
    assert made.body.references == {"built_image": Reference(("build",), ("outputs", "image"))}
    assert made.build.body.params == {"rate": 0.5}
    assert made.build.body.templates == {"destination": "{{ globals.project_name }}:{{ globals.uuid }}"}


def test_what_builds_it_is_part_of_what_it_is_and_its_name_is_not():
    one, two = (root({**BUILD, "params": {"destination": name}}).roots["train"].digest for name in ("a:1", "b:1"))
    assert one != two
    assert one == root({**BUILD, "params": {"destination": "a:1"}}, name="other").roots["other"].digest
    other = json.loads(json.dumps(BUILDER).replace('"build", ', '"make", '))
    assert one != root({**BUILD, "params": {"destination": "a:1"}}, other).roots["train"].digest


def test_how_it_is_queued_is_live():
    one, two = (root({**BUILD, "queue": queue}).roots["train"] for queue in ("slow", "fast"))
    assert (one.digest, one.build.body.queue) == (two.digest, "slow")
    assert one.live != two.live


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"build": {**BUILD, "connection": "registry"}},
            "what builds its image cannot run: the local backend has no connections",
        ),
        ({"outside": {**BUILDER, "outputs": []}}, "what is to build its image, builder, has no output `image`"),
        ({"events": [{"ref": "people", "kinds": ["alert_info"]}]}, ""),
        ({"schedule": {"kind": "interval", "frequency": 3600}}, ""),
        ({"run": {"kind": "service", "ports": [80], "container": {"command": ["c"]}}}, ""),
    ],
    ids=["connection", "no-image", "by-events", "by-schedule", "service"],
)
def test_what_is_built_by_itself(said, reason):
    found = root(**said)
    assert "train" in found.roots, [str(problem) for problem in found.problems]
    assert found.roots["train"].refused.startswith(reason)
    assert bool(found.roots["train"].refused) == bool(reason)


def test_what_is_wrong_with_it_is_a_problem():
    found = root({**BUILD, "params": {"speed": 1}})
    assert [one.code for one in found.problems if one.severity != "info"] == ["PL-401"]
    assert not found.roots


def test_a_hook_has_no_build():
    built = {**BUILDER, "name": "told", "inputs": [], "build": BUILD, "run": RUN}
    document = {
        "version": 1.1,
        "kind": "operation",
        "name": "t",
        "hooks": [{"hubRef": "told"}],
        "component": {"run": RUN},
    }
    library = {
        "hub:builder": Outside("hub:builder.yaml", "one", json.dumps(BUILDER).encode()),
        "hub:told": Outside("hub:told.yaml", "two", json.dumps(built).encode()),
    }
    found = compiled({"a.json": json.dumps(document)}, outside=library)
    assert found.roots["t"].hooks[0].operation.refused.startswith("no image is built for a hook")


# Where the image goes


def into(kind, schema, build=BUILD, outside=BUILDER):
    """The build of an operation whose build has a connection, on a cluster."""
    made = Connection.model_validate({"name": "there", "kind": kind, "schema": schema})
    config = CompileConfig("demo", backend="kubernetes", connections={"there": made})
    outside = {**outside, "run": {"kind": "job", "container": {"image": "i", "command": ["{{ destination }}"]}}}
    found = root({**build, "connection": "there"}, outside, config=config).roots["train"]
    assert found.refused == ""
    assert found.build.body.gang.replicas[0].pod["connections"] == ["there"]
    return found.build.body


@pytest.mark.parametrize(
    ("kind", "schema", "before"),
    [
        ("registry", {"url": "registry.example:5000"}, "registry.example:5000/"),
        ("registry", {"url": "https://registry.example/team/"}, "registry.example/team/"),
        ("s3", {"bucket": "s3://layers"}, ""),
    ],
    ids=["host", "folder", "no-registry"],
)
def test_an_image_goes_into_the_registry_of_its_connection(kind, schema, before):
    body = into(kind, schema)
    assert body.templates == {"destination": f"{before}{{{{ globals.project_name }}}}:{{{{ globals.uuid }}}}"}
    assert "insecure" not in body.params


def test_a_destination_that_is_named_counts_over_a_connection():
    assert (
        into("registry", {"url": "r"}, {**BUILD, "params": {"destination": "mine:1"}}).params["destination"] == "mine:1"
    )


INSECURE = {
    **BUILDER,
    "inputs": [*BUILDER["inputs"], {"name": "insecure", "type": "bool", "isOptional": True, "value": False}],
}


@pytest.mark.parametrize(
    ("schema", "said", "found"),
    [
        ({"url": "r", "insecure": True}, {}, True),
        ({"url": "http://r"}, {}, True),
        ({"url": "https://r"}, {}, False),
        ({"url": "http://r"}, {"params": {"insecure": False}}, False),
    ],
    ids=["said", "http", "https", "its-own-word"],
)
def test_a_registry_without_tls(schema, said, found):
    assert into("registry", schema, {**BUILD, **said}, INSECURE).params["insecure"] is found


def test_inputs_of_the_builder_are_its_own():
    """What the operation calls the same is something else."""
    outside = {
        **BUILDER,
        "inputs": [*BUILDER["inputs"], {"name": "rate", "type": "str", "isOptional": True, "value": "a"}],
    }
    assert root(outside=outside).roots["train"].build.body.params["rate"] == "a"


@pytest.mark.parametrize("backend", ["kubernetes", "engine"])
def test_an_operation_whose_image_is_built_names_none(backend):
    run = {"kind": "job", "container": {"command": ["c"]}}
    outside = {**BUILDER, "run": RUN}
    config = CompileConfig("demo", backend=backend)
    assert root(run=run, outside=outside, config=config).roots["train"].refused == ""
    assert "has none: set `container.image`" in root(None, run=run, config=config).roots["train"].refused
    unmade = root(run=run, outside={**BUILDER, "run": run}, config=config).roots["train"]
    assert "has none: set `container.image`" in unmade.refused, "what builds needs one"
