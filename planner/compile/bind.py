"""Binding: from a compiled leaf and what its start knows to a run that a backend can be asked for.

`bind` fills in values of other nodes and the run's own `globals`; `finish_run` adds, right before an attempt is made,
what only the backend knows. The leaf digest is taken between the two kinds of `globals`: it covers the values, and the
text of whatever is a run's own, so equal work has one digest under any key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from planner.canon import Json
from planner.compile import variables
from planner.compile.activity import activity_of
from planner.compile.clustered import cluster_of
from planner.compile.compared import work_of
from planner.compile.digests import leaf_digest
from planner.compile.started import BindError, at_start, restored, sections, stored, told
from planner.compile.template import bind as render
from planner.compile.template.symbols import Partial
from planner.compile.texts import gather, is_final, spread
from planner.fold.changed import changed
from planner.keys import Key
from planner.model.artifacts import Earlier
from planner.model.desired import CompiledOperation, Leaf, RunPolicy
from planner.model.events import OutsideEvent
from planner.model.gang import Gang
from planner.model.run import BoundRun, JoinedRuns

__all__ = ["BindError", "BindRequest", "bind", "finish_run", "globals_of", "inputs_of"]

UNBOUND = "unbound"
"""Section of a bound run's context with inputs that only the backend can complete; `finish_run` takes it out."""


@dataclass(frozen=True, slots=True)
class BindRequest:
    """A leaf that is about to start.

    Attributes:
        operation: compiled; its body is a `Leaf`.
        key: of the run.
        values: for each of the leaf's references, by input, what the other node has; and whatever else a start gives.
        upstream: what the context file says of other nodes.
        identity: instance and project.
        commit: full id of the run's commit.
        opened_at: when the run was recorded.
        because: why it runs.
        event: what started it, if an event did.
        joined: what its joins found; the values are in `values`.
        earlier: whose artifacts it starts with, where it does.
    """

    operation: CompiledOperation
    key: Key
    values: Mapping[str, Json]
    upstream: Mapping[str, Json]
    identity: tuple[str, str]
    commit: str
    opened_at: datetime
    because: str
    event: OutsideEvent | None = None
    joined: tuple[JoinedRuns, ...] = ()
    earlier: Earlier | None = None

    @property
    def joined_names(self) -> frozenset[str]:
        """The inputs whose values joins found."""
        return frozenset(name for found in self.joined for name in found.names)


def bind(request: BindRequest) -> BoundRun:
    """The run that a compiled leaf is with these values.

    Raises:
        BindError: a value does not fit its input, or a template cannot be evaluated with it.
    """
    operation, leaf = request.operation, request.operation.body
    if not isinstance(leaf, Leaf):
        raise BindError(f"{operation.name} is a {operation.kind}, which is no run of its own")
    instance, project = request.identity
    symbols = variables.symbols({}, operation.kind)
    first = at_start(leaf, request.values, request.joined_names).evaluated(symbols)
    gang = leaf.gang if is_final(leaf.gang) else _rendered(leaf.gang, first.scope(symbols))
    exact = changed(leaf, gang=gang, params=first.values, templates=first.templates, references={}, joins=())
    commit = request.commit if operation.policy.run is RunPolicy.ON_COMMIT else ""
    known = globals_of(request, leaf.known)
    partly = {**symbols, **known}
    inputs = first.evaluated(partly)
    context: dict[str, Json] = {
        "schema": "plumbline.context/1",
        "run": {
            "key": str(request.key.run),
            "id": known["uuid"],
            "project": project,
            "instance": instance,
            "commit": request.commit,
            "root": request.key.root,
            "kind": operation.kind,
        },
        "globals": known,
        **sections(inputs),
        "upstream": dict(request.upstream),
    }
    if request.joined:
        context["joins"] = [
            {"query": found.query, "params": list(found.names), "runs": [str(key) for key in found.runs]}
            for found in request.joined
        ]
    if inputs.templates:
        context[UNBOUND] = stored(inputs)
    return BoundRun(
        key=request.key.run,
        kind=operation.kind,
        digest=leaf_digest(operation.kind, exact, commit),
        work=work_of(operation.kind, exact, commit, operation.sections.get("cache"), (first, symbols)),
        gang=gang if is_final(gang) else _rendered(gang, inputs.scope(partly)),
        context=context,
        commit=request.commit,
        timeout=leaf.termination.timeout,
        because=request.because,
        joined=request.joined,
        earlier=request.earlier,
        activity=activity_of(operation),
        **cluster_of(operation),
    )


