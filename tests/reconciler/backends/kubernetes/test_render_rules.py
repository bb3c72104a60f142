"""Single rules of render that a golden folder would hide."""

import gzip
import json
from base64 import b64decode
from dataclasses import replace

import pytest

from planner import keys
from planner.model.artifacts import Earlier
from planner.model.cluster import Allow, ClusterRules
from planner.model.gang import Lifetime, Probe
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.reads import own_folder
from reconciler.backends.kubernetes.render import knows, render, tombstone
from reconciler.backends.kubernetes.render.failures import Action, failure_policy
from reconciler.backends.kubernetes.render.texts import literal
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused
from tests.reconciler.backends.kubernetes.cases import AGENT, INGRESS, PLAIN, TOKEN
from tests.reconciler.backends.kubernetes.orders import AT, STAMP, Ask, job, order
from tests.reconciler.backends.kubernetes.schema import faults

pytestmark = pytest.mark.unit

SIMPLE = job("container: {image: busybox, command: [a]}")
WITH_AGENT = replace(PLAIN, agent=AGENT)


def expanded(text, known):
    """What Kubernetes makes of a text, by its own rules (`$$` is `$`, `$(NAME)` the value, anything else as it is)."""
    found, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            found, at = found + text[at], at + 1
        elif text[at + 1] == "$":
            found, at = found + "$", at + 2
        elif text[at + 1] == "(" and ")" in text[at:]:
            name = text[at + 2 : text.index(")", at)]
            found, at = found + known.get(name, f"$({name})"), text.index(")", at) + 1
        else:
            found, at = found + text[at : at + 2], at + 2
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "$HOME",
        "$$",
        "$$$",
        "$(date)",
        "$$(date)",
        "$$$(HOME)",
        "a$",
        "$(",
        "$(a",
        "$()",
        "x$(HOME)y$",
        "${A}$(B)",
    ],
)
def test_a_program_gets_its_words_as_they_stand(text):
    assert expanded(literal(text), {"HOME": "/root", "date": "today", "B": "b", "": "e"}) == text


def test_only_what_kubernetes_looks_up_is_put_in():
    said = literal("--password=$(DB) $(HOME) $$(DB)", {"DB"})
    assert expanded(said, {"DB": "secret", "HOME": "/root"}) == "--password=secret $(HOME) $$(DB)"


# The failure policy


def rules(*written):
    return failure_policy({"rules": list(written)}, ["main", "proxy"])


def codes(action, *values, **more):
    return {"action": action, "onExitCodes": {"operator": "In", "values": list(values), **more}}


def test_no_rule_has_a_second_pod_made():
    policy, actions = rules(codes("Ignore", 3), codes("Count", 4), codes("FailJob", 5))
    assert {rule["action"] for rule in policy["rules"]} == {"FailJob"}
    assert actions == [Action.IGNORE, Action.COUNT, Action.FAIL, Action.DISRUPTED, Action.EXITED]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([codes("FailIndex", 1)], "rules[0]: the action FailIndex is not for a run of one pod"),
        ([{"action": "Ignore"}], "rules[0] needs either onExitCodes or onPodConditions"),
        ([{**codes("Ignore", 1), "onPodConditions": [{"type": "A"}]}], "needs either onExitCodes or onPodConditions"),
        ([codes("Ignore", 1), codes("Count", 1, containerName="x")], "rules[1]: the run has no container 'x'"),
        ([codes("Ignore", 1)] * 19, "podFailurePolicy has 19 rules, and 18 are the most"),
    ],
    ids=["index", "nothing", "both", "container", "many"],
)
def test_rules_that_can_never_hold(written, words):
    with pytest.raises(Refused) as refused:
        rules(*written)
    assert words in refused.value.message


# Files


def test_a_large_context_is_packed_for_the_agent():
    made = order(SIMPLE)
    run = replace(made.run, context={**made.run.context, "params": {"table": "x" * 2_000_000}})
    held = render(replace(made, run=run), WITH_AGENT, TOKEN).before[0]
    assert "data" not in held
    told = json.loads(gzip.decompress(b64decode(held["binaryData"][layout.ORDER_FILE_PACKED])))
    assert told["context"]["params"]["table"] == "x" * 2_000_000
    assert faults(held) == []


@pytest.mark.parametrize("settings", [PLAIN, WITH_AGENT], ids=["without-agent", "agent"])
def test_a_context_that_no_config_map_holds_is_refused(settings):
    made = order(SIMPLE)
    dice = "".join(keys.request("a", str(number)).dns_name("b", "c") for number in range(120_000))
    run = replace(made.run, context={**made.run.context, "params": {"table": dice}})
    with pytest.raises(Refused, match=r"its context .*over 900 KiB"):
        render(replace(made, run=run), settings, TOKEN if settings.agent.contact else "")


