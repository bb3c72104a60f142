"""Makes docs/backends.md: what runs where and what does not, by field of the language.

Of a cluster it is the table that render goes by, of one machine the tables that compile refuses by. A test holds them
against what really becomes of each field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.compile import engined
from planner.compile.refusal import HANDLERS, REFUSED
from reconciler.backends.kubernetes.render.fields import FIELDS, Field, Use

TITLES: Mapping[str, str] = {
    "run": "A run",
    "container": "`container`",
    "environment": "`environment`",
    "init": "An entry of `init`",
    "termination": "`termination`",
    "plugins": "`plugins`",
}
LOCAL: Mapping[str, str] = {
    "container.image": "the name of an environment of the configuration",
    "container.command": "used, and needed",
    "container.args": "used",
    "container.env": "values; what Kubernetes looks up is refused",
    "container.workingDir": "used",
    "container.resources": "counted by queues and `slots`; nothing is limited",
    "container.readinessProbe": "of services: at one of their `ports`, or a command; others are refused",
    "container.ports": "of a service that has no `ports` of its own",
    "run.init": "see below",
    "run.ports": "each leases a port of the machine",
    "run.replicas": "processes; one where there are ports",
    "run.isExternal": "not used: nothing of ours stands in front of a service",
    "run.rewritePath": "not used: a service answers at its root",
    "init.git": "from the mirror, or a clone",
    "init.connection": "of the kind git",
    "init.path": "below the working folder",
    "termination.maxRetries": "attempts, made by the daemon",
    "termination.ttl": "working folders stay so long",
    "termination.timeout": "kept by the supervisor",
    "termination.culling": "by the daemon",
    "termination.probe": "asked by the supervisor, by plain HTTP or a command",
    "termination.podFailurePolicy": "not used: there is no pod",
    "plugins.autoResume": "not used: `plumbline retry --resume` says it",
    "plugins.notifications": "by the daemon",
    **{
        f"plugins.{name}": f"refused: {field.words}"
        for name, field in FIELDS["plugins"].items()
        if field.use is Use.REFUSED
    },
}
"""What becomes of a field on one machine where no table says it."""
ENGINE: Mapping[str, str] = {
    "container.image": "used, and needed",
    "container.command": "the entrypoint",
    "container.args": "the command",
    "container.workingDir": "below the working folder, unless it is absolute",
    "container.resources": "limits of `cpu` and `memory`; GPUs with Docker; counted by queues and `slots`",
    "container.volumeMounts": "used, but for parts of volumes (`subPath`)",
    "container.securityContext": "`readOnlyRootFilesystem`; `privileged`, `allowPrivilegeEscalation` and "
    "`capabilities` where they are allowed; others are refused",
    "container.imagePullPolicy": "that of the configuration where it is not said",
    "run.connections": "volumes and variables; one with a secret or config map is refused",
    "run.volumes": "`emptyDir`; `hostPath` and `persistentVolumeClaim`, a named volume, where they are allowed; others "
    "are refused",
    "run.ports": "each leases a port of the machine, and is published there",
    "run.replicas": "containers; one where there are ports",
    "environment.labels": "labels of its containers; ours win",
    "termination.timeout": "kept by the daemon",
    "termination.probe": "asked by the daemon, by plain HTTP or a command",
}
"""What becomes of a field in a container of the machine's engine, where it is not what becomes of it in a process."""
KINDS = (
    ("`job`, `notifier`, `cleaner`, `tuner`", "a process", "a container", "a Job of one pod"),
    (
        "`service`",
        "a process for each replica",
        "a container for each replica",
        "a Deployment, and a Service where it has ports",
    ),
    ("`dag`", "its operations", "its operations", "its operations"),
    (
        "`tfjob`, `pytorchjob`, `mpijob`, `raycluster`, `rayjob`, `daskcluster`, `daskjob`, `sparkjob`",
        "refused: needs a backend with Kubernetes",
        "refused: needs a backend with Kubernetes",
        "refused: needs the operator of its kind, and none is set up here",
    ),
)
CONNECTIONS = (
    (
        "`volume_claim`",
        "refused",
        "the engine's volume of that name, mounted at its `mountPath`",
        "the claim, mounted at its `mountPath`",
    ),
    (
        "`host_path`",
        "refused",
        "the folder of the machine, mounted at its `mountPath`",
        "the folder of the node, mounted at its `mountPath`",
    ),
    ("`git`", "in `init`", "in `init`", "in `init`, by the agent"),
    ("`s3`, `gcs`, `wasb`, `registry` and all others", "refused", "variables", "variables, secret and config map"),
    (
        "`secret`, `configMap` of any",
        "not used",
        "refused",
        "mounted at `mountPath`, else a variable for each of `items`, else all keys",
    ),
    (
        "`env`, `annotations` of any",
        "not used",
        "variables of the program; not used",
        "variables of the program; annotations of the pod",
    ),
)
_HEAD = """# What runs here and what does not

<!-- made by `make docs` from the tables that compile and render go by: do not edit -->

By field of the language, in [processes](local-backend.md) and [containers](engine.md) of one machine, and
[in a cluster](kubernetes-pods.md). *Copied* is into the pod as it is written, under its own name, as far as the rules
of the configuration allow it. *Refused* is final for the run, with this reason; *not used* changes nothing. By the
agent: only where the configuration has one.
"""


def page() -> str:
    """The page."""
    parts = [_HEAD, _table("Kinds of runs", "Kind", KINDS)]
    for section, fields in FIELDS.items():
        rows = [
            (f"`{name}`", local(section, name), engine(section, name), cluster(field)) for name, field in fields.items()
        ]
        parts.append(_table(TITLES[section], "Field", rows))
    parts.append(_table("Connections", "Kind", CONNECTIONS))
    return "\n".join(parts)


def local(section: str, name: str) -> str:
    """What becomes of a field on one machine."""
    said = LOCAL.get(f"{section}.{name}")
    if said is not None:
        return said
    reason = REFUSED.get(f"{section}.{name}") or (REFUSED.get(name) if section == "run" else None)
    if section == "init":
        reason = HANDLERS.get(name)
        return f"refused: {reason}" if reason else "in the working folder"
    return f"refused: {reason}" if reason else "not used"


def engine(section: str, name: str) -> str:
    """What becomes of a field in a container of the machine's engine."""
    said = ENGINE.get(f"{section}.{name}")
    assert said is not None or f"{section}.{name}" not in engined.USED
    return said or local(section, name)


def cluster(field: Field) -> str:
    """What becomes of a field in a cluster."""
    if field.use is Use.MADE:
        return field.words
    return f"{field.use}: {field.words}" if field.words else str(field.use)


def _table(title: str, head: str, rows: Iterable[tuple[str, str, str, str]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(
        [f"## {title}", "", f"| {head} | Processes | Containers | A cluster |", "|---|---|---|---|", *lines, ""]
    )
