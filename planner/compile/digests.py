"""Which field of a compiled operation counts for what (design: "Digests are a contract").

The root digest is over identity fields, `live` over live fields, the form digest over everything. The projections here
are a contract as much as the algorithm: what they give for a spec never changes, so a field that they do not know yet
is added in such a way that its absence leaves the projection as it was. tests/golden/digests holds examples.
`planner.spec.fields` has the class of every field as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from planner import canon
from planner.canon import Json, shared
from planner.compile.classed import part_of
from planner.compile.gang_digest import gang_identity, gang_live
from planner.model.desired import CompiledOperation, Dag, Input, Leaf, RunPolicy
from planner.spec.operation import Operation
from planner.spec.places import pointer
from planner.spec.shape import FieldClass

__all__ = ["leaf_digest", "sealed"]

Fields = dict[str, Json]

_FIELDS = tuple(field.name for field in fields(CompiledOperation))


def sealed(operation: CompiledOperation, params: Mapping[str, Json], commit: str) -> CompiledOperation:
    """A root with its digests and fields.

    Args:
        operation: compiled, without digests.
        params: what the operation gives to its own component, where that is a DAG; a leaf has its own.
        commit: joins the digest under the run policy `on-commit`.
    """
    identity = _identity(operation)
    if isinstance(operation.body, Dag) and params:
        identity["params"] = dict(params)
    if operation.policy.run is RunPolicy.ON_COMMIT:
        identity["commit"] = commit
    live = _live(operation, root=True)
    flat: Fields = {}
    _flatten(identity, "", flat)
    _flatten(live, "", flat)
    found = {name: getattr(operation, name) for name in _FIELDS}
    found |= {"digest": canon.digest(identity), "live": canon.digest(live), "fields": flat, "form": ""}
    return CompiledOperation(**{**found, "form": canon.digest(found)})


def leaf_digest(kind: str, leaf: Leaf, commit: str) -> str:
    """The digest of a bound leaf: names its results.

    Args:
        kind: of the run.
        leaf: with all values that its references had, and its texts rendered as far as these decide; what a run
            alone has stays template text, so equal work has equal digests whatever its key.
        commit: joins it under the run policy `on-commit`, else "".
    """
    identity = _leaf(kind, leaf)
    for name in ("inputs", "references"):
        identity.pop(name, None)
    return canon.digest({"kind": kind, **identity, **_said(commit=commit)})


def _said(**fields: Json) -> Fields:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value not in (None, False, "", (), [], {})}


def _identity(operation: CompiledOperation) -> Fields:
    """The name is no part of it: a rename with an equal digest carries everything (design: "A changed root")."""
    body = operation.body
    written = part_of(Operation, operation.sections, FieldClass.IDENTITY) if operation.sections else {}
    if isinstance(body, Leaf):
        return {"kind": operation.kind, **_leaf(operation.kind, body), **written}
    nodes: Fields = {}
    for node in body.nodes:
        rest = _said(
            dependencies=sorted(node.upstream),
            trigger="" if node.trigger == "all_succeeded" else node.trigger,
            skipOnUpstreamSkip=node.skip_on_upstream_skip,
        )
        nodes[node.operation.name] = {**_identity(node.operation), **rest}
    return {"kind": operation.kind, "operations": nodes, **written}


def _leaf(kind: str, leaf: Leaf) -> Fields:
    return {
        **gang_identity(kind, leaf.gang),
        **_said(
            inputs={item.name: _input(item) for item in leaf.inputs if item.role == "input"},
            params=dict(leaf.params),
            templates=dict(leaf.templates),
            globals=dict(leaf.known),
            references={name: str(reference) for name, reference in leaf.references.items()},
            outputs={output.name: output.type or "any" for output in leaf.outputs},
        ),
    }


def _input(item: Input) -> Fields:
    kind = item.type or "any"
    return _said(
        type=f"List[{kind}]" if item.is_list else kind,
        isFlag=item.is_flag,
        argFormat=item.arg_format,
        connection=item.connection,
    )


# Live fields


def _fields(value: Json) -> Fields:
    assert isinstance(value, Mapping)
    return dict(value)


def _live(operation: CompiledOperation, *, root: bool) -> Fields:
    body = operation.body
    found: Fields = {}
    if root:
        policy = operation.policy
        found["policy"] = {
            "runPolicy": str(policy.run),
            "onChange": str(policy.on_change),
            "selfHeal": policy.self_heal,
            "progressDeadline": policy.progress_deadline,
            "prune": policy.prune,
        }
        if operation.schedule is not None:
            schedule = canon.plain(operation.schedule)
            assert isinstance(schedule, Mapping)
            kind = type(operation.schedule).__name__.removesuffix("Schedule").lower()
            found["schedule"] = {"kind": kind, **_said(**{_camel(name): value for name, value in schedule.items()})}
    if operation.sections:
        found |= part_of(Operation, operation.sections, FieldClass.LIVE)
    if isinstance(body, Leaf):
        leaf = _live_leaf(operation.kind, body)
        for name in leaf.keys() & found.keys():  # what both have a part of: `termination`
            leaf[name] = {**_fields(found[name]), **_fields(leaf[name])}
        return {**found, **leaf}
    children = {node.operation.name: _live(node.operation, root=False) for node in body.nodes}
    said = {name: child for name, child in children.items() if child}
    return {**found, **_said(concurrency=body.concurrency, earlyStopping=list(body.early_stopping), operations=said)}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def _live_leaf(kind: str, leaf: Leaf) -> Fields:
    termination = leaf.termination
    return _said(
        termination=_said(maxRetries=termination.max_retries or None, timeout=termination.timeout),
        queue=leaf.queue,
        **gang_live(kind, leaf.gang),
    )


def _flatten(value: Json, at: str, into: Fields) -> None:
    """Every scalar, and every empty container, by its JSON pointer: most roots have the same ones."""
    if isinstance(value, str) or not value:
        into[at] = value
    elif isinstance(value, dict | Mapping):
        for key, item in value.items():
            below = shared(f"{at}/{key}" if key.isalnum() else at + pointer(key))
            if isinstance(item, str):
                into[below] = item
            else:
                _flatten(item, below, into)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _flatten(item, shared(f"{at}/{index}"), into)
    else:
        into[at] = value
