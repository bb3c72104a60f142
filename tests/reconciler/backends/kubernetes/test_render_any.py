"""Whatever a spec says together: its manifests are such as Kubernetes takes, or it is refused in words."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.render import render
from reconciler.backends.kubernetes.settings import AgentSettings
from reconciler.errors import Refused
from tests.reconciler.backends import test_fields as fields
from tests.reconciler.backends.kubernetes.cases import TOKEN
from tests.reconciler.backends.kubernetes.orders import Ask, operation, order
from tests.reconciler.backends.kubernetes.schema import faults

pytestmark = pytest.mark.unit

TEXTS = st.text("abz$()/ .-_=:'äß", max_size=12)
OF_SERVICES = {"ports", "replicas", "isExternal", "rewritePath"}


def some(examples, without=frozenset()):
    return st.sets(st.sampled_from(sorted(set(examples) - without)), max_size=8).map(
        lambda chosen: {name: examples[name] for name in sorted(chosen)}
    )


@st.composite
def specs(draw):
    kind = draw(st.sampled_from(["job", "service"]))
    container = {
        "image": "i",
        "command": draw(st.lists(TEXTS.filter(bool), min_size=1, max_size=3)),
        **draw(some(fields.CONTAINER, {"image", "command", "env"})),
        "env": draw(st.dictionaries(st.sampled_from(["A", "HOME", "PYTHONPATH", "PLUMBLINE_RUN"]), TEXTS, max_size=3)),
    }
    run = {
        "kind": kind,
        **draw(some(fields.RUN, OF_SERVICES if kind == "job" else frozenset())),
        "environment": draw(some(fields.ENVIRONMENT)),
        "container": container,
    }
    names_of_volumes = {one["name"] for one in run.get("volumes", ())}
    if "v" not in names_of_volumes:
        run["volumes"] = [*run.get("volumes", ()), {"name": "v", "emptyDir": {}}]
    plugins = draw(some(fields.PLUGINS, {"docker", "tmux", "sandbox", "ssh"}))
    return json.dumps(
        {"version": 1.1, "kind": "operation", "name": "train", "plugins": plugins, "component": {"run": run}},
        ensure_ascii=False,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(text=specs(), agent=st.booleans())
def test_what_is_made_is_such_as_kubernetes_takes(text, agent):
    whole = fields.SETTINGS if agent else fields.replaced(agent=AgentSettings())
    ask = Ask(whole)
    if operation(text, ask).refused:
        return
    made = order(text, ask)
    try:
        manifests = render(made, whole, TOKEN if agent else "")
    except Refused:
        return
    for one in manifests.listed:
        assert faults(one) == [], one["kind"]
        assert one["metadata"]["labels"][names.OBJECT] == manifests.name
    pod = manifests.workload["spec"]["template"]["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", ())]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert len({one["name"] for one in containers}) == len(containers)
    assert len(volumes) == len(pod["volumes"])
    for one in containers:
        env = [entry["name"] for entry in one.get("env", ())]
        paths = [mount["mountPath"] for mount in one.get("volumeMounts", ())]
        assert len(set(env)) == len(env)
        assert len(set(paths)) == len(paths)
        assert {mount["name"] for mount in one.get("volumeMounts", ())} <= volumes
    main = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    assert main["PLUMBLINE_RUN"] == "train@g3"
    assert main["PYTHONPATH"].startswith("/plumbline/lib")
