"""Kubernetes objects as specs hold them."""

from __future__ import annotations

from typing import Any

from tests.generate.dice import Dice, Free, Kube

IMAGES = ("python:3.12", "ghcr.io/acme/train:1.4", "tensorflow/tensorflow:2.16.1-gpu", "busybox", "registry:5000/a/b:c")


def container(dice: Dice, *, named: float = 0.1, image: float = 0.95) -> Kube:
    """A container; without an image it is one that customises a built-in one."""
    return Kube(
        dice.fields(
            ("name", named, dice.name_of_container),
            ("image", image, lambda: dice.or_template("str", dice.pick(IMAGES), 0.05)),
            ("command", 0.6, lambda: command(dice)),
            ("args", 0.5, lambda: arguments(dice)),
            ("env", 0.4, lambda: env(dice)),
            ("envFrom", 0.08, lambda: env_from(dice)),
            ("resources", 0.5, lambda: resources(dice)),
            ("workingDir", 0.15, lambda: f"/{dice.word()}"),
            ("volumeMounts", 0.15, lambda: volume_mounts(dice)),
            ("imagePullPolicy", 0.15, lambda: dice.pick(["Always", "IfNotPresent", "Never"])),
            ("ports", 0.08, lambda: [Kube(containerPort=dice.whole(1024, 9000))]),
            ("securityContext", 0.06, lambda: Kube(runAsUser=dice.whole(1, 3000), privileged=False)),
            ("lifecycle", 0.03, lambda: Kube(preStop=Kube(exec=Kube(command=["sync"])))),
            ("readinessProbe", 0.05, lambda: probe(dice)),
            ("livenessProbe", 0.04, lambda: probe(dice)),
            ("terminationMessagePolicy", 0.03, lambda: dice.pick(["File", "FallbackToLogsOnError"])),
            ("tty", 0.02, lambda: True),
        )
    )


def command(dice: Dice) -> list[str]:
    """A program."""
    return dice.pick([["python", "-m", "train"], ["/bin/sh", "-c"], ["bash"], ["python3", "main.py", "--quiet"]])


def arguments(dice: Dice) -> Any:
    """Words of a command; now and then templates."""
    words = [f"--{dice.word()}={dice.whole(0, 9)}" for _ in range(dice.whole(1, 4))]
    for names in dice.scope.values():
        words.extend(f"--value={{{{ {name} }}}}" for name in names[:1] if dice.chance(0.2))
    if dice.scope and dice.chance(0.1):
        words.append("{{ params.as_args }}")
    return words


def env(dice: Dice) -> list[Kube]:
    """Environment variables."""
    found = []
    for name in dice.names(1, 3):
        key = name.upper().replace("-", "_")
        if dice.chance(0.2):
            source = dice.pick(
                [
                    Kube(secretKeyRef=Kube(name="tokens", key="token")),
                    Kube(configMapKeyRef=Kube(name="settings", key="mode", optional=True)),
                    Kube(fieldRef=Kube(fieldPath="metadata.name")),
                    Kube(resourceFieldRef=Kube(resource="limits.cpu")),
                ]
            )
            found.append(Kube(name=key, valueFrom=source))
        else:
            found.append(Kube(name=key, value=dice.or_template("str", dice.word())))
    return found


def env_from(dice: Dice) -> list[Kube]:
    """Sources of environment variables."""
    return [dice.pick([Kube(secretRef=Kube(name="tokens")), Kube(configMapRef=Kube(name="settings"), prefix="APP_")])]


def resources(dice: Dice) -> Kube:
    """Requests and limits."""
    amounts: dict[str, list[Any]] = {"cpu": [1, "500m", "2"], "memory": ["512Mi", "2Gi"], "nvidia.com/gpu": [1, 2]}

    def chosen() -> Free:
        return Free({name: dice.pick(amounts[name]) for name in dice.some(list(amounts), 1, 2)})

    return Kube(dice.fields(("requests", 0.6, chosen), ("limits", 0.6, chosen)))


def probe(dice: Dice) -> Kube:
    """A probe."""
    return Kube(
        dice.pick(
            [
                Kube(httpGet=Kube(path="/health", port=8080)),
                Kube(tcpSocket=Kube(port=8080)),
                Kube(exec=Kube(command=["true"])),
            ]
        ),
        periodSeconds=dice.whole(1, 30),
    )


def volume(dice: Dice) -> Kube:
    """A volume."""
    source: dict[str, Any] = dice.pick(
        [
            {"emptyDir": Kube()},
            {"emptyDir": Kube(medium="Memory", sizeLimit="1Gi")},
            {"persistentVolumeClaim": Kube(claimName="data", readOnly=True)},
            {"secret": Kube(secretName="tokens", defaultMode=256)},
            {"configMap": Kube(name="settings", items=[Kube(key="mode", path="mode.txt")])},
            {"hostPath": Kube(path="/srv/data", type="Directory")},
            {"nfs": Kube(server="nfs.example.org", path="/export")},
        ]
    )
    return Kube(name=dice.name_of_container(), **source)


def volume_mounts(dice: Dice) -> list[Kube]:
    """Mounts of volumes."""
    return [
        Kube(dice.fields(("readOnly", 0.4, lambda: True), ("subPath", 0.2, dice.word)), name="data", mountPath="/data")
    ]


def toleration(dice: Dice) -> Kube:
    """A toleration."""
    return dice.pick(
        [
            Kube(key="gpu", operator="Exists", effect="NoSchedule"),
            Kube(key="team", operator="Equal", value=dice.word(), effect="NoExecute", tolerationSeconds=30),
            Kube(operator="Exists"),
        ]
    )


def affinity(dice: Dice) -> Kube:
    """An affinity."""
    term = Kube(matchExpressions=[Kube(key="zone", operator="In", values=[dice.word(), dice.word()])])
    return dice.pick(
        [
            Kube(nodeAffinity=Kube(requiredDuringSchedulingIgnoredDuringExecution=Kube(nodeSelectorTerms=[term]))),
            Kube(
                podAntiAffinity=Kube(
                    preferredDuringSchedulingIgnoredDuringExecution=[
                        Kube(
                            weight=dice.whole(1, 100),
                            podAffinityTerm=Kube(
                                topologyKey="kubernetes.io/hostname",
                                labelSelector=Kube(matchLabels=Free(app=dice.word())),
                            ),
                        )
                    ]
                )
            ),
        ]
    )
