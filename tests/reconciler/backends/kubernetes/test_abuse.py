"""What a spec may not ask of a cluster: every way that is known to take more than a pod of its own.

Each is refused when the spec is compiled, so that a preview says it before a merge; and again when the run starts,
since a template is no way around a rule.
"""

import json
from dataclasses import replace

import pytest

from planner.model.cluster import Allow, ClusterRules
from planner.model.gang import Replica
from reconciler.backends.kubernetes.render import render
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused
from tests.planner.compile.trees import compiled
from tests.reconciler.backends.kubernetes.orders import Ask, job, operation, order

pytestmark = pytest.mark.unit

IMAGE = {"image": "busybox", "command": ["true"]}
MAIN = {"container": IMAGE}
OWN = "is Plumbline's own"


def main(**said):
    return {"container": {**IMAGE, **said}}


def around(**said):
    return {**MAIN, "environment": said}


def secured(**said):
    return main(securityContext=said)


def volume(**source):
    return {**MAIN, "volumes": [{"name": "v", **source}]}


def mounted(path="/data", name="v", **more):
    mount = {"name": name, "mountPath": path, **more}
    return {"volumes": [{"name": "v", "emptyDir": {}}], **main(volumeMounts=[mount])}


def beside(**said):
    return {**MAIN, "sidecars": [{"name": "proxy", "image": "proxy", **said}]}


def before(**said):
    return {**MAIN, "init": [{"container": {"name": "first", "image": "first", **said}}]}


def allowed_by(allow):
    return f"only `{allow}` in `backends.kubernetes.allow` allows it"


