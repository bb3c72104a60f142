"""Which field of a compiled operation counts for what (design: "Digests are a contract").

The root digest is over identity fields, `live` over live fields, the form digest over everything. The projections here
are a contract as much as the algorithm: what they give for a spec never changes, so a field that they do not know yet
is added in such a way that its absence leaves the projection as it was. tests/golden/digests holds examples.
`planner.spec.fields` has the class of every field as it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields

from planner import canon
from planner.canon import Json
from planner.compile.classed import Halves, halves, said
from planner.compile.gang_digest import gang_halves, gang_identity
from planner.model.desired import CompiledOperation, Dag, Input, Leaf, Node, RunPolicy, Sweep
from planner.spec.operation import Operation

__all__ = ["identity_of", "is_sealed", "leaf_digest", "sealed", "values_of"]

Fields = dict[str, Json]

_FIELDS = tuple(field.name for field in fields(CompiledOperation))


def sealed(operation: CompiledOperation, params: Mapping[str, Json], commit: str) -> CompiledOperation:
    """A root with its digests and fields.

    Args:
        operation: compiled, without digests.
        params: what the operation gives to its own component, where that is a DAG; a leaf has its own.
        commit: joins the digest under the run policy `on-commit`.
    """
    identity, live = _halves(operation)
    live |= _of_root(operation)
    if operation.build is not None:
        identity["builds"], builds = _halves(operation.build)
        live |= said(builds=builds)
    if isinstance(_swept(operation).body, Dag) and params:
        identity["params"] = dict(params)
    if operation.policy.run is RunPolicy.ON_COMMIT:
        identity["commit"] = commit
    found = {name: getattr(operation, name) for name in _FIELDS}
    found |= {"digest": canon.digest(identity), "live": canon.digest(live)}
    return CompiledOperation(**{**found, "fields": {"identity": identity, "live": live}, "form": _form(found)})


def identity_of(operation: CompiledOperation) -> Mapping[str, Json]:
    """The identity fields of an operation, without what only a root has."""
    return _halves(operation)[0]


def _swept(operation: CompiledOperation) -> CompiledOperation:
    """What each trial of a sweep is; any other operation itself."""
    return operation.body.trial if isinstance(operation.body, Sweep) else operation


def is_sealed(operation: CompiledOperation) -> bool:
    """Whether a root has the digests that `sealed` gives: one from outside may be anything."""
    said = operation.fields
    return (
        operation.form == _form({name: getattr(operation, name) for name in _FIELDS})
        and operation.digest == canon.digest(said.get("identity"))
        and operation.live == canon.digest(said.get("live"))
    )


def _form(found: Mapping[str, object]) -> str:
    """Over all but the fields, which the other two digests stand for."""
    return canon.digest({**found, "form": "", "fields": {}})


def leaf_digest(kind: str, leaf: Leaf, commit: str) -> str:
    """The digest of a bound leaf: names its results.

    Args:
        kind: of the run.
        leaf: with all values that its references had, and its texts rendered as far as these decide; what a run
            alone has stays template text, so equal work has equal digests whatever its key.
        commit: joins it under the run policy `on-commit`, else "".
    """
    identity = {**gang_identity(kind, leaf.gang), **values_of(leaf)}
    return canon.digest({"kind": kind, **identity, **said(commit=commit)})


def values_of(leaf: Leaf, names: Collection[str] | None = None) -> Fields:
    """What a bound leaf was given and gives, as its digest has it; of `names` only, or of all."""
    found = _of_leaf(leaf)
    for name in ("inputs", "references"):
        found.pop(name, None)
    for name in ("params", "templates", "outputs") if names is not None else ():
        kept = {key: value for key, value in _fields(found.get(name) or {}).items() if key in (names or ())}
        found.pop(name, None)
        found |= said(**{name: kept})
    return found


def _halves(operation: CompiledOperation) -> Halves:
    """Identity and live fields of an operation, those of a root alone left out.

    The name is no part of identity: a rename with an equal digest carries everything (design: "A changed root").
    """
    identity, live = halves(Operation, operation.sections) if operation.sections else ({}, {})
    # What a sweep chooses is in its section `matrix`; what it runs counts as if it ran once.
    kind, body = _swept(operation).kind, _swept(operation).body
    assert not isinstance(body, Sweep)
    one, two = _leaf(kind, body) if isinstance(body, Leaf) else _dag(body)
    for name in two.keys() & live.keys():  # what both have a part of: `termination`
        two[name] = {**_fields(live[name]), **_fields(two[name])}
    tuner, tuned = _tuner(operation)
    return {"kind": kind, **one, **identity, **_asked(operation), **tuner}, {**live, **two, **tuned}


def _tuner(operation: CompiledOperation) -> Halves:
    """What makes the suggestions of a sweep, as it was found: its own section only names it."""
    body = operation.body
    if not isinstance(body, Sweep) or body.tuner is None:
        return {}, {}
    identity, live = _halves(body.tuner)
    return said(tuner=identity), said(tuner=live)


def _asked(operation: CompiledOperation) -> Fields:
    """What the condition of a DAG reads; a leaf has that itself."""
    condition = operation.condition
    if condition is None or isinstance(_swept(operation).body, Leaf):
        return {}
    references = {name: str(reference) for name, reference in condition.references.items()}
    read = said(params=dict(condition.params), templates=dict(condition.templates), references=references)
    return said(conditionInputs=read)


def _fields(value: Json) -> Fields:
    assert isinstance(value, Mapping)
    return dict(value)


# Dags


def _dag(body: Dag) -> Halves:
    nodes: Fields = {}
    applied: Fields = {}
    for node in body.nodes:
        name = node.operation.name
        identity, live = _halves(node.operation)
        nodes[name] = {**identity, **_edges(node)}
        applied |= {name: live} if live else {}
    own = said(concurrency=body.concurrency, earlyStopping=list(body.early_stopping))
    return {"operations": nodes}, {**own, **said(operations=applied)}


def _edges(node: Node) -> Fields:
    return said(
        dependencies=sorted(node.upstream),
        trigger="" if node.trigger == "all_succeeded" else node.trigger,
        skipOnUpstreamSkip=node.skip_on_upstream_skip,
    )


# Leaves


def _leaf(kind: str, leaf: Leaf) -> Halves:
    identity, live = gang_halves(kind, leaf.gang)
    ends = leaf.termination
    termination = said(maxRetries=ends.max_retries or None, timeout=ends.timeout)
    return {**identity, **_of_leaf(leaf)}, {**said(termination=termination, queue=leaf.queue), **live}


def _of_leaf(leaf: Leaf) -> Fields:
    return said(
        inputs={item.name: _input(item) for item in leaf.inputs if item.role == "input"},
        params=dict(leaf.params),
        templates=dict(leaf.templates),
        globals=dict(leaf.known),
        references={name: str(reference) for name, reference in leaf.references.items()},
        outputs={output.name: output.type or "any" for output in leaf.outputs},
    )


def _input(item: Input) -> Fields:
    kind = item.type or "any"
    return said(
        type=f"List[{kind}]" if item.is_list else kind,
        isFlag=item.is_flag,
        argFormat=item.arg_format,
        connection=item.connection,
    )


# What only a root has


def _of_root(operation: CompiledOperation) -> Fields:
    policy = operation.policy
    found: Fields = {
        "policy": {
            "runPolicy": str(policy.run),
            "onChange": str(policy.on_change),
            "selfHeal": policy.self_heal,
            "progressDeadline": canon.plain(policy.progress_deadline),
            "prune": policy.prune,
        }
    }
    if policy.retention is not None:
        found["policy"] = {**_fields(found["policy"]), "retention": canon.plain(policy.retention)}
    if operation.schedule is not None:
        schedule = _fields(canon.plain(operation.schedule))
        kind = type(operation.schedule).__name__.removesuffix("Schedule").lower()
        found["schedule"] = {"kind": kind, **said(**{_camel(name): value for name, value in schedule.items()})}
    return found


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))
