"""Which part of a gang counts for what: its projections in the digests of an operation (`planner.compile.digests`).

They are a contract: what is not said stays out, so that a gang that says nothing of a new field has the projection that
it had before there was one. Plain data is split by the classes of the sections that it came from.
"""

from __future__ import annotations

import functools
from typing import get_args

from planner.canon import Json
from planner.compile.classed import Halves, halves, said
from planner.model.gang import Container, Gang, Probe, Replica
from planner.spec.replicas_cluster import RayReplica
from planner.spec.run import LeafRun
from planner.spec.shape import Section

__all__ = ["gang_halves", "gang_identity"]

Fields = dict[str, Json]

_EMPTY: Halves = ({}, {})


def gang_halves(kind: str, gang: Gang) -> Halves:
    """Identity, which makes a new generation, and what is applied to what lives.

    A gang of one group has its container at the top, others by role.

    Args:
        kind: of the run.
        gang: what it was lowered to.
    """
    pods = {group.role: _pod(group) for group in gang.replicas}
    options = halves(_section(kind), gang.options) if gang.options else _EMPTY
    identity = _identity(gang, {role: one for role, (one, _) in pods.items()}, options[0])
    live = _live(kind, gang, {role: two for role, (_, two) in pods.items()}, options[1])
    return identity, live


def gang_identity(kind: str, gang: Gang) -> Fields:
    """The first of `gang_halves`, for who needs it alone."""
    pods = {group.role: _pod(group)[0] for group in gang.replicas}
    return _identity(gang, pods, halves(_section(kind), gang.options)[0] if gang.options else {})


def _pod(group: Replica) -> Halves:
    """The halves of a group's data; a group of Ray has every field that a group can have."""
    return halves(RayReplica, group.pod) if group.pod else _EMPTY


@functools.cache
def _section(kind: str) -> type[Section]:
    sections: tuple[type[Section], ...] = get_args(LeafRun)
    return next(section for section in sections if section.model_fields["kind"].default == kind)


# Identity


def _identity(gang: Gang, pods: dict[str, Fields], options: Fields) -> Fields:
    groups = {group.role: group for group in gang.replicas}
    main = groups.pop("main", None)
    return said(
        container=_container(main.container) if main else {},
        replicas=main.count if main and main.count != 1 else 0,
        pod=pods["main"] if main else {},
        groups={role: _group(one, pods[role]) for role, one in groups.items()},
        decider="" if gang.decider == "main" else gang.decider,
        ports=list(gang.ports),
        probe=_probe(gang.probe) if gang.probe else {},
        code=_code(gang),
        isExternal=gang.external,
        rewritePath=gang.rewrite_path,
        options=options,
    )


def _group(group: Replica, pod: Fields) -> Fields:
    return {"replicas": group.count, **_container(group.container), **said(pod=pod)}


def _container(container: Container) -> Fields:
    return said(
        image=container.image,
        command=list(container.command),
        args=list(container.args),
        env=dict(container.env),
        workingDir=container.working_dir,
        resources=dict(container.resources),
    )


def _probe(probe: Probe) -> Fields:
    return {
        **said(path=probe.http_path, command=list(probe.command)),
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


def _live(kind: str, gang: Gang, pods: dict[str, Fields], options: Fields) -> Fields:
    groups: Fields = {role: pod for role, pod in pods.items() if role != "main"}
    return said(
        labels=dict(gang.labels),
        annotations=dict(gang.annotations),
        limits=_limits(gang),
        update=str(gang.update) if kind == "service" else "",
        pod=pods.get("main", {}),
        groups=said(**groups),
        options=options,
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
    return said(**found)