def test_the_tracking_module_comes_along():
    held = render(order(SIMPLE), replace(PLAIN, tracking="import os\n")).before[0]
    assert held["data"][layout.TRACKING_FILE] == "import os\n"


@pytest.mark.parametrize(
    ("settings", "token", "words"),
    [
        (PLAIN, "", "set backends.kubernetes.agent.image"),
        (replace(PLAIN, agent=replace(AGENT, contact="")), "", "set backends.kubernetes.agent.contact"),
        (WITH_AGENT, "", "set backends.kubernetes.agent.contact"),
    ],
    ids=["no-agent", "no-contact", "no-token"],
)
def test_an_earlier_round_needs_the_agent(settings, token, words):
    earlier = Earlier(keys.generation("train", 3))
    made = order(SIMPLE, Ask(settings, key=keys.generation("train", 3).at_round(1), earlier=earlier))
    with pytest.raises(Refused, match="the artifacts of an earlier round") as refused:
        render(made, settings, token)
    assert words in refused.value.message


def test_no_container_of_the_spec_sees_the_token():
    text = job("sidecars: [{image: proxy}]\ninit: [{container: {image: first}}]\ncontainer: {image: i}")
    pod = render(order(text, Ask(WITH_AGENT)), WITH_AGENT, TOKEN).workload["spec"]["template"]["spec"]
    see = {
        one["name"]
        for one in (*pod["containers"], *pod["initContainers"])
        if any(mount["name"] == layout.VOLUME_TOKEN for mount in one["volumeMounts"])
    }
    assert see == {layout.INIT, layout.SIDECAR}
    assert [one["name"] for one in pod["initContainers"]] == [layout.INIT, "init-0", layout.SIDECAR]


def test_the_token_is_in_the_secret_alone():
    manifests = render(order(SIMPLE, Ask(WITH_AGENT)), WITH_AGENT, "very-secret")
    others = [one for one in manifests.listed if one["kind"] != "Secret"]
    assert "very-secret" not in json.dumps(others)


# The run contract


def test_variables_of_the_contract_are_not_replaced():
    text = job("container: {image: i, env: {PLUMBLINE_RUN: mine, PYTHONPATH: a, A: b}}\n")
    env = variables(text)
    assert env["PLUMBLINE_RUN"] == {"name": "PLUMBLINE_RUN", "value": "train@g3"}
    assert env["PYTHONPATH"]["value"] == f"{layout.LIB}:a"
    assert env["A"]["value"] == "b"


def test_a_python_path_that_kubernetes_looks_up_follows_ours():
    looked = "{name: PYTHONPATH, valueFrom: {configMapKeyRef: {name: paths, key: path}}}"
    env = variables(job(f"container: {{image: i, env: [{looked}]}}"))
    assert env["PYTHONPATH"]["value"] == f"{layout.LIB}:$(PLUMBLINE_PYTHONPATH)"
    assert env["PLUMBLINE_PYTHONPATH"]["valueFrom"] == {"configMapKeyRef": {"name": "paths", "key": "path"}}
    assert list(env).index("PLUMBLINE_PYTHONPATH") < list(env).index("PYTHONPATH")


def variables(text, settings=PLAIN):
    pod = render(order(text, Ask(settings)), settings).workload["spec"]["template"]["spec"]
    listed = pod["containers"][0]["env"]
    assert len({entry["name"] for entry in listed}) == len(listed)
    return {entry["name"]: entry for entry in listed}


@pytest.mark.parametrize(
    ("rule", "said", "has"),
    [
        (ClusterRules(), "", True),
        (ClusterRules(user=None), "", False),
        (ClusterRules(), "env: {HOME: /mine}", "/mine"),
    ],
    ids=["our-user", "image-user", "own"],
)
def test_a_home_for_a_user_that_the_image_does_not_know(rule, said, has):
    env = variables(job(f"container: {{image: i, {said}}}"), replace(PLAIN, rules=rule))
    assert ("HOME" in env) == bool(has)
    if isinstance(has, str):
        assert env["HOME"]["value"] == has


def test_gpus_are_not_shown_to_a_run_that_asked_for_none():
    assert variables(SIMPLE)["NVIDIA_VISIBLE_DEVICES"]["value"] == "none"
    asked = job("container: {image: i, resources: {limits: {nvidia.com/gpu: 1}}}")
    assert "NVIDIA_VISIBLE_DEVICES" not in variables(asked)


@pytest.mark.parametrize(
    ("kind", "agent", "timeout", "seconds"),
    [("job", True, None, 605), ("job", True, 60.0, 605), ("job", False, None, 5), ("service", True, None, 5)],
)
def test_a_job_has_time_to_hand_over_what_it_left(kind, agent, timeout, seconds):
    settings = replace(PLAIN, agent=AGENT) if agent else PLAIN
    asked = order(job("container: {image: i}").replace("kind: job", f"kind: {kind}"), Ask(settings, grace=5.0))
    asked = replace(asked, run=replace(asked.run, timeout=timeout))
    made = render(asked, settings, "token" if agent else "").workload
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == seconds


