"""Which part of a gang counts for what: its projections in the digests of an operation (`planner.compile.digests`).

They are a contract: what is not said stays out, so that a gang that says nothing of a new field has the projection that
it had before there was one. Plain data is split by the classes of the sections that it came from.
"""

from __future__ import annotations

import functools
from typing import get_args

from planner.canon import Json
from planner.compile.classed import part_of
from planner.model.gang import Container, Gang, Probe, Replica
from planner.spec.replicas_cluster import RayReplica
from planner.spec.run import LeafRun
from planner.spec.shape import FieldClass, Section

__all__ = ["gang_identity", "gang_live"]

Fields = dict[str, Json]


def _said(**fields: Json) -> Fields:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value not in (None, False, "", (), [], {})}


# Identity


def gang_identity(kind: str, gang: Gang) -> Fields:
    """What makes a new generation. A gang of one group has its container at the top, others by role.

    Args:
        kind: of the run.
        gang: what it was lowered to.
    """
    groups = {group.role: group for group in gang.replicas}
    main = groups.pop("main", None)
    return _said(
        container=_container(main.container) if main else {},
        replicas=main.count if main and main.count != 1 else 0,
        pod=_pod(main, FieldClass.IDENTITY) if main else {},
        groups={role: _group(one) for role, one in groups.items()},
        decider="" if gang.decider == "main" else gang.decider,
        ports=list(gang.ports),
        probe=_probe(gang.probe) if gang.probe else {},
        code=_code(gang),
        isExternal=gang.external,
        rewritePath=gang.rewrite_path,
        options=_options(kind, gang, FieldClass.IDENTITY),
    )


def _group(group: Replica) -> Fields:
    found: Fields = {"replicas": group.count, **_container(group.container)}
    return {**found, **_said(pod=_pod(group, FieldClass.IDENTITY))}


def _container(container: Container) -> Fields:
    return _said(
        image=container.image,
        command=list(container.command),
        args=list(container.args),
        env=dict(container.env),
        workingDir=container.working_dir,
        resources=dict(container.resources),
    )


def _probe(probe: Probe) -> Fields:
    return {
        **_said(path=probe.http_path, command=list(probe.command)),
        "port": probe.port,
        "period": probe.period,
        "timeout": probe.timeout,
        "failures": probe.failures,
        "delay": probe.delay,
    }


def _code(gang: Gang) -> Fields:
    """Content by where it is put; that of several sources at one place in their order."""
    found: dict[str, list[Json]] = {}
    for tree in gang.code:
        content = tree.object_id + ("+x" if tree.executable else "")
        found.setdefault(tree.target or ".", []).append([content, *tree.exclude] if tree.exclude else content)
    return {target: content[0] if len(content) == 1 else content for target, content in found.items()}


# Live fields


def gang_live(kind: str, gang: Gang) -> Fields:
    """What is applied to what lives.

    Args:
        kind: of the run.
        gang: what it was lowered to.
    """
    groups = {group.role: _pod(group, FieldClass.LIVE) for group in gang.replicas}
    main = groups.pop("main", {})
    return _said(
        labels=dict(gang.labels),
        annotations=dict(gang.annotations),
        limits=_limits(gang),
        update=str(gang.update) if kind == "service" else "",
        pod=main,
        groups=_said(**groups),
        options=_options(kind, gang, FieldClass.LIVE),
    )


def _limits(gang: Gang) -> Fields:
    """Limits that a request stands beside, by role.

    A limit alone is what is asked for, which is identity. These change nothing of what is asked for, and `d1` was given
    out without them.
    """
    found = {
        group.role: {name: amount for name, amount in box.limits.items() if box.resources.get(name) != amount}
        for group in gang.replicas
        for box in (group.container,)
    }
    return _said(**found)


# Plain data


def _pod(group: Replica, wanted: FieldClass) -> Fields:
    """The part of a group's data that is of a class; a group of Ray has every field that a group can have."""
    return part_of(RayReplica, group.pod, wanted) if group.pod else {}


def _options(kind: str, gang: Gang, wanted: FieldClass) -> Fields:
    return part_of(_section(kind), gang.options, wanted) if gang.options else {}


@functools.cache
def _section(kind: str) -> type[Section]:
    sections: tuple[type[Section], ...] = get_args(LeafRun)
    return next(section for section in sections if section.model_fields["kind"].default == kind)