ABUSE = {
    # the host
    "host-network": (
        around(hostNetwork=True),
        f"environment.hostNetwork is not allowed here: {allowed_by('hostNetwork')}",
    ),
    "host-pid": (around(hostPID=True), f"environment.hostPID is not allowed here: {allowed_by('hostPID')}"),
    "host-ipc": (around(hostIPC=True), f"environment.hostIPC is not allowed here: {allowed_by('hostIPC')}"),
    "host-path": (volume(hostPath={"path": "/"}), "volumes[0]: a folder of the node (hostPath) is not allowed here"),
    "docker-socket": (volume(hostPath={"path": "/var/run/docker.sock", "type": "Socket"}), allowed_by("hostPath")),
    "host-port": (
        main(ports=[{"containerPort": 80, "hostPort": 80}]),
        "container.ports[0].hostPort is not allowed here",
    ),
    "host-port-of-a-sidecar": (beside(ports=[{"containerPort": 80, "hostPort": 80}]), "sidecars[0].ports[0].hostPort"),
    "node-name": (around(nodeName="control-plane-1"), "environment.nodeName is not allowed here"),
    "probe-of-another-host": (
        main(livenessProbe={"httpGet": {"host": "169.254.169.254", "path": "/", "port": 80}}),
        f"container.livenessProbe.httpGet.host is not allowed here: {allowed_by('hostProbes')}",
    ),
    "lifecycle-at-another-host": (
        main(lifecycle={"postStart": {"httpGet": {"host": "10.0.0.1", "port": 80}}}),
        "container.lifecycle.postStart.httpGet.host is not allowed here",
    ),
    # privileges
    "privileged": (secured(privileged=True), "container.securityContext.privileged is not allowed here"),
    "privileged-sidecar": (beside(securityContext={"privileged": True}), "sidecars[0].securityContext.privileged"),
    "privileged-init": (before(securityContext={"privileged": True}), "init[0].container.securityContext.privileged"),
    "escalation": (secured(allowPrivilegeEscalation=True), allowed_by("privilegeEscalation")),
    "capabilities": (
        secured(capabilities={"add": ["NET_BIND_SERVICE", "SYS_PTRACE", "SYS_ADMIN"]}),
        "container.securityContext.capabilities.add (SYS_ADMIN, SYS_PTRACE) is not allowed here",
    ),
    "all-capabilities": (secured(capabilities={"add": ["ALL"]}), "capabilities.add (ALL)"),
    "root": (secured(runAsUser=0), "leave it out, and the program runs as user 65532"),
    "root-of-the-pod": (around(securityContext={"runAsUser": 0}), "environment.securityContext.runAsUser: 0"),
    "root-not-excluded": (secured(runAsNonRoot=False), "container.securityContext.runAsNonRoot: false"),
    "proc-mount": (secured(procMount="Unmasked"), allowed_by("procMount")),
    "seccomp": (secured(seccompProfile={"type": "Unconfined"}), "securityContext.seccompProfile.type: Unconfined"),
    "seccomp-of-the-pod": (
        around(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        allowed_by("unconfined"),
    ),
    "apparmor": (secured(appArmorProfile={"type": "Unconfined"}), "securityContext.appArmorProfile.type: Unconfined"),
    "apparmor-by-annotation": (
        around(annotations={"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}),
        "is not for specs",
    ),
    "selinux": (secured(seLinuxOptions={"type": "spc_t"}), "container.securityContext.seLinuxOptions"),
    "selinux-user": (secured(seLinuxOptions={"user": "system_u"}), allowed_by("unconfined")),
    "sysctl": (
        around(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        "sysctls[0] (kernel.msgmax)",
    ),
    "windows-host-process": (secured(windowsOptions={"hostProcess": True}), "windowsOptions.hostProcess"),
    "mount-propagation": (mounted(mountPropagation="Bidirectional"), "mountPropagation: Bidirectional is not allowed"),
    # credentials
    "service-account": (around(serviceAccountName="cluster-admin"), "specs may not run as `cluster-admin`"),
    "token": (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
        "volumes[0].projected.sources[0]: a credential of the service account (serviceAccountToken)",
    ),
    "pod-certificate": (
        volume(projected={"sources": [{"podCertificate": {"signerName": "a/b", "keyType": "ED25519"}}]}),
        allowed_by("serviceAccountTokens"),
    ),
    "secret-of-ours": (volume(secret={"secretName": "plumbline-other-72d2777921a7-1-token"}), OWN),
    "secret-of-ours-projected": (volume(projected={"sources": [{"secret": {"name": "plumbline-forge"}}]}), OWN),
    "secret-of-ours-as-variable": (
        main(env=[{"name": "T", "valueFrom": {"secretKeyRef": {"name": "plumbline-x", "key": "token"}}}]),
        OWN,
    ),
    "secret-of-ours-as-variables": (main(envFrom=[{"secretRef": {"name": "plumbline-x"}}]), OWN),
    "secret-of-ours-in-a-sidecar": (beside(envFrom=[{"secretRef": {"name": "plumbline-x"}}]), OWN),
    "secret-of-ours-to-pull-with": (around(imagePullSecrets=["plumbline-x"]), OWN),
    "secret-of-ours-for-a-driver": (
        volume(csi={"driver": "d", "nodePublishSecretRef": {"name": "plumbline-x"}}),
        "volumes[0].csi.nodePublishSecretRef",
    ),
    "config-map-of-ours": (volume(configMap={"name": "plumbline-other-72d2777921a7-1"}), OWN),
    # our files
    "token-volume": (mounted(name="plumbline-token"), "container.volumeMounts[0]: the volume `plumbline-token` " + OWN),
    "token-volume-in-a-sidecar": (beside(volumeMounts=[{"name": "plumbline-token", "mountPath": "/t"}]), OWN),
    "volume-named-like-ours": ({**MAIN, "volumes": [{"name": "plumbline", "emptyDir": {}}]}, "volumes[0]"),
    "device-of-ours": (main(volumeDevices=[{"name": "plumbline", "devicePath": "/dev/x"}]), OWN),
    "over-the-context": (mounted("/plumbline/lib"), "would hide files of the run contract"),
    "over-everything": (mounted("/plumbline/../"), "`/plumbline/../` would hide files of the run contract"),
    "over-the-token": (mounted("/plumbline-token/x"), "would hide files of the run contract"),
    "sub-path": (
        mounted(subPath="../../etc"),
        "container.volumeMounts[0].subPath: `../../etc` leads out of the volume",
    ),
    "sub-path-absolute": (mounted(subPath="/etc"), "leads out of the volume"),
    "sub-path-of-a-variable": (mounted(subPathExpr="$(HOME)/../x"), "subPathExpr"),
    "container-named-like-ours": (beside(name="plumbline-sidecar"), "sidecars[0].name: containers named `plumbline…`"),
    "container-named-main": (beside(name="main"), "there is another container named `main`"),
    "container-named-like-another": (
        {**MAIN, "sidecars": [{"name": "Sidecar_1", "image": "a"}, {"image": "b"}]},
        "sidecars[1].name: there is another container named `sidecar-1`",
    ),
    "container-name-that-is-none": (beside(name="a b"), "`a b` is not the name of a container"),
    "init-named-like-ours": (before(name="plumbline-init"), "init[0].container.name"),
    "init-outside": (
        {**MAIN, "init": [{"container": {"image": "i"}, "path": "../../x"}]},
        "leads out of the working folder",
    ),
    # names of ours
    "label-of-ours": (around(labels={"plumbline.dev/run": "r-aaaaaaaa"}), "`plumbline.dev/run` is not for specs"),
    "label-below-ours": (around(labels={"x.plumbline.dev/run": "1"}), "is not for specs"),
    "managed-by": (around(labels={"app.kubernetes.io/managed-by": "Helm"}), "is not for specs"),
    "annotation-of-ours": (around(annotations={"plumbline.dev/stop": "{}"}), "`plumbline.dev/stop` is not for specs"),
    "label-of-a-controller": (around(labels={"batch.kubernetes.io/job-name": "x"}), "is not for specs"),
    "old-label-of-a-controller": (around(labels={"controller-uid": "x"}), "is not for specs"),
    "pod-template-hash": (around(labels={"pod-template-hash": "x"}), "is not for specs"),
    "queue-by-label": (around(labels={"kueue.x-k8s.io/queue-name": "gold"}), "is not for specs"),
    "label-that-is-none": (around(labels={"team": "a b"}), "`a b` is no value of a label"),
    "label-name-that-is-none": (around(labels={"-x/": "1"}), "is not the name of one"),
    "annotations-without-end": (around(annotations={"a": "x" * 200_001}), "over 200 kB"),
    # priority and drivers
    "system-priority": (around(priorityClassName="system-node-critical"), "is for the cluster's own pods"),
    "nfs": (
        volume(nfs={"server": "10.0.0.1", "path": "/"}),
        "volumes[0]: a volume of the kind nfs is not allowed here",
    ),
    "git-repo": (volume(gitRepo={"repository": "https://x"}), allowed_by("volumes")),
    "resource-that-is-none": (main(resources={"limits": {"licence": 1}}), "Kubernetes knows no resource `licence`"),
    "claim-of-a-device": (main(resources={"claims": [{"name": "gpu"}]}), "container.resources.claims"),
}
"""What stands below `run`, and the words."""


def spec(body):
    return json.dumps(
        {"version": 1.1, "kind": "operation", "name": "train", "component": {"run": {"kind": "job", **body}}}
    )


@pytest.mark.parametrize("name", ABUSE)
def test_it_is_refused_when_compiled(name):
    body, words = ABUSE[name]
    assert words in operation(spec(body)).refused


@pytest.mark.parametrize("name", ABUSE)
def test_it_is_refused_when_a_run_starts(name):
    """The rules may have been changed since it was compiled, or a value came out of a template."""
    body, words = ABUSE[name]
    everything = ClusterRules(allow=frozenset(Allow), service_accounts=("cluster-admin",))
    loose = order(spec(MAIN), Ask(KubernetesSettings(rules=everything)))
    strict = operation(spec(body)).body.gang
    with pytest.raises(Refused) as refused:
        render(replace(loose, run=replace(loose.run, gang=strict)), KubernetesSettings())
    assert words in refused.value.message


OUTSIDE = {
    "ephemeral-containers": {**MAIN, "ephemeralContainers": [{"name": "debug", "image": "busybox"}]},
    "finalizers": around(finalizers=["plumbline.dev/run"]),
    "owner-references": around(ownerReferences=[{"kind": "Node"}]),
    "automount": around(automountServiceAccountToken=True),
    "shared-processes": around(shareProcessNamespace=True),
    "runtime-class": around(runtimeClassName="host"),
    "host-users": around(hostUsers=True),
    "kubeconfig": {**MAIN, "kubeconfig": {"users": [{"user": {"exec": {"command": "sh"}}}]}},
    "template": {**MAIN, "template": {"spec": {"hostNetwork": True}}},
    "cluster-role": {**MAIN, "clusterRoles": ["admin"]},
    "two-sources": volume(emptyDir={}, hostPathX={"path": "/"}),
    "pod-overhead": around(overhead={"cpu": "1"}),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_the_language_has_no_word_for_it(name):
    state = compiled({"run.yaml": spec(OUTSIDE[name])})
    assert [problem.code for problem in state.problems][:1] == ["PL-201"]
    assert not state.roots


@pytest.mark.parametrize("namespace", ["kube-system", "default", "plumbline"])
def test_another_namespace(namespace):
    settings = KubernetesSettings(namespace="ml", run_namespaces=("research",))
    text = job(f"container: {json.dumps(IMAGE)}").replace("name: train", f"name: train\nnamespace: {namespace}")
    with pytest.raises(AssertionError, match="operations may not run in the namespace"):
        operation(text, Ask(settings))
    loose = order(job(f"container: {json.dumps(IMAGE)}"), Ask(settings))
    with pytest.raises(Refused, match=f"may not run in the namespace '{namespace}'"):
        render(replace(loose, run=replace(loose.run, namespace=namespace)), settings)


def test_a_template_is_no_way_around():
    """What a param makes of a field is looked at when the run starts; nothing is said before, and nothing is made."""
    text = json.dumps(
        {
            "version": 1.1,
            "kind": "operation",
            "name": "train",
            "params": {"account": {"value": "cluster-admin"}},
            "component": {
                "inputs": [{"name": "account", "type": "str"}],
                "run": {"kind": "job", **around(serviceAccountName="{{ globals.uuid }}{{ account }}")},
            },
        }
    )
    assert not operation(text).refused
    made = order(text)
    with pytest.raises(Refused, match="specs may not run as `r-rs76klzbcluster-admin`"):
        render(made, KubernetesSettings())


def test_all_reasons_are_told_at_once():
    made = order(spec(MAIN))
    group = Replica("main", 1, made.run.gang.replicas[0].container, around(hostPID=True, hostIPC=True, nodeName="n"))
    gang = replace(made.run.gang, replicas=(group,), labels={"plumbline.dev/x": "1"})
    with pytest.raises(Refused) as refused:
        render(replace(made, run=replace(made.run, gang=gang)), KubernetesSettings())
    assert refused.value.message.endswith("; and 1 more")


@pytest.mark.parametrize("allow", [one for one in Allow if one not in ClusterRules().allow])
def test_what_the_configuration_allows_is_no_reason_any_more(allow):
    """Each rule is opted out of by itself."""
    words = allowed_by(allow)
    bodies = [body for body, told in ABUSE.values() if words in operation(spec(body)).refused and told]
    assert bodies
    rules = ClusterRules(allow=ClusterRules().allow | {allow})
    for body in bodies:
        assert words not in operation(spec(body), Ask(KubernetesSettings(rules=rules))).refused


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (around(nodeSelector={"a": "b"}), allowed_by("nodeSelection")),
        (around(tolerations=[{"operator": "Exists"}]), "environment.tolerations"),
        (around(affinity={"nodeAffinity": {}}), "environment.affinity"),
        (around(priorityClassName="gold"), allowed_by("priority")),
        (around(priority=100), "environment.priority"),
        (around(schedulerName="mine"), allowed_by("schedulerName")),
        (main(envFrom=[{"secretRef": {"name": "db"}}]), "specs may not use `db`: add it to `secrets`"),
        (around(annotations={"iam.amazonaws.com/role": "admin"}), "specs may not set `iam.amazonaws.com/role`"),
    ],
    ids=["node-selector", "tolerations", "affinity", "priority-class", "priority", "scheduler", "secret", "annotation"],
)
def test_what_the_configuration_may_forbid(body, words):
    assert not operation(spec(body)).refused
    rules = ClusterRules(allow=frozenset(), secrets=("team-*",), annotations=("team.example/*",))
    assert words in operation(spec(body), Ask(KubernetesSettings(rules=rules))).refused


@pytest.mark.parametrize(
    "body",
    [
        mounted("/plumbline/workdir/tmp"),
        mounted(subPath="a/..b/c"),
        secured(capabilities={"add": ["NET_BIND_SERVICE"], "drop": ["KILL"]}),
        secured(seccompProfile={"type": "Localhost", "localhostProfile": "a.json"}),
        around(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}),
        around(labels={"app.kubernetes.io/name": "mine", "team": ""}),
        around(annotations={"sidecar.istio.io/inject": "false"}),
        main(lifecycle={"preStop": {"exec": {"command": ["true"]}}}),
        main(env=[{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}]),
        volume(image={"reference": "registry.example/data:1"}),
        main(resources={"limits": {"hugepages-2Mi": "4Mi", "memory": "1Gi", "nvidia.com/gpu": 1}}),
    ],
    ids=[
        "below-the-working-folder", "dots-in-a-name", "capability", "profile", "sysctl", "labels", "annotations",
        "lifecycle", "downward-api", "image-volume", "resources",
    ],
)  # fmt: skip
def test_what_is_fine(body):
    made = operation(spec(body))
    assert not made.refused
    render(order(spec(body)), KubernetesSettings())