def test_what_templates_may_ask():
    made = order(job("container: {image: i, args: ['{{ globals.run_outputs_path }}', '{{ globals.context_path }}']}"))
    assert made.run.gang.replicas[0].container.args == (f"{own_folder(made)}/outputs", layout.CONTEXT)
    assert knows(made, PLAIN)["namespace"] == "ml"


# Security


def security(settings, **contexts):
    said = {"image": "i", **({"securityContext": contexts["container"]} if "container" in contexts else {})}
    body = {"container": said}
    if "pod" in contexts:
        body["environment"] = {"securityContext": contexts["pod"]}
    text = json.dumps(
        {"version": 1.1, "kind": "operation", "name": "train", "component": {"run": {"kind": "job", **body}}}
    )
    pod = render(order(text, Ask(settings)), settings).workload["spec"]["template"]["spec"]
    return pod["securityContext"], pod["containers"][0]["securityContext"]


def test_capabilities_that_a_spec_drops_are_among_all():
    assert security(PLAIN, container={"capabilities": {"drop": ["KILL"]}})[1]["capabilities"] == {"drop": ["ALL"]}


def test_capabilities_are_for_those_that_ask_for_them():
    settings = replace(PLAIN, rules=ClusterRules(allow=frozenset({Allow.CAPABILITIES})))
    assert security(settings)[1]["capabilities"] == {"drop": ["ALL"]}
    said = {"drop": ["ALL"], "add": ["SETUID"]}
    assert security(settings, container={"capabilities": said})[1]["capabilities"] == said


def test_a_privileged_container_has_no_contradiction():
    """The API server refuses `privileged` beside `allowPrivilegeEscalation: false`."""
    settings = replace(PLAIN, rules=ClusterRules(allow=frozenset({Allow.PRIVILEGED, Allow.CAPABILITIES})))
    assert security(settings, container={"privileged": True})[1] == {"privileged": True}
    added = {"capabilities": {"add": ["SYS_ADMIN"]}}
    assert "allowPrivilegeEscalation" not in security(settings, container=added)[1]


