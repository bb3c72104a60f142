"""What must be known before a run starts and is another for each trial of a sweep: amounts, a time limit, a queue.

Compile leaves them as templates over what the sweep gives; here they are evaluated with what one trial is given. What a
trial cannot have its own of refuses the sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile import variables
from planner.compile.started import BindError, Inputs, told
from planner.compile.template import Scope, bind, is_template
from planner.model.desired import CompiledOperation, Dag, Leaf, Termination
from planner.model.gang import Gang, Replica
from planner.spec.queues import amount

__all__ = ["differs", "undone", "with_values"]


def differs(trial: CompiledOperation) -> bool:
    """Whether something of the trial must be evaluated with what it is given before anything is decided of it."""
    return isinstance(trial.body, Leaf) and bool(_left(trial) or any(_waiting(trial.body.gang)))


def with_values(trial: CompiledOperation, params: Mapping[str, Json]) -> CompiledOperation:
    """The trial with its own amounts, time limit, retries and queue.

    Args:
        trial: its body is a `Leaf`.
        params: what the sweep gives.

    Raises:
        BindError: a value is none that can stand there.
    """
    leaf = trial.body
    assert isinstance(leaf, Leaf)
    inputs = Inputs(leaf.inputs, {**leaf.params, **params}, leaf.templates)
    scope = inputs.scope_before(variables.symbols(dict(leaf.known), trial.kind))
    left = _left(trial)
    ends = Termination(
        max_retries=_whole("maxRetries", left, 0, scope, leaf.termination.max_retries) or 0,
        timeout=_whole("timeout", left, 1, scope, leaf.termination.timeout),
    )
    queue = _value(left["queue"], scope) if "queue" in left else leaf.queue
    groups = tuple(_granted(group, scope) for group in leaf.gang.replicas)
    body = replace(leaf, gang=replace(leaf.gang, replicas=groups), termination=ends, queue=str(queue))
    return replace(trial, body=body)


def undone(trial: CompiledOperation) -> str:
    """Why what differs from trial to trial cannot be done, or ""."""
    return next(_undone(trial), "")


def _undone(trial: CompiledOperation) -> Iterator[str]:
    if isinstance(trial.body, Leaf):
        left = trial.sections.get("component")
        whole = isinstance(trial.sections.get("termination"), str)
        if whole or (isinstance(left, Mapping) and set(left) != {"queue"}):
            yield "what differs from trial to trial must be written field by field (`termination`)"
        if any("replicas" in group.pod for group in trial.body.gang.replicas):
            yield "all trials of a sweep have the same number of replicas"
        return
    if _left(trial) or "component" in trial.sections:
        yield "all trials of a sweep over a DAG have the same limits, queue and environment"
    if isinstance(trial.body, Dag) and trial.body.early_stopping:
        yield "a DAG inside a sweep is not stopped early: give `earlyStopping` to the matrix"
    for node in trial.body.nodes if isinstance(trial.body, Dag) else ():
        if differs(node.operation):
            yield f"the limits of {node.operation.name} are the same in all trials of a sweep over a DAG"


def _left(trial: CompiledOperation) -> dict[str, Json]:
    """Templates of fields that no leaf holds, by YAML name."""
    termination, component = trial.sections.get("termination"), trial.sections.get("component")
    found = dict(termination) if isinstance(termination, Mapping) else {}
    queue = component.get("queue") if isinstance(component, Mapping) else None
    kept: dict[str, Json] = {name: one for name, one in found.items() if isinstance(one, str) and is_template(one)}
    return kept if queue is None else {**kept, "queue": queue}


def _waiting(gang: Gang) -> Iterator[str]:
    for group in gang.replicas:
        for amounts in (group.container.resources, group.container.limits):
            yield from (one for one in amounts.values() if is_template(one))


def _granted(group: Replica, scope: Scope) -> Replica:
    box = group.container
    resources, limits = (
        {name: _amount(name, written, scope) for name, written in amounts.items()}
        for amounts in (box.resources, box.limits)
    )
    return replace(group, container=replace(box, resources=resources, limits=limits))


def _amount(name: str, written: str, scope: Scope) -> str:
    if not is_template(written):
        return written
    found = str(_value(written, scope))
    if amount(found) is None:
        raise BindError(f"the amount of {name} is {found!r}, which is none: write a number, or 500m, 2Gi")
    return found


def _whole(name: str, left: Mapping[str, Json], lowest: int, scope: Scope, known: float | None) -> int | None:
    """A whole number of `termination`; what was known before where nothing is left."""
    if name not in left:
        return int(known) if known is not None else None
    found = _value(left[name], scope)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < lowest:
        raise BindError(f"termination.{name} is {found!r}, and a whole number from {lowest} on is wanted")
    return found


def _value(written: Json, scope: Scope) -> Json:
    bound = bind(written, scope)
    if bound.flaws:
        raise BindError(told(bound.flaws))
    if bound.waiting_on:
        raise BindError(f"{', '.join(sorted(bound.waiting_on))} is not known before a trial starts")
    return bound.value
