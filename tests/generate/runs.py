"""Runs of every kind (reference, section 11)."""

from __future__ import annotations

from typing import Any

from tests.generate import kubernetes, sections
from tests.generate.dice import Dice, Free

KINDS = (
    *["job", "service", "tfjob", "pytorchjob", "mpijob", "raycluster", "daskcluster", "notifier", "cleaner", "tuner"],
)
LEADING = {"tfjob": ("worker",), "pytorchjob": ("master",), "mpijob": ("launcher", "worker")}
"""Groups that a run does not make sense without."""
REPLICAS = {
    "tfjob": ("chief", "ps", "worker", "evaluator"),
    "pytorchjob": ("master", "worker"),
    "mpijob": ("launcher", "worker"),
}


def run(dice: Dice, kind: str = "") -> dict[str, Any]:
    """What a component runs."""
    kind = kind or dice.pick([*["job"] * 6, *["service"] * 3, *KINDS])
    made: dict[str, Any] = {"kind": kind}
    match kind:
        case "service":
            return made | parts(dice) | _service(dice)
        case "tfjob" | "pytorchjob" | "mpijob":
            roles = [*LEADING[kind], *dice.some([role for role in REPLICAS[kind] if role not in LEADING[kind]])]
            return made | {role: replica(dice) for role in roles} | _kubeflow(dice, kind)
        case "raycluster":
            return made | _ray(dice)
        case "daskcluster":
            scale = {"minReplicas": 1, "maxReplicas": 4} if dice.chance(0.3) else {}
            return made | {"scheduler": replica(dice), "worker": replica(dice)} | scale
        case _:
            return made | parts(dice)


def parts(dice: Dice) -> dict[str, Any]:
    """What a job has, and a replica."""
    return dice.fields(
        ("environment", 0.35, lambda: sections.environment(dice)),
        ("connections", 0.2, dice.names),
        ("volumes", 0.15, lambda: [kubernetes.volume(dice)]),
        ("init", 0.3, lambda: [sections.init(dice) for _ in range(dice.whole(1, 2))]),
        ("sidecars", 0.1, lambda: [kubernetes.container(dice, named=0.8)]),
    ) | {"container": kubernetes.container(dice, image=1)}


def replica(dice: Dice) -> dict[str, Any]:
    """A group of equal pods."""
    return dice.fields(("replicas", 0.7, lambda: dice.or_template("int", dice.whole(1, 8)))) | parts(dice)


def _service(dice: Dice) -> dict[str, Any]:
    return dice.fields(
        ("ports", 0.7, lambda: dice.some([80, 6006, 8080, 8888], 1, 2)),
        ("rewritePath", 0.2, lambda: dice.or_template("bool", dice.chance(0.5))),
        ("isExternal", 0.2, lambda: dice.or_template("bool", dice.chance(0.5))),
        ("replicas", 0.3, lambda: dice.or_template("int", dice.whole(1, 3))),
    )


def _kubeflow(dice: Dice, kind: str) -> dict[str, Any]:
    own: dict[str, list[tuple[str, float, Any]]] = {
        "tfjob": [
            ("enableDynamicWorker", 0.2, lambda: dice.chance(0.5)),
            ("successPolicy", 0.2, lambda: dice.pick(["", "AllWorkers"])),
        ],
        "pytorchjob": [("nProcPerNode", 0.3, lambda: dice.whole(1, 8)), ("elasticPolicy", 0.2, lambda: _elastic(dice))],
        "mpijob": [("slotsPerWorker", 0.4, lambda: dice.whole(1, 8))],
    }
    return dice.fields(
        ("cleanPodPolicy", 0.4, lambda: dice.pick(["All", "Running", "None"])),
        ("schedulingPolicy", 0.2, lambda: _scheduling(dice)),
        *own[kind],
    )


def _scheduling(dice: Dice) -> dict[str, Any]:
    return dice.fields(
        ("minAvailable", 0.6, lambda: dice.whole(1, 4)),
        ("queue", 0.5, dice.word),
        ("priorityClass", 0.4, dice.word),
        ("scheduleTimeoutSeconds", 0.3, lambda: dice.whole(1, 600)),
    )


def _elastic(dice: Dice) -> dict[str, Any]:
    return dice.fields(
        ("minReplicas", 0.7, lambda: 1),
        ("maxReplicas", 0.7, lambda: dice.whole(2, 8)),
        ("maxRestarts", 0.4, lambda: dice.whole(0, 3)),
        ("rdvzBackend", 0.4, lambda: "c10d"),
        ("rdvzPort", 0.3, lambda: 29400),
        ("standalone", 0.2, lambda: dice.chance(0.5)),
        ("nProcPerNode", 0.3, lambda: dice.whole(1, 4)),
    )


def _ray(dice: Dice) -> dict[str, Any]:
    def group() -> dict[str, Any]:
        return replica(dice) | dice.fields(
            ("minReplicas", 0.3, lambda: 1),
            ("maxReplicas", 0.3, lambda: 8),
            ("rayStartParams", 0.4, lambda: Free({"num-cpus": "2"})),
        )

    made = {"head": group(), "workers": Free({name: group() for name in dice.names(1, 2)})}
    return made | dice.fields(
        ("entrypoint", 0.5, lambda: "python main.py"),
        ("runtimeEnv", 0.4, lambda: Free(pip=["numpy"])),
        ("metadata", 0.3, dice.texts),
        ("rayVersion", 0.5, lambda: "2.9.0"),
        ("enableInTreeAutoscaling", 0.3, lambda: dice.chance(0.5)),
        ("autoscalerOptions", 0.2, lambda: {"upscalingMode": dice.pick(["Default", "Aggressive", "Conservative"])}),
    )
