"""Sections that components, operations and runs share (reference, section 10)."""

from __future__ import annotations

from typing import Any

from tests.generate import kubernetes
from tests.generate.dice import Dice, Free, Kube

POLICIES = ("IfNotPresent", "Always", "Never")
STRATEGIES = ("post_merge", "pre_merge", "replace", "isnull")
HOOK_TRIGGERS = ("succeeded", "failed", "stopped", "skipped", "upstream_failed", "done")


def termination(dice: Dice) -> dict[str, Any]:
    """How often and how long."""
    return dice.fields(
        ("maxRetries", 0.6, lambda: dice.or_template("int", dice.whole(0, 5))),
        ("ttl", 0.4, lambda: dice.or_template("int", dice.whole(0, 5000))),
        ("timeout", 0.5, lambda: dice.or_template("int", dice.whole(1, 90_000))),
        ("culling", 0.1, lambda: {"timeout": dice.whole(60, 4000)}),
        ("probe", 0.1, lambda: _activity(dice)),
        ("podFailurePolicy", 0.05, lambda: _failure_policy(dice)),
    )


def _activity(dice: Dice) -> dict[str, Any]:
    if dice.chance(0.5):
        return {"exec": Kube(command=["test", "-e", "/busy"])}
    return {"http": Kube(path="/api/status", port=dice.whole(1024, 9000))}


def _failure_policy(dice: Dice) -> Kube:
    codes = Kube(operator=dice.pick(["In", "NotIn"]), values=[dice.whole(1, 100)])
    rule = dice.pick(
        [
            Kube(action="FailJob", onExitCodes=codes),
            Kube(action="Ignore", onPodConditions=[Kube(type="DisruptionTarget", status="True")]),
        ]
    )
    return Kube(rules=[rule])


def cache(dice: Dice) -> dict[str, Any]:
    """Whether results are reused."""
    return dice.fields(
        ("disable", 0.7, lambda: dice.or_template("bool", dice.chance(0.5))),
        ("ttl", 0.4, lambda: dice.or_template("int", dice.whole(1, 90_000))),
        ("io", 0.3, dice.names),
        ("sections", 0.3, lambda: dice.some(["init", "connections", "containers"])),
    )


def plugins(dice: Dice) -> dict[str, Any]:
    """What is added to a run."""
    flags = [
        *["auth", "docker", "shm", "tmux", "mountArtifactsStore", "collectArtifacts", "collectLogs"],
        *["collectResources", "syncStatuses", "autoResume", "externalHost"],
    ]
    found: dict[str, Any] = {flag: dice.or_template("bool", dice.chance(0.5), 0.04) for flag in dice.some(flags, 0, 4)}
    return found | dice.fields(
        ("logLevel", 0.1, lambda: dice.pick(["DEBUG", "info"])),
        ("sidecar", 0.1, lambda: _sidecar(dice)),
        ("notifications", 0.15, lambda: [_notification(dice) for _ in range(dice.whole(1, 2))]),
    )


def _sidecar(dice: Dice) -> dict[str, Any]:
    return dice.fields(
        ("image", 0.4, lambda: "acme/sidecar"),
        ("imageTag", 0.3, lambda: "1.2"),
        ("imagePullPolicy", 0.3, lambda: dice.pick(POLICIES)),
        ("sleepInterval", 0.4, lambda: dice.whole(1, 60)),
        ("syncInterval", 0.4, lambda: dice.whole(1, 60)),
        ("monitorLogs", 0.3, lambda: dice.chance(0.5)),
        ("monitorSpec", 0.2, lambda: dice.chance(0.5)),
        ("noConnections", 0.2, lambda: dice.chance(0.5)),
        ("resources", 0.3, lambda: kubernetes.resources(dice)),
    )


def _notification(dice: Dice) -> dict[str, Any]:
    trigger = dice.fields(("trigger", 0.7, lambda: dice.pick(["succeeded", "failed", "done", "stopped"])))
    return {"connections": dice.names(1, 2), **trigger}


def literals(dice: Dice) -> Free:
    """Params without templates."""
    return Free({name: {"value": dice.pick([1, 0.5, "text", True, [1, 2]])} for name in dice.names(1, 2)})


def build(dice: Dice) -> dict[str, Any]:
    """An image that is built before the run."""
    return {"hubRef": dice.pick(["kaniko", "kaniko:1.2", "acme/kaniko:latest"])} | dice.fields(
        ("connection", 0.5, dice.name),
        ("presets", 0.2, dice.names),
        ("queue", 0.2, lambda: "agent/builds"),
        ("namespace", 0.1, dice.word),
        ("cache", 0.2, lambda: cache(dice)),
        ("params", 0.4, lambda: literals(dice)),
        ("runPatch", 0.2, lambda: {"environment": {"nodeSelector": Free(pool=dice.word())}}),
        ("patchStrategy", 0.1, lambda: dice.pick(["replace", "isnull", "post_merge", "pre_merge"])),
    )


def hook(dice: Dice) -> dict[str, Any]:
    """What follows a run."""
    return {"hubRef": dice.pick(["slack", "notify:2", "acme/report:latest"])} | dice.fields(
        ("trigger", 0.7, lambda: dice.pick(HOOK_TRIGGERS)),
        ("conditions", 0.2, lambda: dice.pick(["true", "no", "{{ globals.status == 'failed' }}"])),
        ("connection", 0.3, dice.name),
        ("presets", 0.1, dice.names),
        ("queue", 0.1, lambda: "agent/hooks"),
        ("namespace", 0.1, dice.word),
        ("params", 0.3, lambda: literals(dice)),
        ("disableDefaults", 0.2, lambda: dice.chance(0.5)),
    )


