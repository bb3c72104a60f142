"""What a replica says beyond its container's program: plain data for backends that know it (reference, section 10).

Decides which written fields a gang holds in fields of its own and which go along as data, and where each of them is
written. It must never judge what a backend can do with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.canon import Json
from planner.spec.anatomy import fields
from planner.spec.container import Container, ReadinessProbe
from planner.spec.plain import plain
from planner.spec.replicas import Replica
from planner.spec.replicas_cluster import RayCluster, RayJob, RayReplica
from planner.spec.run import Dag, Run
from planner.spec.shape import Section
from planner.spec.workload import Workload

__all__ = [
    "container_rest",
    "entry_index",
    "group_path",
    "groups_of",
    "looked_up",
    "options_of",
    "pod_of",
    "written_group",
]

_OF_GANG = frozenset({"labels", "annotations"})
_HELD = frozenset(["name", "image", "command", "args", "env", "working_dir", "resources", "readiness_probe"])
_OF_PROBE = frozenset(["http_get", "tcp_socket", "exec", "period_seconds", "timeout_seconds", "failure_threshold"])
_OF_PROBE |= {"initial_delay_seconds"}
_NEVER: frozenset[str] = frozenset()


def _rest(section: Section | None, held: frozenset[str]) -> dict[str, Json]:
    """The fields of a section that were written, without some."""
    if section is None:
        return {}
    written = section.model_fields_set - held
    said = [(spelled, getattr(section, name)) for spelled, name in fields(type(section)).items() if name in written]
    return {spelled: plain(value) for spelled, value in said if value is not None}


def pod_of(said: Workload, *, alone: bool, probed: bool = False) -> dict[str, Json]:
    """What a program says beside its container.

    Args:
        said: a run, or a group of one.
        alone: whether it is all of the run: then labels and annotations are those of the gang, and readiness is the
            gang's probe.
        probed: whether its readiness goes along all the same, as the gang has no probe that says it.
    """
    found = {
        "environment": _rest(said.environment, _OF_GANG if alone else _NEVER),
        "init": [plain(entry) for entry in said.init or () if not entry.is_code],
        "sidecars": plain(said.sidecars or ()),
        "volumes": plain(said.volumes or ()),
        "connections": plain(said.connections or ()),
        "container": container_rest(said.container, alone=alone and not probed),
    }
    if isinstance(said, RayReplica):
        more = {"minReplicas": said.min_replicas, "maxReplicas": said.max_replicas}
        found |= {name: value for name, value in more.items() if value is not None}
        found["rayStartParams"] = plain(said.ray_start_params or {})
    return {name: value for name, value in found.items() if value not in ({}, [])}


def container_rest(said: Container | None, *, alone: bool) -> dict[str, Json]:
    """What a container says that the container of a gang does not hold."""
    if said is None or said.model_fields_set <= {"image", "command", "args", "working_dir"}:
        return {}
    found = _rest(said, _HELD)
    last = {entry.name: entry for entry in said.env or ()}
    looked_up = [plain(entry) for entry in last.values() if entry.value_from is not None]
    if looked_up:
        found["env"] = looked_up
    if said.resources is not None and said.resources.claims is not None:
        found["resources"] = {"claims": plain(said.resources.claims)}
    if said.readiness_probe is not None and not (alone and _is_plain(said.readiness_probe)):
        found["readinessProbe"] = plain(said.readiness_probe)
    return found


def _is_plain(probe: ReadinessProbe) -> bool:
    """Whether the probe of a gang holds all that a probe says."""
    way = probe.http_get or probe.tcp_socket
    inner = set() if way is None else {name for name in way.model_fields_set if getattr(way, name) is not None}
    outer = {name for name in probe.model_fields_set if getattr(probe, name) is not None}
    return inner <= {"path", "port"} and outer <= _OF_PROBE


def looked_up(pod: Mapping[str, Json]) -> frozenset[str]:
    """Names of the variables that Kubernetes finds a text for."""
    container = pod.get("container")
    entries = container.get("env") if isinstance(container, Mapping) else None
    listed = entries if isinstance(entries, list | tuple) else ()
    return frozenset(str(entry["name"]) for entry in listed if isinstance(entry, Mapping))


def options_of(run: Section, groups: frozenset[str]) -> dict[str, Json]:
    """What a distributed run says of all its groups."""
    return _rest(run, groups | {"kind"})


# Where it is written


def group_path(run: Run, role: str) -> tuple[str, ...]:
    """Where the group of a role is written, below `run`."""
    if role == "main":
        return ()
    if isinstance(run, RayCluster | RayJob) and role != "head":
        return ("workers", role)
    return (role,)


def groups_of(run: Run) -> Iterator[tuple[tuple[str, ...], Workload]]:
    """What executes something in a run, the run itself or its groups, with the path below `run` where it is written."""
    if isinstance(run, Workload):
        yield (), run
        return
    for name, field in type(run).model_fields.items():
        value = getattr(run, name)
        if isinstance(value, Workload):
            yield (field.alias or name,), value
    if isinstance(run, RayCluster | RayJob):
        yield from ((("workers", name), group) for name, group in (run.workers or {}).items())


def written_group(run: Run, role: str) -> Workload | None:
    """The group of a role as it is written."""
    if isinstance(run, Workload):
        return run
    if isinstance(run, Dag):
        return None
    if isinstance(run, RayCluster | RayJob) and role != "head":
        return (run.workers or {}).get(role)
    found = getattr(run, role, None)
    return found if isinstance(found, Replica) else None


def entry_index(said: Workload | None, index: int, before: Sequence[Json] = ()) -> int | None:
    """The index of an entry of `init` as it is written; None for one that an input brought.

    Args:
        said: the group.
        index: among the entries of its pod.
        before: entries that inputs brought, which come first.
    """
    others = [place for place, entry in enumerate((said.init if said else None) or ()) if not entry.is_code]
    found = index - len(before)
    return others[found] if 0 <= found < len(others) else None
