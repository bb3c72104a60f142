"""What differs between objects, as a plan shows it: no defaults, no names of attempts, nothing that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from planner.model.plan import FieldChange
from reconciler.backends.kubernetes.difference import admitted, between, worded

pytestmark = pytest.mark.unit

ASKED: dict[str, Any] = {
    "metadata": {"name": "train-1", "labels": {"plumbline.dev/object": "train-1"}},
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "main",
                "image": "a:1",
                "env": [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}],
                "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}},
                "volumeMounts": [{"name": "io", "mountPath": "/io"}, {"name": "io", "mountPath": "/x", "subPath": "x"}],
            }
        ],
        "volumes": [{"name": "io", "emptyDir": {}}],
    },
}
DEFAULTED: dict[str, Any] = {
    "metadata": {**ASKED["metadata"], "uid": "u", "creationTimestamp": None},
    "spec": {
        **ASKED["spec"],
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "default",
        "priority": 0,
        "tolerations": [
            {"key": f"node.kubernetes.io/{it}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for it in ("not-ready", "unreachable")
        ],
        "containers": [
            {
                **ASKED["spec"]["containers"][0],
                "env": [{"name": "A", "value": "1"}, {"name": "EMPTY"}],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
    },
    "status": {"phase": "Pending"},
}


def changed(item: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**item, "spec": {**item["spec"], **spec}}


def container(item: dict[str, Any], **said: Any) -> dict[str, Any]:
    return changed(item, containers=[{**item["spec"]["containers"][0], **said}])


MAIN = "Pod/spec/containers/main"


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        pytest.param(DEFAULTED, [], id="defaults, quantities and empty values are none"),
        pytest.param(
            container(DEFAULTED, resources={"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "100m"}}),
            [
                FieldChange(f"{MAIN}/resources/limits/cpu", "1000m", "2"),
                FieldChange(f"{MAIN}/resources/requests/cpu", None, "100m", added=True),
            ],
            id="amounts that a rule sets or changes",
        ),
        pytest.param(
            changed(DEFAULTED, schedulerName="other", runtimeClassName="gvisor"),
            [
                FieldChange("Pod/spec/runtimeClassName", None, "gvisor", added=True),
                FieldChange("Pod/spec/schedulerName", None, "other", added=True),
            ],
            id="another value than the default",
        ),
        pytest.param(
            changed(DEFAULTED, containers=[*DEFAULTED["spec"]["containers"], {"name": "mesh", "image": "m:1"}]),
            [
                FieldChange("Pod/spec/containers/mesh/image", None, "m:1", added=True),
                FieldChange("Pod/spec/containers/mesh/name", None, "mesh", added=True),
            ],
            id="a container beside it",
        ),
        pytest.param(
            changed(DEFAULTED, restartPolicy="Always"),
            [FieldChange("Pod/spec/restartPolicy", "Never", "Always")],
            id="a default over what was asked for",
        ),
        pytest.param(
            changed(DEFAULTED, volumes=[{"name": "io", "emptyDir": {"sizeLimit": "1Gi"}}]),
            [
                FieldChange("Pod/spec/volumes/io/emptyDir", {}, None, removed=True),
                FieldChange("Pod/spec/volumes/io/emptyDir/sizeLimit", None, "1Gi", added=True),
            ],
            id="a limit of a folder",
        ),
    ],
)
def test_what_admission_makes_of_it(answer: dict[str, Any], found: list[FieldChange]) -> None:
    assert list(admitted(ASKED, answer, "Pod")) == found


def test_items_go_by_their_names() -> None:
    one, two = ({"name": name, "value": name} for name in ("A", "B"))
    before, after = container(ASKED, env=[one, two]), container(ASKED, env=[{**two, "value": "x"}, one])
    assert list(between(before, after, "Pod")) == [FieldChange(f"{MAIN}/env/B/value", "B", "x")]


def test_what_names_an_attempt_is_no_difference() -> None:
    def of(name: str) -> dict[str, Any]:
        labels = {"plumbline.dev/object": name, "app.kubernetes.io/instance": name}
        spec = {"volumes": [{"name": "context", "configMap": {"name": f"plumbline-{name}"}}]}
        return worded({"metadata": {"labels": labels}, "spec": spec}, {name: "{object}"})

    assert not between(of("web-1"), of("web-22"), "Deployment")
    assert worded({"a": ["web-11", 1, None]}, {"web-1": "{short}", "web-11": "{long}"}) == {"a": ["{long}", 1, None]}


@pytest.mark.parametrize("name", ["PLUMBLINE_RUN", "PLUMBLINE_COMMIT", "POLYAXON_RUN_INSTANCE"])
def test_which_run_it_is_says_nothing(name):
    before, after = (container(ASKED, env=[{"name": name, "value": value}]) for value in ("one", "two"))
    assert list(between(before, after, "Pod")) == []
