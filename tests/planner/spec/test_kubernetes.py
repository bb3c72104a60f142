"""Objects of Kubernetes: what is one, how it is spelled, and that the table is that of the real types."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

from planner.spec.kubernetes import Kubernetes, check
from planner.spec.kubernetes.schema import MARK
from planner.spec.kubernetes.types import fields, is_type, snake
from planner.spec.shape import Section

pytestmark = pytest.mark.unit

PLUMBLINE = Path(__file__).parents[3]


def test_the_table_is_made_from_the_types_of_kubernetes():
    path = PLUMBLINE / "scripts" / "kubernetes-types"
    spec = importlib.util.spec_from_loader("kubernetes_types", SourceFileLoader("kubernetes_types", str(path)))
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)

    assert made.table() == made.OUT.read_text()


def test_every_type_of_the_table_can_be_asked_for():
    open_ = ["PodSpec", "PodFailurePolicy"]
    for kind in open_:
        for field in fields(kind).values():
            bare = field.of.removesuffix("[]").removesuffix("{}")
            if is_type(bare) and bare not in open_:
                open_.append(bare)
        assert check({}, kind).value == {}
    assert len(open_) > 100


GOOD = {
    "camelCase": ("VolumeMount", {"name": "a", "mountPath": "/x"}, {"name": "a", "mountPath": "/x"}),
    "snake_case": ("VolumeMount", {"name": "a", "mount_path": "/x"}, {"name": "a", "mountPath": "/x"}),
    "acronyms": ("ContainerPort", {"container_port": 1, "host_ip": "::1"}, {"containerPort": 1, "hostIP": "::1"}),
    "nothing": ("Volume", {"name": "v", "emptyDir": {}, "nfs": None}, {"name": "v", "emptyDir": {}}),
    "a template of a number": ("ContainerPort", {"containerPort": "{{ p }}"}, {"containerPort": "{{ p }}"}),
    "a template of an object": ("Affinity", {"nodeAffinity": "{{ a }}"}, {"nodeAffinity": "{{ a }}"}),
    "a template of an item": ("Toleration[]", ["{{ t }}"], ["{{ t }}"]),
    "a template of a word": ("Toleration", {"operator": "{{ o }}"}, {"operator": "{{ o }}"}),
    "an amount is text": ("EmptyDirVolumeSource", {"sizeLimit": 1}, {"sizeLimit": "1"}),
    "a port by name": ("Probe", {"httpGet": {"port": "http"}}, {"httpGet": {"port": "http"}}),
    "keys of a mapping stay": ("LabelSelector", {"matchLabels": {"a_b": "c"}}, {"matchLabels": {"a_b": "c"}}),
    "no word at all": ("Toleration", {"effect": ""}, {"effect": ""}),
    "a policy": (
        "PodFailurePolicy",
        {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]},
        {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]},
    ),
}


@pytest.mark.parametrize(("kind", "value", "canonical"), GOOD.values(), ids=GOOD)
def test_what_kubernetes_takes(kind, value, canonical):
    looked = check(value, kind)

    assert looked.faults == []
    assert looked.value == canonical
    assert check(canonical, kind).value == canonical


MANY = {"key": "k", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 3}
BAD = {
    "unknown": ("VolumeMount", {"name": "a", "mountPath": "/x", "foo": 1}, [("PL-201", ("foo",), "known fields")]),
    "a typing error": ("VolumeMount", {"name": "a", "mouthPath": "/x"}, [("PL-201", ("mouthPath",), "`mountPath`?")]),
    "missing": ("VolumeMount", {"mountPath": "/x"}, [("PL-202", (), "")]),
    "missing deep": ("Volume", {"name": "v", "hostPath": {}}, [("PL-202", ("hostPath",), "")]),
    "null is missing": ("VolumeMount", {"mountPath": "/x", "name": None}, [("PL-202", (), "")]),
    "no mapping": ("Affinity", [], [("PL-203", (), "")]),
    "no list": ("Toleration[]", {}, [("PL-203", (), "")]),
    "no string": ("Toleration", {"key": 1}, [("PL-203", ("key",), "quote it")]),
    "no number": ("Toleration", {"tolerationSeconds": "3"}, [("PL-203", ("tolerationSeconds",), "remove the quotes")]),
    "no boolean": (
        "VolumeMount",
        {"name": "a", "mountPath": "/", "readOnly": "yes"},
        [("PL-203", ("readOnly",), "true or")],
    ),
    "no amount": ("ResourceRequirements", {"limits": {"cpu": "lots"}}, [("PL-204", ("limits", "cpu"), "500m")]),
    "no port": ("ContainerPort", {"containerPort": 0}, [("PL-204", ("containerPort",), "65535")]),
    "no name of a port": ("TCPSocketAction", {"port": "a b"}, [("PL-204", ("port",), "`name`")]),
    "no word of it": ("Toleration", {"operator": "Exist"}, [("PL-204", ("operator",), "`Exists`")]),
    "in the spelling of the document": ("Probe", {"http_get": {"port": True}}, [("PL-203", ("http_get", "port"), "")]),
    "twice": ("ContainerPort", {"containerPort": 1, "container_port": 1}, [("PL-209", ("container_port",), "one of")]),
    "too large": ("Toleration", {"tolerationSeconds": 2**63}, [("PL-204", ("tolerationSeconds",), "")]),
    "all at once": (
        "Toleration[]",
        [{"kye": "a", "operator": 1}, 3],
        [("PL-201", (0, "kye"), "`key`?"), ("PL-203", (0, "operator"), ""), ("PL-203", (1,), "")],
    ),
}


@pytest.mark.parametrize(("kind", "value", "faults"), BAD.values(), ids=BAD)
def test_what_kubernetes_does_not_take(kind, value, faults):
    found = check(value, kind).faults

    assert [(one.code, one.at) for one in found] == [(code, at) for code, at, _ in faults]
    assert all(hint in one.hint for one, (_, _, hint) in zip(found, faults, strict=True))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("hostIP", "host_ip"), ("targetWWNs", "target_ww_ns"), ("diskURI", "disk_uri"), ("mountPath", "mount_path")],
)
def test_names_are_spelled_as_the_client_of_kubernetes_does(name, spelled):
    assert snake(name) == spelled


def test_not_all_that_is_wrong_with_a_large_value_is_told():
    assert len(check([{f"x{index}": 1} for index in range(12_000)], "Toleration[]").faults) == 200
    assert check([MANY] * 12_000, "Toleration[]").faults == []


class Holder(Section):
    affinity: Annotated[dict[str, Any] | str, Kubernetes("Affinity")] | None = None
    tolerations: Annotated[list[Any] | str, Kubernetes("Toleration[]")] | None = None


def test_a_field_of_a_section_holds_plain_data():
    held = Holder.model_validate({"affinity": {"node_affinity": {}}, "tolerations": "{{ t }}"})

    assert (held.affinity, held.tolerations) == ({"nodeAffinity": {}}, "{{ t }}")
    assert Holder.model_json_schema()["properties"]["affinity"]["anyOf"][0] == {MARK: "Affinity"}
    with pytest.raises(ValidationError) as refused:
        Holder.model_validate({"affinity": {"nodeAffinitx": {}}, "tolerations": [{"key": 1}, {"value": 2}]})
    assert [(one["type"], one["ctx"]["at"]) for one in refused.value.errors()] == [
        ("PL-201", ("nodeAffinitx",)),
        ("PL-203", (0, "key")),
        ("PL-203", (1, "value")),
    ]
