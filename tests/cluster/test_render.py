"""What runs are rendered to, and what is read of it, held against a real API server and a real node.

The goldens are applied with dry-run and strict validation; a few runs really run, and what `status` says of them is
what happened.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from planner.model.cluster import ClusterRules
from planner.model.run import Observation, Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.kinds import kind_of
from reconciler.backends.kubernetes.render import Manifests, render, tombstone
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status import Objects, observe
from reconciler.backends.kubernetes.status.stop import Told, note
from tests.cluster.api import PATIENCE, RefusalError
from tests.pauses import pauses
from tests.reconciler.backends.kubernetes import cases
from tests.reconciler.backends.kubernetes.orders import STAMP, Ask, order

pytestmark = pytest.mark.cluster

UNTIL_TOLD = "trap 'exit 143' TERM; while :; do sleep 0.2; done"
STRICT = {"fieldManager": names.MANAGER, "force": "true", "fieldValidation": "Strict"}


# Every golden manifest


@pytest.mark.parametrize("name", cases.CASES)
def test_the_server_takes_every_golden_manifest(cluster, namespace, name):
    for manifest in cases.manifests(name).listed:
        there = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        path = kind_of(manifest["kind"]).path(namespace, manifest["metadata"]["name"])
        try:
            cluster.api.apply(path, there, dryRun="All", **STRICT)
        except RefusalError as error:
            if (error.status, manifest["kind"]) != (404, "HTTPRoute"):  # the Gateway API is not everywhere
                raise


@pytest.mark.parametrize("name", sorted({"job", "job-agent", "image-user", "init", "service", "service-route"}))
def test_the_pods_of_what_may_ask_for_nothing_pass_the_level_restricted(cluster, namespace, name):
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": level}})
    template = cases.manifests(name).workload["spec"]["template"]
    meta = {**template["metadata"], "name": "one", "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}
    assert cluster.api.ask("POST", f"/api/v1/namespaces/{namespace}/pods", body, {"dryRun": "All"})


# A few runs


class Place:
    """A namespace in which orders are applied and looked at, as the backend does."""

    def __init__(self, cluster: Any, namespace: str) -> None:
        self.api = cluster.api
        self.image = cluster.image("busybox")
        self.settings = KubernetesSettings(namespace=namespace)

    def apply(self, script: str, settings: KubernetesSettings | None = None, **more: Any) -> Manifests:
        """Have a shell script run as a job, or what `run` says."""
        run = {"kind": "job", **more.pop("run", {})}
        container = {"image": self.image, "command": ["sh", "-c", script], **more.pop("container", {})}
        whole = {"version": 1.1, "kind": "operation", "name": "train", **more}
        text = json.dumps({**whole, "component": {"run": {**run, "container": container}}})
        settings = settings or self.settings
        made = render(order(text, Ask(settings)), settings)
        for one in made.listed:
            self.api.create(kind_of(one["kind"]).path(made.namespace), one)
        return made

    def look(self, made: Manifests) -> Observation:
        """What its objects say now; the workload is read before its pods."""
        kind = made.workload["kind"]
        workload = self.api.get(kind_of(kind).path(made.namespace, made.name))
        told = self.api.get(f"/api/v1/namespaces/{made.namespace}/events", fieldSelector="type=Warning")["items"]
        return observe(Objects(kind, workload, self.pods(made), told))

    def pods(self, made: Manifests) -> list[dict[str, Any]]:
        found = self.api.get(kind_of("Pod").path(made.namespace), labelSelector=f"{names.OBJECT}={made.name}")
        return list(found["items"])

    def until(self, made: Manifests, accepts: Any) -> Observation:
        end = time.monotonic() + PATIENCE
        waits = pauses()
        while not accepts(seen := self.look(made)):
            assert time.monotonic() < end, seen
            time.sleep(next(waits))
        return seen

    def ended(self, made: Manifests) -> Observation:
        return self.until(made, lambda seen: seen.phase is Phase.ENDED)

    def running(self, made: Manifests) -> dict[str, Any]:
        """Its pod, once its program runs."""
        self.until(made, lambda seen: seen.phase is Phase.RUNNING)
        return self.pods(made)[0]

    def end(self, pod: Mapping[str, Any], grace: int) -> None:
        meta = pod["metadata"]
        body = {"gracePeriodSeconds": grace, "preconditions": {"uid": meta["uid"]}}
        self.api.ask("DELETE", kind_of("Pod").path(meta["namespace"], meta["name"]), body)

    def tell(self, made: Manifests, change: Mapping[str, Any]) -> None:
        told = json.dumps(note(Told(datetime.now(UTC), 5.0)))
        body = {"metadata": {"annotations": {names.STOP: told}}, **change}
        self.api.merge(kind_of(made.workload["kind"]).path(made.namespace, made.name), body)


@pytest.fixture
def place(cluster, namespace):
    place = Place(cluster, namespace)
    yield place
    for kind in ("Job", "Deployment"):  # without our finalizer, so that the namespace can go
        for one in cluster.api.get(kind_of(kind).path(namespace))["items"]:
            path = kind_of(kind).path(namespace, one["metadata"]["name"])
            cluster.api.merge(path, {"metadata": {"finalizers": None}})


def test_a_job_finds_the_run_contract_and_leaves_its_outputs(place):
    wants = (
        'test "$PLUMBLINE_RUN" = train@g3 && test -r "$PLUMBLINE_CONTEXT" && test "$(id -u)" = 65532'
        ' && touch here "$PLUMBLINE_ARTIFACTS/there" "$HOME/too" && echo 1 >> "$PLUMBLINE_METRICS"'
        " && test ! -e /var/run/secrets"
        """ && echo '{"name": "answer", "value": 42}' >> "$PLUMBLINE_OUTPUT" && echo pid=$$ >> "$PLUMBLINE_OUTPUT" """
    )
    end = place.ended(place.apply(wants))
    assert (end.exit_code, end.reason, end.message) == (0, StopReason.EXITED, "")
    assert dict(end.outputs) == {"answer": 42, "pid": "1"}
    assert end.images["main"].startswith("sha256:") or "@sha256:" in end.images["main"]


def test_the_end_of_a_job_outlives_its_pod(place):
    made = place.apply("exit 3")
    first = place.ended(made)
    for pod in place.pods(made):
        place.end(pod, 0)
    place.api.wait(kind_of("Pod").path(made.namespace), lambda found: not found["items"])
    later = place.look(made)
    assert (later.phase, later.exit_code, later.reason) == (Phase.ENDED, 3, StopReason.EXITED)
    assert later.ended_at == first.ended_at


@pytest.mark.parametrize(("action", "reason"), [("Ignore", StopReason.IGNORED), ("FailJob", StopReason.FATAL)])
def test_a_rule_of_the_failure_policy(place, action, reason):
    rule = {"action": action, "onExitCodes": {"operator": "In", "values": [42]}}
    end = place.ended(place.apply("exit 42", termination={"podFailurePolicy": {"rules": [rule]}}))
    assert (end.exit_code, end.reason) == (42, reason)


def test_a_stop_gives_the_grace_that_it_was_given(place):
    made = place.apply(UNTIL_TOLD)
    pod = place.running(made)
    place.tell(made, {})
    place.end(pod, 5)
    end = place.ended(made)
    assert (end.exit_code, end.reason, end.message) == (143, StopReason.EXITED, "")


def test_a_drained_pod_was_evicted(place):
    made = place.apply(UNTIL_TOLD)
    meta = place.running(made)["metadata"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"]}}
    place.api.create(f"{kind_of('Pod').path(meta['namespace'], meta['name'])}/eviction", body)
    assert place.ended(made).reason is StopReason.EVICTED


def test_a_deadline_ends_it(place):
    end = place.ended(place.apply(UNTIL_TOLD, termination={"timeout": 2}))
    assert (end.reason, end.message) == (StopReason.TIMEOUT, "timed out after 2 s")


def test_what_was_stopped_before_it_was_made(place):
    key = order(
        f"""{
            json.dumps(
                {
                    "version": 1.1,
                    "kind": "operation",
                    "name": "never",
                    "component": {"run": {"kind": "job", "container": {"image": "i"}}},
                }
            )
        }"""
    ).key
    stone = tombstone(key, STAMP, place.settings, note(Told(datetime.now(UTC), 5.0)))
    place.api.create(kind_of("Job").path(place.settings.namespace), stone)
    made = Manifests(place.settings.namespace, stone["metadata"]["name"], (), stone)
    end = place.ended(made)
    assert (end.exit_code, end.started_at, end.message) == (None, None, "stopped before it started")
    assert place.pods(made) == []


@pytest.mark.parametrize(
    ("settings", "more", "words"),
    [
        ({}, {"container": {"command": ["nowhere"]}}, '"nowhere": executable file not found in $PATH'),
        ({}, {"container": {"resources": {"requests": {"cpu": "1000"}}}}, "no node has room for it: 0/"),
        (
            {},
            {"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "x"}}}]}},
            'the container main cannot be made: secret "db" not found',
        ),
        ({"user": None, "group": None}, {}, "the image runs as root, or as a user without a number"),
        (
            {"service_accounts": ("nobody",)},
            {"run": {"environment": {"serviceAccountName": "nobody"}}},
            "its pod is not admitted: error looking up service account",
        ),
    ],
    ids=["program", "room", "secret", "root", "account"],
)
def test_why_it_does_not_run(place, settings, more, words):
    settings = replace(place.settings, rules=ClusterRules(**settings))
    made = place.apply("true", settings, **more)
    # A node that has not heard of an order yet says that its volume fails, for a second or two.
    place.until(made, lambda seen: seen.message.startswith(words))


def test_a_service_gets_ready_answers_and_goes(place):
    serve = "mkdir www; echo served >www/index.html; exec httpd -f -p $PLUMBLINE_PORT -h www"
    probe = {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1}
    made = place.apply(
        serve, run={"kind": "service", "ports": [8080], "replicas": 2}, container={"readinessProbe": probe}
    )
    seen = place.until(made, lambda seen: seen.ready)
    assert (seen.phase, seen.message) == (Phase.RUNNING, "")
    service = made.after[0]["metadata"]["name"]
    ends = place.api.wait(
        f"/apis/discovery.k8s.io/v1/namespaces/{made.namespace}/endpointslices?labelSelector="
        f"kubernetes.io/service-name={service}",
        lambda found: found["items"] and len(found["items"][0]["endpoints"] or ()) == 2,
    )
    assert ends["items"][0]["ports"][0]["port"] == 8080
    place.tell(made, {"spec": {"replicas": 0}})
    end = place.ended(made)
    assert (end.reason, end.exit_code, end.ready) == (StopReason.EXITED, None, False)


def test_a_service_that_crashes_says_so_and_does_not_end(place):
    made = place.apply("exit 1", run={"kind": "service"})
    seen = place.until(made, lambda seen: "started again" in seen.message)
    assert (seen.phase, seen.ready) == (Phase.RUNNING, False)
    assert seen.message == "the container main ends and is started again: exit code 1"