def mount(dice: Dice) -> list[Any]:
    """Local files that are uploaded."""
    return [dice.pick(["src:/code", "data", {"from": "a", "to": "b"}]) for _ in range(dice.whole(1, 2))]


def template(dice: Dice) -> dict[str, Any]:
    """That users must change a document first."""
    return dice.fields(
        ("enabled", 0.8, lambda: False),
        ("description", 0.5, dice.word),
        ("fields", 0.5, lambda: ["run.container.image"]),
    )


def environment(dice: Dice) -> dict[str, Any]:
    """Where a pod runs and what it is called."""
    return dice.fields(
        ("labels", 0.4, dice.texts),
        ("annotations", 0.3, dice.texts),
        ("nodeSelector", 0.4, lambda: Free(pool=dice.word(), zone=dice.word())),
        ("affinity", 0.15, lambda: kubernetes.affinity(dice)),
        ("tolerations", 0.25, lambda: [kubernetes.toleration(dice) for _ in range(dice.whole(1, 2))]),
        ("nodeName", 0.05, dice.word),
        ("serviceAccountName", 0.15, dice.word),
        ("hostAliases", 0.06, lambda: [Kube(ip="10.0.0.1", hostnames=[dice.word()])]),
        ("securityContext", 0.1, lambda: Kube(runAsUser=dice.whole(1, 3000), runAsNonRoot=True)),
        ("imagePullSecrets", 0.1, dice.names),
        ("hostNetwork", 0.06, lambda: dice.chance(0.5)),
        ("hostPID", 0.04, lambda: dice.chance(0.5)),
        ("dnsPolicy", 0.06, lambda: dice.pick(["ClusterFirst", "Default", "None"])),
        ("dnsConfig", 0.05, lambda: Kube(nameservers=["1.1.1.1"], searches=[dice.word()])),
        ("schedulerName", 0.06, dice.word),
        ("priorityClassName", 0.1, dice.word),
        ("priority", 0.05, lambda: dice.whole(0, 1000)),
        ("restartPolicy", 0.15, lambda: dice.pick(["Always", "OnFailure", "Never", "ExitCode"])),
    )


def init(dice: Dice) -> dict[str, Any]:
    """What is fetched before a run starts."""
    handlers: list[Any] = [
        lambda: {"artifacts": dice.fields(("files", 0.7, lambda: ["a.txt", ["b", "c"]]), ("dirs", 0.7, lambda: ["d"]))},
        lambda: {"paths": dice.pick([["a", "b"], "a", [["a", "/b"]]])},
        lambda: {"git": {"url": "https://example.org/acme/repo.git", **_git(dice)}},
        lambda: {"git": _git(dice), "connection": dice.name()},
        lambda: {"dockerfile": dockerfile(dice)},
        lambda: {"file": file(dice)},
        lambda: {"tensorboard": dice.fields(("port", 0.5, lambda: 6006), ("useNames", 0.5, lambda: True))},
        lambda: {"connection": dice.name()},
        lambda: {"connection": dice.name(), "container": kubernetes.container(dice, image=0.5)},
        lambda: {"container": kubernetes.container(dice)},
        lambda: {"lineageRef": "8aac02e3a62a4f0aaa257c59da5eab80:model"},
        lambda: {"modelRef": "acme/vision:1.2"},
        lambda: {"artifactRef": "vision:latest"},
    ]
    made: dict[str, Any] = dice.pick(handlers)()
    return made | dice.fields(("path", 0.3, lambda: f"/{dice.word()}"))


def _git(dice: Dice) -> dict[str, Any]:
    return dice.fields(("revision", 0.5, lambda: "main"), ("flags", 0.2, lambda: ["--depth 1"]))


def dockerfile(dice: Dice) -> dict[str, Any]:
    """An image as instructions."""
    return {"image": dice.pick(kubernetes.IMAGES)} | dice.fields(
        ("env", 0.4, lambda: dice.pick([dice.texts(), [["A", "1"], ["B", "2"]]])),
        ("path", 0.2, lambda: ["./bin"]),
        ("copy", 0.3, lambda: ["a", ["b", "c"]]),
        ("postRunCopy", 0.1, lambda: ["z"]),
        ("run", 0.6, lambda: ["pip install numpy", "ls"]),
        ("langEnv", 0.2, lambda: "en_US.UTF-8"),
        ("uid", 0.2, lambda: 1000),
        ("gid", 0.2, lambda: 1000),
        ("username", 0.1, dice.word),
        ("filename", 0.2, lambda: "Dockerfile.dev"),
        ("workdir", 0.2, lambda: "/src"),
        ("workdirPath", 0.1, lambda: "/src/app"),
        ("shell", 0.1, lambda: "/bin/sh"),
    )


def file(dice: Dice) -> dict[str, Any]:
    """A file with its content."""
    return {"content": "#!/bin/sh\necho hello\n"} | dice.fields(
        ("filename", 0.6, lambda: "run.sh"), ("kind", 0.2, lambda: "file"), ("chmod", 0.3, lambda: "+x")
    )
