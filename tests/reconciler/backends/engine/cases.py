"""Orders, and the bodies that the engine is asked to make of them (`tests/golden/engine`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner import keys
from planner.model.engine import EngineAllow, EngineRules
from planner.model.gang import CodeTree, Container, Gang, Lifetime, Replica
from planner.model.run import BoundRun, Leases, Stamp
from planner.spec.catalogue import Connection
from reconciler.backends.engine import render
from reconciler.backends.engine.render import Place
from reconciler.backends.engine.settings import EngineSettings
from reconciler.backends.machine.draft import members_of
from reconciler.ports import Order

GOLDEN = Path(__file__).parents[3] / "golden" / "engine"
STAMP = Stamp("5f0c2d", 7, "default", "vision")
RUNS = Path("/var/lib/plumbline-runs")
HOME = RUNS / "train-72d2777921a7"
SETTINGS = EngineSettings(Path("/var/lib/plumbline/engine"), RUNS, Path("/var/run/docker.sock"))
PLACE = Place("c0ffee", "default-vision-1a2b3c4d", "1000:1000", "", str(HOME / "artifacts"))
CONNECTIONS = {
    "disk": Connection.model_validate(
        {"name": "disk", "kind": "volume_claim", "schema": {"volumeClaim": "models", "mountPath": "/models"}}
    ),
    "data": Connection.model_validate(
        {
            "name": "data",
            "kind": "host_path",
            "schema": {"hostPath": "/srv/data", "mountPath": "/data", "readOnly": True},
            "env": {"DATA": "/data"},
        }
    ),
}


def order(container: Container, *, pod: Mapping[str, Any] | None = None, count: int = 1, **gang: Any) -> Order:
    """An attempt of `train` that runs `container`."""
    key = keys.generation("train", 1).at_attempt(1)
    made = Gang((Replica("main", count, container, pod or {}),), **gang)
    kind = "service" if made.lifetime is Lifetime.ALWAYS else "job"
    return Order(key, BoundRun(key.run, kind, "d1:abc", made, commit="0" * 40), Leases(), STAMP)


def bodies(asked: Order, settings: EngineSettings = SETTINGS, **place: Any) -> list[dict[str, Any]]:
    """What is made of an order, one body a replica."""
    render.check(asked, settings)
    members = members_of(asked, HOME / "a1-c0ffee00", HOME / "artifacts")
    where = replace(PLACE, **place)
    return [render.container(asked, one, replace(where, base=str(one.base)), settings) for one in members]


PROGRAM = Container("python:3.13", ("python", "-m", "train"), ("--lr=0.1",), {"A": "b", "PYTHONPATH": "src"})


def job() -> list[dict[str, Any]]:
    """A program with code of the repository, and an artifact of another run."""
    asked = order(
        PROGRAM, code=(CodeTree("src", "1" * 40, "src"),), labels={"team": "vision", "dev.plumbline.run": "no"}
    )
    return bodies(asked, others=[str(RUNS / "make-1a2b" / "artifacts")])


def image_decides() -> list[dict[str, Any]]:
    """Nothing but an image: its own command, where it wants to be."""
    return bodies(order(Container("tool:1")))


def service() -> list[dict[str, Any]]:
    """In a network of its own: it listens on the declared port, and is reached at the leased one of this machine."""
    asked = order(PROGRAM, lifetime=Lifetime.ALWAYS, ports=(8080,))
    return bodies(replace(asked, leases=Leases(ports=(20001,))))


def service_of_the_machine() -> list[dict[str, Any]]:
    """With the network of the machine it listens on the leased port itself."""
    asked = order(PROGRAM, lifetime=Lifetime.ALWAYS, ports=(8080,))
    return bodies(replace(asked, leases=Leases(ports=(20001,))), replace(SETTINGS, network="host"))


def limits() -> list[dict[str, Any]]:
    """Limits of processor and memory, a GPU and a licence that are leased."""
    resources = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1", "licence": "1"}
    container = replace(PROGRAM, resources=resources, limits={"cpu": "1500m", "memory": "2Gi"})
    leases = Leases(slots={"nvidia.com/gpu": (1,), "licence": (0,)})
    return bodies(replace(order(container), leases=leases))


def gpus_that_nobody_counts() -> list[dict[str, Any]]:
    return bodies(order(replace(PROGRAM, resources={"nvidia.com/gpu": "2"})))


def mounted() -> list[dict[str, Any]]:
    """Connections, and volumes of the spec of every kind."""
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "fast", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        {"name": "host", "hostPath": {"path": "/srv/x"}},
        {"name": "named", "persistentVolumeClaim": {"claimName": "cache", "readOnly": True}},
    ]
    mounts = [{"name": one["name"], "mountPath": f"/{one['name']}"} for one in volumes]
    mounts[2]["readOnly"] = True
    pod = {"volumes": volumes, "connections": ["disk", "data"], "container": {"volumeMounts": mounts}}
    rules = EngineRules(frozenset({EngineAllow.HOST_PATH, EngineAllow.VOLUMES}))
    return bodies(order(PROGRAM, pod=pod), replace(SETTINGS, rules=rules, connections=CONNECTIONS))


def allowed() -> list[dict[str, Any]]:
    """What a security context asks for, where the configuration allows it."""
    context = {
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "readOnlyRootFilesystem": True,
        "capabilities": {"add": ["NET_ADMIN", "CAP_SYS_PTRACE"]},
    }
    rules = EngineRules(frozenset(EngineAllow))
    return bodies(order(PROGRAM, pod={"container": {"securityContext": context}}), replace(SETTINGS, rules=rules))


def configured() -> list[dict[str, Any]]:
    """Everything that the configuration says of every container."""
    said = replace(
        SETTINGS,
        network="ml",
        user_namespace="keep-id",
        security_options=("label=disable",),
        ulimits={"nofile": (1024, 4096)},
        init=False,
        env={"HTTP_PROXY": "http://proxy:3128", "A": "below the spec"},
        log_cap=8 << 20,
    )
    return bodies(order(PROGRAM), said)


def replicas() -> list[dict[str, Any]]:
    return bodies(order(PROGRAM, count=2, lifetime=Lifetime.ALWAYS))


CASES: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        job, image_decides, service, service_of_the_machine, limits, gpus_that_nobody_counts, mounted, allowed,
        configured, replicas,
    )
}  # fmt: skip


def golden(name: str) -> str:
    """The golden file of a case."""
    return json.dumps(CASES[name](), indent=1, sort_keys=True) + "\n"
