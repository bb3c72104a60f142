"""Groups of processes: what all distributed kinds lower in the same way (reference, sections 11.4 to 11.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from planner.compile.code import MAX_PARTS, Said, code_of, said_of
from planner.compile.container import lower_container
from planner.compile.ground import Ground, left_to_trials, whole
from planner.compile.pod import group_path, options_of, pod_of
from planner.model.gang import CodeTree, Gang, Lifetime, Replica
from planner.spec.replicas import Replica as Written
from planner.spec.run import Run

__all__ = ["gang_of", "one_of"]

Groups = Mapping[str, Written | None]
"""Groups by role, in order of start; None for one that is not there."""


def one_of(run: Run, roles: Iterable[str], groups: Groups, ground: Ground) -> str | None:
    """The first of some roles that there is a group of; None with a problem where there is none of them."""
    wanted = list(roles)
    found = next((role for role in wanted if groups.get(role) is not None), None)
    if found is None:
        named = " or ".join(f"`{role}`" for role in wanted)
        ground.report.add(ground.origin.problem("PL-202", f"a run of kind `{run.kind}` needs {named}", f"add {named}"))
    return found


def gang_of(run: Run, groups: Groups, decider: str | None, ground: Ground) -> Gang | None:
    """A gang of groups, its texts as written; None with problems.

    Args:
        run: the run.
        groups: by role, in order of start.
        decider: the role that decides; None where there was a problem.
        ground: where the run is written, and what may be looked at.
    """
    written = {role: group for role, group in groups.items() if group is not None}
    lowered = {role: _replica(run, role, group, ground) for role, group in written.items()}
    code = _code(run, written, ground)
    found = tuple(replica for replica in lowered.values() if replica is not None)
    if decider is None or len(found) < len(written):
        return None
    names = frozenset(groups) | {"workers"}
    own = frozenset(name for name in type(run).model_fields if name in names)
    return Gang(
        replicas=found,
        decider=decider,
        lifetime=Lifetime.ONCE,
        code=code,
        options=options_of(run, own),
    )


def _at(run: Run, role: str, ground: Ground) -> Ground:
    return replace(ground, origin=ground.origin.at(*group_path(run, role)))


def _code(run: Run, groups: Mapping[str, Written], ground: Ground) -> tuple[CodeTree, ...]:
    """The code of all groups; groups often say the same, and many groups must not cost many times as much."""
    found: dict[CodeTree, None] = {}
    told: set[tuple[Said, ...]] = set()
    for role, group in groups.items():
        said = tuple(said_of(entry) for entry in group.init or () if entry.is_code)
        if said and said not in told and len(found) <= MAX_PARTS:
            told.add(said)
            found |= dict.fromkeys(code_of(group.init or (), _at(run, role, ground)))
    if len(found) > MAX_PARTS:
        message = f"the code of this run has more than {MAX_PARTS:,} parts"
        ground.report.add(ground.origin.problem("PL-204", message, "name folders in `paths`"))
    return tuple(found)


def _replica(run: Run, role: str, said: Written, ground: Ground) -> Replica | None:
    here = _at(run, role, ground)
    count = whole(said.replicas, 0, here.origin.at("replicas"), (ground.scope, ground.report))
    container = lower_container(said.container, f"the `{role}` of a {run.kind}", here)
    if container is None:
        return None
    pod = pod_of(said, alone=False)
    if left_to_trials(said.replicas, ground.scope, ground.report) is not None:
        pod["replicas"] = said.replicas
    return Replica(role, 1 if count is None else count, container, pod)
