"""Names that the configuration gives a meaning to: connections, queues, namespaces (reference, 9.3 and 10.11)."""

import time

import pytest
from pydantic import ValidationError

from planner.compile import CompileConfig
from planner.compile.catalogue import check_connections, check_namespace, check_queue, scope_of_connections
from planner.compile.origin import Origin, Report
from planner.compile.template import bind
from planner.model.gang import Container, Gang, Replica
from planner.spec.catalogue import KINDS, Connection
from planner.spec.places import Places
from planner.spec.queues import Queue, amount
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

HERE = Origin(Places("a.yaml"))
ADD = "add it to `{}` in the daemon's configuration"
LESS = "ask for less, or name a larger queue"


def connection(name, kind, **rest):
    return Connection.model_validate({"name": name, "kind": kind, **rest})


CONNECTIONS = {
    one.name: one
    for one in (
        connection("repo", "git", schema={"url": "https://forge.example/a.git", "revision": "main"}),
        connection("data", "host_path", schema={"host_path": "/data", "mountPath": "/mnt", "readOnly": True}),
        connection("db", "postgres", secret={"name": "db", "items": ["password"]}, env={"HOST": "db"}),
        connection("any", "custom", schema={"deep": {"er": [1]}}),
    )
}
KNOWN = CompileConfig("demo", backend="k", connections=CONNECTIONS)
UNKNOWN = CompileConfig("demo", backend="k")


# -- connections


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["repo", "db"], []),
        (["rpeo"], [("there is no connection `rpeo` in the configuration", "did you mean `repo`?")]),
        (
            ["db", "zzzzz"],
            [("there is no connection `zzzzz` in the configuration", ADD.format("connections"))],
        ),
        (["{{ which }}"], []),
    ],
)  # fmt: skip
def test_a_name_is_in_the_catalogue(names, said):
    report = Report()
    check_connections(names, HERE, KNOWN, report)
    assert [(one.message, one.hint) for one in report.problems] == said
    report = Report()
    check_connections(names, HERE, UNKNOWN, report)
    assert report.problems == []


def test_many_names_that_are_not_there_cost_little():
    known = {f"connection-{index}": CONNECTIONS["db"] for index in range(1_000)}
    config, report = CompileConfig("demo", connections=known, queues={name: Queue() for name in known}), Report()
    names = [f"conection-{index}" for index in range(5_000)]
    began = time.process_time()
    check_connections(names, HERE, config, report)
    for name in names:
        check_queue(name, None, HERE, (config, report))
    assert time.process_time() - began < 2.0
    assert report.errors == 10_000
    assert "did you mean `connection-" in report.problems[0].hint


TEXTS = {
    "{{ connections.repo.url }}": "https://forge.example/a.git",
    "{{ connections['repo'].revision }}": "main",
    "{{ connections.data.hostPath }}:{{ connections.data.readOnly }}": "/data:true",
    "{{ connections.db }}": {},
    "{{ connections.any.deep.er }}": [1],
}


@pytest.mark.parametrize(("text", "value"), TEXTS.items())
def test_templates_see_the_schemas(text, value):
    bound = bind(text, {"connections": scope_of_connections(CONNECTIONS, KNOWN)})

    assert (bound.value, bound.flaws) == (value, ())


def test_a_catalogue_that_is_not_known_leaves_templates_open():
    bound = bind("{{ connections.repo.url }}", {"connections": scope_of_connections(["repo"], UNKNOWN)})

    assert (bound.flaws, len(bound.pending)) == ((), 1)


def test_no_secret_is_seen():
    scope = scope_of_connections(CONNECTIONS, KNOWN)

    assert "password" not in repr(scope)
    assert set(scope) == set(CONNECTIONS)


SHAPES = {
    "no kind": ({"name": "a"}, ["kind"]),
    "a kind that is near": ({"name": "a", "kind": "postgress"}, ["did you mean `postgres`?"]),
    "a kind that is nowhere": ({"name": "a", "kind": "zzzzzz"}, ["use `custom`"]),
    "a kind that is no text": ({"name": "a", "kind": {"a": 1}}, ["kind"]),
    "a bucket without one": ({"name": "a", "kind": "s3"}, ["a connection of kind `s3` needs a `schema`"]),
    "a bucket of nothing": ({"name": "a", "kind": "s3", "schema": {}}, ["required field `bucket` is missing"]),
    "a field of another kind": (
        {"name": "a", "kind": "gcs", "schema": {"bucket": "gs://b", "url": "u"}},
        ["unknown field `url` of a `gcs`"],
    ),
    "a slip": (
        {"name": "a", "kind": "volume_claim", "schema": {"volumeClam": "x", "mountPath": 1}},
        ["did you mean `volumeClaim`?", "field `mountPath` must be a string", "required field `volumeClaim`"],
    ),
    "flags that are none": ({"name": "a", "kind": "git", "schema": {"flags": "--depth"}}, ["a list of strings"]),
    "a password": (
        {"name": "a", "kind": "registry", "schema": {"url": "https://ada:secret@r.example"}},
        ["`url` must not hold a password"],
    ),
    "a secret without a name": ({"name": "a", "kind": "ssh", "secret": {"items": ["a"]}}, ["name"]),
    "an unknown field": ({"name": "a", "kind": "ssh", "secert": {}}, ["secert"]),
    "a variable that is none": (
        {"name": "a", "kind": "ssh", "env": {"1A": "b"}},
        ["`1A` is not the name of a variable"],
    ),
    "pairs that are none": ({"name": "a", "kind": "ssh", "env": [["A"]]}, ["pairs `[name, value]`"]),
}


