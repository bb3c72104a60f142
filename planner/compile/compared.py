"""What the result of a run depends on for the cache, where its operation says so (reference, section 10.1).

Without `io` and `sections` everything of a run's identity counts, which is its leaf digest; Polyaxon leaves image,
variables and resources out. With `sections` only the parts named count beside inputs and outputs; with `io` only the
inputs and outputs named, so texts are compared with templates in the place of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner import canon
from planner.canon import Json
from planner.compile.bindings import Bindings
from planner.compile.classed import said
from planner.compile.digests import values_of
from planner.compile.gang_digest import gang_halves
from planner.compile.started import Inputs
from planner.compile.template import Scope, bind
from planner.compile.template.symbols import Partial
from planner.compile.texts import gather, is_final, spread
from planner.model.desired import Leaf
from planner.model.gang import Gang

__all__ = ["compared", "work_of"]

_CONTAINERS = ("image", "command", "args", "env", "workingDir")
_SECTIONS = ("containers", "connections", "init")


def compared(gang: Gang, cache: Json, bindings: Bindings, scope: Scope) -> Gang | None:
    """The gang with those inputs left as templates that `cache.io` leaves out; None where there are none.

    Args:
        gang: texts as written.
        cache: the section, bound.
        bindings: inputs of the operation.
        scope: what its templates see.
    """
    names = _io(cache)
    if names is None or is_final(gang):
        return None
    left_out = frozenset(item.name for item in bindings.inputs) - names
    if not left_out:
        return None
    counted = replace(
        bindings,
        values={name: value for name, value in bindings.values.items() if name in names},
        unknown=bindings.unknown | left_out,
    )
    globals_ = scope["globals"]
    assert isinstance(globals_, Mapping)
    return gather(gang, bind(spread(gang), {**scope, **counted.scope(globals_)}))


def work_of(kind: str, leaf: Leaf, commit: str, cache: Json, started: tuple[Inputs, Mapping[str, Partial]]) -> str:
    """The digest of what a result depends on; "" where that is the leaf digest.

    Args:
        kind: of the run.
        leaf: as for `leaf_digest`: exact, but for `compared`.
        commit: as for `leaf_digest`.
        cache: the section of its operation.
        started: its inputs, and what `globals` holds for the digest.
    """
    names, sections = _io(cache), _names(cache, "sections")
    if names is None and sections is None:
        return ""
    gang = _with_values(leaf, names, *started) if leaf.compared is not None else leaf.gang
    identity = gang_halves(kind, gang)[0]
    parts = identity if sections is None else _parts(identity, sections)
    return canon.digest({"kind": kind, "parts": parts, **values_of(leaf, names), **said(commit=commit)})


def _with_values(leaf: Leaf, names: frozenset[str] | None, inputs: Inputs, known: Mapping[str, Partial]) -> Gang:
    assert leaf.compared is not None
    assert names is not None
    left_out = {name: "" for name in inputs.values if name not in names}
    values = {name: value for name, value in inputs.values.items() if name in names}
    scope = Inputs(inputs.inputs, values, {**inputs.templates, **left_out}).scope(known)
    return gather(leaf.compared, bind(spread(leaf.compared), scope))


def _parts(identity: Mapping[str, Json], sections: frozenset[str]) -> dict[str, Json]:
    """Parts of an identity by section, for each group of a gang."""
    groups = identity.get("groups")
    found: dict[str, Json] = {"main": _of_group(identity.get("container"), identity.get("pod"), sections)}
    for role, group in groups.items() if isinstance(groups, Mapping) else ():
        found[role] = _of_group(group, group.get("pod") if isinstance(group, Mapping) else None, sections)
    if "init" in sections:
        found["code"] = identity.get("code")
    return found


def _of_group(container: Json, pod: Json, sections: frozenset[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if "containers" in sections and isinstance(container, Mapping):
        found |= {name: container[name] for name in _CONTAINERS if name in container}
    if isinstance(pod, Mapping):
        found |= {name: pod[name] for name in _SECTIONS if name in sections and name in pod}
    return found


def _io(cache: Json) -> frozenset[str] | None:
    return _names(cache, "io")


def _names(cache: Json, field: str) -> frozenset[str] | None:
    named = cache.get(field) if isinstance(cache, Mapping) else None
    return frozenset(map(str, named)) if isinstance(named, list | tuple) else None