def inputs_of(request: BindRequest) -> dict[str, Json]:
    """The values of the inputs that a run has, as far as they are known when it is bound.

    Raises:
        BindError: as `bind`.
    """
    leaf = request.operation.body
    assert isinstance(leaf, Leaf)
    known = {**variables.symbols({}, request.operation.kind), **globals_of(request, leaf.known)}
    found = sections(at_start(leaf, request.values).evaluated(known))["inputs"]
    assert isinstance(found, Mapping)
    return dict(found)


def finish_run(run: BoundRun, known: Mapping[str, Json]) -> BoundRun:
    """The run with nothing left to fill in.

    Args:
        run: from `bind`, never from here: finished texts are no templates any more.
        known: `globals` that the backend knows of the attempt, such as `ports` and `run_outputs_path`.

    Raises:
        BindError: it needs a value that the backend does not have, or a template cannot be evaluated.
    """
    given = run.context.get("globals")
    values = {**(given if isinstance(given, Mapping) else {}), **known}
    scope = variables.symbols(values, run.kind)
    left = run.context.get(UNBOUND)
    inputs = restored(left) if isinstance(left, Mapping) else None
    context = {name: value for name, value in run.context.items() if name != UNBOUND}
    context["globals"] = {name: value for name, value in values.items() if name not in variables.NOT_IN_CONTEXT}
    if inputs is not None:
        inputs = inputs.evaluated(scope)
        context.update(sections(inputs))
    if is_final(run.gang):
        return replace(run, context=context)
    bound = render(spread(run.gang), {"globals": scope} if inputs is None else inputs.scope(scope))
    if bound.flaws:
        raise BindError(told(bound.flaws))
    if bound.waiting_on:
        raise BindError(f"{', '.join(sorted(bound.waiting_on))} cannot be known on this backend")
    return replace(run, gang=gather(run.gang, bound, str), context=context)


# Texts


def _rendered(gang: Gang, scope: Mapping[str, Partial]) -> Gang:
    """The gang with every text rendered whose variables are known."""
    bound = render(spread(gang), scope)
    if bound.flaws:
        raise BindError(told(bound.flaws))
    return gather(gang, bound)


def globals_of(request: BindRequest, known: Mapping[str, Json]) -> dict[str, Json]:
    """What `globals` holds from the start of a run on.

    Args:
        request: of the run.
        known: what its texts read of the project.
    """
    key, (instance, project) = request.key.run, request.identity
    ident, opened, earlier = key.short_id(instance, project), _instant(request.opened_at), request.earlier
    of_project = variables.compiled(instance, project, "")
    del of_project["namespace"]
    return {
        **of_project,
        **known,
        "name": request.operation.name,
        "uuid": ident,
        "run_info": f"{instance}.{project}.runs.{ident}",
        "commit": request.commit,
        "created_at": opened,
        "compiled_at": opened,
        "schedule_at": _instant(key.tick) if key.tick else None,
        "event": _event(request.event),
        "iteration": None,
        "username": "",
        "user_email": "",
        "cloning_kind": None if earlier is None else "copy" if earlier.copy else "resume",
        "original_uuid": None if earlier is None else earlier.run.short_id(instance, project),
        "is_independent": not key.place,
    }


def _event(event: OutsideEvent | None) -> Json:
    """What `globals.event` holds; null for a run that no event started."""
    if event is None:
        return None
    return {
        "id": event.ident,
        "kind": event.kind,
        "ref": event.ref,
        "at": _instant(event.at),
        "by": event.by,
        "data": dict(event.data),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