@pytest.mark.parametrize(("value", "words"), SHAPES.values(), ids=SHAPES)
def test_what_no_connection_is(value, words):
    with pytest.raises(ValidationError) as refused:
        Connection.model_validate(value)
    text = repr(refused.value.errors())
    assert [word for word in words if word not in text] == []
    assert "secret@" not in text.replace(repr(value), "")


def test_every_kind_of_the_reference_is_one():
    needed = {
        **{kind: {"bucket": "b"} for kind in ("gcs", "s3", "wasb")},
        "volume_claim": {"volumeClaim": "v", "mountPath": "/m"},
        "host_path": {"hostPath": "/h", "mountPath": "/m"},
    }
    assert len(set(KINDS)) == 45
    for kind in KINDS:
        assert connection("a", kind, schema=needed.get(kind)).kind == kind


def test_variables_may_be_pairs():
    assert connection("a", "ssh", env=[["A", "b"], ["C", 1]]).env == {"A": "b", "C": "1"}


def test_a_spec_may_only_name_what_there_is():
    def problems(config, names):
        component = f"component: {{run: {{kind: job, connections: {names}, container: {{image: i, command: [c]}}}}}}\n"
        desired = compiled({"a.yaml": f"version: 1.1\nkind: operation\nname: a\n{component}"}, config)
        return [(one.code, one.place.line, one.hint) for one in desired.problems]

    assert problems(KNOWN, "[repo, dbb]") == [("PL-302", 4, "did you mean `db`?")]
    assert problems(KNOWN, "[repo, db]") == problems(UNKNOWN, "[dbb]") == []


def test_people_are_told_through_what_there_is():
    def problems(config, names):
        component = "component: {run: {kind: job, container: {image: i, command: [c]}}}\n"
        told = f"plugins: {{notifications: [{{connections: {names}}}]}}\n"
        desired = compiled({"a.yaml": f"version: 1.1\nkind: operation\nname: a\n{told}{component}"}, config)
        return [(str(one.severity), one.code, one.place.line, one.message) for one in desired.problems]

    config = CompileConfig("demo", backend="k", connections={**CONNECTIONS, "chat": connection("chat", "slack")})
    assert problems(config, "[chat]") == problems(UNKNOWN, "[chta]") == []
    assert problems(config, "[chat, pgaer, db]") == [
        ("error", "PL-302", 4, "there is no connection `pgaer` in the configuration"),
        ("warning", "PL-704", 4, "nobody is told through `db`: it is of kind `postgres`"),
    ]


POLICY = """\
defaults: {notifications: [{connections: [chat], trigger: failed}]}
policies:
  - match: quiet/**
    notifications: []
  - match: loud/**
    notifications: [{connections: [chat, pager]}]
"""
CHAT = {"connections": ["chat"], "trigger": "failed"}


@pytest.mark.parametrize(
    ("path", "own", "expected"),
    [
        ("a.yaml", "", (CHAT,)),
        ("quiet/a.yaml", "", None),
        ("loud/a.yaml", "", ({"connections": ["chat", "pager"]},)),
        ("a.yaml", "plugins: {notifications: [{connections: [db]}]}\n", ({"connections": ["db"]},)),
        ("a.yaml", "plugins: {logLevel: info}\n", (CHAT,)),
    ],
    ids=["default", "nobody", "by glob", "its own", "beside other plugins"],
)
def test_a_policy_tells_people_of_what_names_nobody_itself(path, own, expected):
    component = "component: {run: {kind: job, container: {image: i, command: [c]}}}\n"
    files = {".plumbline.yaml": POLICY, path: f"version: 1.1\nkind: operation\nname: a\n{own}{component}"}
    root = compiled(files, UNKNOWN).roots["a"]
    plain = compiled({path: files[path]}, UNKNOWN).roots["a"]
    said = root.sections.get("plugins", {}).get("notifications")
    assert (None if said is None else tuple(map(dict, said))) == expected
    assert (root.digest == plain.digest, root.live == plain.live) == (
        True,
        expected is None or bool(own and "notif" in own),
    )