def test_root_where_it_is_allowed():
    settings = replace(PLAIN, rules=ClusterRules(allow=frozenset({Allow.ROOT}), user=None, group=None))
    assert security(settings) == (
        {"seccompProfile": {"type": "RuntimeDefault"}},
        {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    )


def test_root_is_for_those_that_ask_for_it():
    settings = replace(PLAIN, rules=ClusterRules(allow=frozenset({Allow.ROOT})))
    assert security(settings)[0]["runAsNonRoot"] is True
    assert "runAsNonRoot" not in security(settings, pod={"runAsUser": 0})[0]
    pod, container = security(settings, container={"runAsUser": 0})
    assert (pod["runAsNonRoot"], container["runAsNonRoot"]) == (True, False)


@pytest.mark.parametrize("tokens", [False, True])
def test_the_token_of_the_service_account(tokens):
    rule = ClusterRules(allow=frozenset({Allow.TOKENS} if tokens else ()))
    pod = render(order(SIMPLE), replace(PLAIN, rules=rule)).workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is tokens


# Refusals


def test_a_gang_of_several_groups():
    made = order(SIMPLE)
    group = made.run.gang.replicas[0]
    gang = replace(made.run.gang, replicas=(group, replace(group, role="worker")))
    with pytest.raises(Refused, match="needs the operator of its kind"):
        render(replace(made, run=replace(made.run, gang=gang)), PLAIN)


def test_a_job_of_several_pods():
    made = order(SIMPLE)
    gang = replace(made.run.gang, replicas=(replace(made.run.gang.replicas[0], count=3),))
    with pytest.raises(Refused, match="a job is one pod, and 3 are asked for"):
        render(replace(made, run=replace(made.run, gang=gang)), PLAIN)


@pytest.mark.parametrize("where", ["sidecars: [{name: x}]", "init: [{container: {name: x}}]"], ids=["sidecar", "init"])
def test_a_container_without_an_image(where):
    with pytest.raises(Refused, match="the container x needs an image"):
        render(order(job(f"{where}\ncontainer: {{image: i}}")), PLAIN)


def test_a_probe_of_a_port_that_is_not_there():
    made = order(SIMPLE)
    gang = replace(made.run.gang, lifetime=Lifetime.ALWAYS, ports=(80,), probe=Probe(http_path="/", port=1))
    with pytest.raises(Refused, match="looks at port 1, but the run has 1 ports"):
        render(replace(made, run=replace(made.run, gang=gang)), PLAIN)


def test_a_connection_that_the_configuration_lost():
    with pytest.raises(Refused, match="there is no connection 'db' in the configuration"):
        render(order(job("connections: [db]\ncontainer: {image: i}")), PLAIN)


# Applying


def test_nothing_of_the_pods_depends_on_the_ledgers_sequence():
    """Else an `ensure` of later would have every pod of a service replaced."""
    text = job("container: {image: i}").replace("kind: job", "kind: service")
    made = order(text)
    later = replace(made, stamp=replace(STAMP, sequence=99))
    assert render(made, PLAIN).workload["spec"] == render(later, PLAIN).workload["spec"]


def test_what_is_needed_comes_first():
    text = job("ports: [80]\ncontainer: {image: i}").replace("kind: job", "kind: service")
    manifests = render(order(text, Ask(WITH_AGENT)), WITH_AGENT, TOKEN)
    assert [one["kind"] for one in manifests.listed] == ["ConfigMap", "Secret", "Deployment", "Service"]
    assert {one["metadata"]["namespace"] for one in manifests.listed} == {manifests.namespace}
    assert {one["metadata"]["labels"][names.OBJECT] for one in manifests.listed} == {manifests.name}
    assert [one["kind"] for one in manifests.listed if "finalizers" in one["metadata"]] == ["Deployment"]


def test_annotations_of_a_spec_tell_nobody_but_its_pods():
    """On an Ingress they would be the configuration of a proxy that all share."""
    said = "environment: {annotations: {nginx.ingress.kubernetes.io/configuration-snippet: x}}"
    text = job(f"ports: [80]\nisExternal: true\n{said}\ncontainer: {{image: i}}").replace("kind: job", "kind: service")
    settings = replace(PLAIN, route=INGRESS)
    manifests = render(order(text, Ask(settings)), settings)
    has = [one["kind"] for one in manifests.listed if "nginx" in json.dumps(one["metadata"])]
    assert has == ["Deployment"]
    assert "nginx" in json.dumps(manifests.workload["spec"]["template"]["metadata"])


def test_a_timeout_that_is_longer_than_kubernetes_counts():
    made = order(SIMPLE)
    pod = render(replace(made, run=replace(made.run, timeout=1e12)), PLAIN).workload["spec"]["template"]["spec"]
    assert pod["activeDeadlineSeconds"] == 2**31 - 1


def test_names_of_containers_are_such_as_kubernetes_takes():
    text = job("sidecars: [{name: My_Proxy, image: a}, {image: b}]\ncontainer: {image: i}")
    pod = render(order(text), PLAIN).workload["spec"]["template"]["spec"]
    assert [one["name"] for one in pod["containers"]] == ["main", "my-proxy", "sidecar-1"]


def test_a_service_that_is_not_external_has_no_way_in_from_outside():
    text = job("ports: [80]\ncontainer: {image: i}").replace("kind: job", "kind: service")
    settings = replace(PLAIN, route=INGRESS)
    assert [one["kind"] for one in render(order(text), settings).after] == ["Service"]


def test_generations_of_a_service_share_its_address():
    text = job("ports: [80]\ncontainer: {image: i}").replace("kind: job", "kind: service")
    first, second = (render(order(text, Ask(key=keys.generation("train", number))), PLAIN) for number in (1, 2))
    assert first.name != second.name
    assert first.after[0]["metadata"]["name"] == second.after[0]["metadata"]["name"]
    selector = first.after[0]["spec"]["selector"]
    for one in (first, second):
        labels = one.workload["spec"]["template"]["metadata"]["labels"]
        assert selector.items() <= labels.items()
        assert one.workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert first.workload["spec"]["selector"] != second.workload["spec"]["selector"]


def test_a_tombstone_takes_the_name_and_starts_nothing():
    made = order(SIMPLE)
    stone = tombstone(made.key, STAMP, KubernetesSettings(namespace="ml"), {"at": AT.isoformat(), "grace": 5.0})
    assert faults(stone) == []
    assert stone["metadata"]["name"] == render(made, PLAIN).workload["metadata"]["name"]
    assert stone["spec"]["suspend"] is True
    assert names.key_of(stone["metadata"]) == made.key
    assert names.stamp_of(stone["metadata"]) == STAMP


@pytest.mark.parametrize(("queue", "queued"), [("gold", True), ("silver", False), ("", False)])
def test_a_queue_that_kueue_has(queue, queued):
    settings = replace(PLAIN, local_queues={"gold": "team-gold"})
    made = order(SIMPLE)
    workload = render(replace(made, run=replace(made.run, queue=queue)), settings).workload
    assert workload["metadata"]["labels"].get(names.QUEUE) == ("team-gold" if queued else None)
    assert workload["spec"].get("suspend", False) is queued
    assert names.QUEUE not in workload["spec"]["template"]["metadata"]["labels"]