def test_a_policy_names_connections_that_there_are():
    component = "component: {run: {kind: job, container: {image: i, command: [c]}}}\n"
    files = {".plumbline.yaml": POLICY, "a.yaml": f"version: 1.1\nkind: operation\nname: a\n{component}"}
    assert [(one.code, one.message) for one in compiled(files, KNOWN).problems] == [
        ("PL-302", "there is no connection `chat` in the configuration, and .plumbline.yaml notifies by it")
    ]


# -- queues


AMOUNTS = {
    "4": "4",
    "500m": "0.5",
    "2Gi": "2147483648",
    "1e3": "1000",
    ".5": "0.5",
    "1.5k": "1500",
    "3E": "3e18",
    "100u": "1e-4",
}


@pytest.mark.parametrize(("text", "number"), AMOUNTS.items())
def test_amounts_are_compared_as_numbers(text, number):
    assert amount(text) == amount(number)


@pytest.mark.parametrize("text", ["", "x", "-1", "1 Gi", "1e9999", "\u0663", "1" * 40, "1kb", "inf"])
def test_what_is_no_amount(text):
    assert amount(text) is None


def gang(count=1, **resources):
    return Gang((Replica("main", count, Container(resources={"nvidia.com/gpu": "0", **resources})),))


QUEUES = {
    "small": Queue.model_validate({"runs": 2, "resources": {"nvidia.com/gpu": 4, "memory": "8Gi", "cpu": "1.5"}}),
    "open": Queue(),
    "closed": Queue(runs=0),
}
QUEUED = CompileConfig("demo", queues=QUEUES)
ASKED = {
    "fits": ("small", gang(2, **{"nvidia.com/gpu": "2"}), None),
    "of an agent": ("agent/small", gang(), None),
    "with a dot": ("agent.small", gang(), None),
    "none": ("", gang(9), None),
    "a template": ("{{ q }}", gang(), None),
    "no limit": ("open", gang(1000, cpu="64"), None),
    "a slip": ("smal", gang(), ("PL-302", "there is no queue `smal` in the configuration", "did you mean `small`?")),
    "nowhere": (
        "zzzzz",
        None,
        ("PL-302", "there is no queue `zzzzz` in the configuration", ADD.format("queues")),
    ),
    "together too many": (
        "small",
        gang(3, **{"nvidia.com/gpu": "2"}),
        ("PL-702", "6 of nvidia.com/gpu are wanted together, and the queue `small` has 4 in all", LESS),
    ),
    "parts too": (
        "small",
        gang(4, cpu="500m"),
        ("PL-702", "2 of cpu are wanted together, and the queue `small` has 1.5 in all", LESS),
    ),
    "nothing may run": ("closed", gang(), ("PL-702", "the queue `closed` lets nothing run", "name another queue")),
}  # fmt: skip


@pytest.mark.parametrize(("name", "asks", "said"), ASKED.values(), ids=ASKED)
def test_a_queue_is_there_and_can_grant(name, asks, said):
    report = Report()
    check_queue(name, asks, HERE, (QUEUED, report))
    assert [(one.code, one.message, one.hint) for one in report.problems] == ([said] if said else [])
    report = Report()
    check_queue(name, asks, HERE, (CompileConfig("demo"), report))
    assert report.problems == []


def test_a_spec_above_every_limit_is_a_problem_at_once():
    container = "container: {image: i, command: [c], resources: {limits: {nvidia.com/gpu: 5}}}"
    text = f"version: 1.1\nkind: operation\nname: a\nqueue: small\ncomponent: {{run: {{kind: job, {container}}}}}\n"
    desired = compiled({"a.yaml": text}, CompileConfig("demo", backend="k", queues=QUEUES))

    assert [(one.code, f"{one.place}") for one in desired.problems] == [("PL-702", "a.yaml:4:8")]


# -- namespaces


@pytest.mark.parametrize(
    ("allowed", "name", "hint"),
    [
        (None, "anywhere", None),
        (frozenset({"team-a"}), "team-a", None),
        (frozenset({"team-a"}), "default", None),
        (frozenset({"team-a"}), None, None),
        (frozenset({"team-a"}), "team-b", "did you mean `team-a`?"),
        (frozenset(), "zzzz", ADD.format("namespaces")),
    ],
)
def test_a_namespace_is_allowed(allowed, name, hint):
    report = Report()
    check_namespace(name, HERE, CompileConfig("demo", namespaces=allowed), report)
    assert [one.hint for one in report.problems] == ([] if hint is None else [hint])
