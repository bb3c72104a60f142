"""One operation: its component found, merged, its inputs bound, its run lowered.

The merge is the plain default of the reference (sections 5 and 12.2): of two fields the operation's holds, then what
the DAG around it hands down, then the component's; tags are joined. Everything that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from planner.canon import Json
from planner.compile import variables
from planner.compile.bindings import Around, Bindings, Handed, Sibling
from planner.compile.container import annotations_of, labels_of
from planner.compile.graph import Vertex
from planner.compile.ground import Ground, known, whole
from planner.compile.inputs import Asked, bind_inputs
from planner.compile.kinds import dag, job, service
from planner.compile.leaf import finished, refusal
from planner.compile.origin import Origin, Report
from planner.compile.policy import RootPolicy
from planner.compile.resolve import Found, component_of
from planner.compile.template import Scope
from planner.compile.timing import CheckSchedule, lower_schedule
from planner.compile.view import View
from planner.model.desired import CompiledOperation, Dag, Leaf, Termination
from planner.model.gang import Gang
from planner.spec import run as spec
from planner.spec.operation import Operation

__all__ = ["MAX_DEPTH", "MAX_OPERATIONS", "Shop", "compile_component", "compile_root"]

MAX_DEPTH = 16
"""DAGs inside one another, over all files."""
MAX_OPERATIONS = 5_000
"""Operations that the documents of one file may come to, what they refer to included."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What the operations of one file are compiled with.

    Attributes:
        view: the tree.
        report: takes problems.
        policy: what holds for the file.
        check: what else can be wrong with a schedule; None to take every one.
    """

    view: View
    report: Report
    policy: RootPolicy
    check: CheckSchedule | None = None

    def globals(self) -> Mapping[str, Json]:
        """What `globals` holds when anything is compiled."""
        config = self.policy.config
        return variables.compiled(config.instance, config.project, self.policy.namespace)


@dataclass(frozen=True, slots=True)
class _Task:
    """An operation, or a component that is looked at by itself."""

    operation: Operation | None
    origin: Origin
    found: Found
    around: Around | None
    shop: Shop

    @property
    def handed(self) -> Handed:
        return self.around.handed if self.around else Handed()


@dataclass(frozen=True, slots=True)
class _Bound:
    """A task with its inputs."""

    task: _Task
    bindings: Bindings
    scope: Scope
    ground: Ground


def compile_root(
    name: str, operation: Operation, origin: Origin, shop: Shop
) -> tuple[CompiledOperation, Mapping[str, Json]] | None:
    """A root without digests, and what it gives to its component; None with problems."""
    errors = shop.report.errors
    if operation.dependencies:
        hint = "put both operations into a DAG"
        shop.report.add(origin.at("dependencies").problem("PL-304", "`dependencies` work inside a DAG only", hint))
    schedule = None
    if operation.schedule is not None:
        schedule = lower_schedule(operation.schedule, origin.at("schedule"), shop.report, shop.check)
    compiled, sibling = _compile(operation, origin, None, shop)
    if compiled is None or shop.report.errors > errors:
        return None
    return replace(compiled, name=name, schedule=schedule), sibling.bindings.values


def compile_component(found: Found, shop: Shop) -> None:
    """Look at a component by itself: it must be right for some params, whatever they are."""
    task = _Task(None, found.origin, found, None, shop)
    _body(_bind(task))


def _child(vertex: Vertex, around: Around, shop: Shop) -> tuple[CompiledOperation | None, Sibling]:
    if vertex.operation.schedule is not None:
        message = "a schedule inside a DAG is not supported yet"
        hint = "give the schedule to the operation around the DAG"
        shop.report.add(vertex.origin.at("schedule").problem("PL-205", message, hint))
    return _compile(vertex.operation, vertex.origin, around, shop)


def _compile(
    operation: Operation, origin: Origin, around: Around | None, shop: Shop
) -> tuple[CompiledOperation | None, Sibling]:
    errors = shop.report.errors
    library = around.components if around else None
    found = component_of(operation, origin, library, (shop.view, shop.report))
    if found is None or not _fits(found, origin, around, shop):
        return None, Sibling(None, Bindings())
    bound = _bind(_Task(operation, origin, found, around, shop))
    sibling = Sibling(found, bound.bindings)
    body, refused = _body(bound)
    if body is None or shop.report.errors > errors:
        return None, sibling
    component = found.component
    compiled = CompiledOperation(
        name=operation.name or "",
        kind=component.run.kind,
        body=body,
        place=origin.place,
        policy=shop.policy.policy,
        description=operation.description or component.description or "",
        tags=tuple(dict.fromkeys((*(component.tags or ()), *(operation.tags or ())))),
        refused=refused,
    )
    return compiled, sibling


def _fits(found: Found, origin: Origin, around: Around | None, shop: Shop) -> bool:
    """Whether the operation may be added: components that hold themselves, and trees of them, end here."""
    report = shop.report
    if around is not None and found.origin in around.chain:
        report.add(origin.problem("PL-303", "the component contains itself", "refer to another component"))
        return False
    if around is not None and len(around.chain) > MAX_DEPTH:
        report.add(origin.problem("PL-104", f"DAGs are nested more than {MAX_DEPTH} deep"))
        return False
    report.operations += 1
    if report.operations == MAX_OPERATIONS + 1:
        report.add(origin.problem("PL-105", f"more than {MAX_OPERATIONS:,} operations come of one file", "split it"))
    return report.operations <= MAX_OPERATIONS


def _bind(task: _Task) -> _Bound:
    shop = task.shop
    globals_ = variables.symbols(shop.globals(), task.found.component.run.kind)
    asked = Asked(task.operation, task.origin, task.found, task.around, globals_)
    bindings = bind_inputs(asked, shop.report)
    scope = bindings.scope(globals_)
    ground = Ground(task.found.origin.at("run"), shop.report, shop.view, scope, shop.policy)
    return _Bound(task, bindings, scope, ground)


def _body(bound: _Bound) -> tuple[Leaf | Dag | None, str]:
    """What runs, and why it cannot run here; None with problems."""
    run, handed = bound.task.found.component.run, bound.task.handed
    match run:
        case spec.Job():
            return _leaf(bound, job.lower(run, bound.ground, handed))
        case spec.Service():
            return _leaf(bound, service.lower(run, bound.ground, handed))
        case spec.Dag():
            return _dag(bound, run)
        case _:
            assert_never(run)


def _leaf(bound: _Bound, gang: Gang | None) -> tuple[Leaf | None, str]:
    merged = _merged(bound)
    if gang is None:
        return None, ""
    leaf = finished(gang, bound.ground, bound.bindings, bound.task.found.component)
    pair = (bound.scope, bound.ground.report)
    retries, timeout, queue = merged
    termination = Termination(whole(*retries, pair) or 0, whole(*timeout, pair))
    leaf = replace(leaf, termination=termination, queue=_queue(bound, *queue) or bound.ground.policy.queue)
    return leaf, refusal(leaf, bound.ground)


_Number = tuple[int | str | None, int, Origin]
_Text = tuple[str | None, Origin]


def _merged(bound: _Bound) -> tuple[_Number, _Number, _Text]:
    """`maxRetries`, `timeout` and `queue` with where they are written: operation, DAG around it, component."""
    task, component = bound.task, bound.task.found.component
    operation, handed = task.operation, task.handed
    own = operation.termination if operation else None
    base = component.termination
    theirs = task.found.origin.at("termination")
    mine = task.origin.at("termination")

    def pick(name: str, lowest: int, given: int | str | None) -> _Number:
        said = getattr(own, name) if own else None
        field = "maxRetries" if name == "max_retries" else name
        if said is not None:
            return said, lowest, mine.at(field)
        if given is not None:
            return given, lowest, mine
        return (getattr(base, name) if base else None), lowest, theirs.at(field)

    queue: _Text = (component.queue, task.found.origin.at("queue"))
    if handed.queue is not None:
        queue = (handed.queue, task.origin)
    if operation is not None and operation.queue is not None:
        queue = (operation.queue, task.origin.at("queue"))
    return pick("max_retries", 0, handed.max_retries), pick("timeout", 1, handed.timeout), queue


def _queue(bound: _Bound, said: str | None, origin: Origin) -> str:
    found = known(said, origin, bound.scope, bound.ground.report)
    return found if isinstance(found, str) else ""


def _dag(bound: _Bound, run: spec.Dag) -> tuple[Dag | None, str]:
    task, shop = bound.task, bound.task.shop
    around = Around(
        place=(*task.around.place, task.operation.name or "") if task.around and task.operation else (),
        found=task.found,
        bindings=bound.bindings,
        components=dag.components_of(run, bound.ground.origin, bound.ground),
        siblings={},
        chain=(*(task.around.chain if task.around else ()), task.found.origin),
        handed=_handed(bound, run),
    )
    body = dag.lower(run, bound.ground, around, lambda vertex, inner: _child(vertex, inner, shop))
    for found in dag.unused(run, around.components):
        _body(_bind(_Task(None, found.origin, found, None, shop)))
    if body is None:
        return None, ""
    return body, next((node.operation.refused for node in body.nodes if node.operation.refused), "")


def _handed(bound: _Bound, run: spec.Dag) -> Handed:
    """What the DAG hands down: numbers are settled here, since its templates see its own inputs."""
    retries, timeout, queue = _merged(bound)
    pair = (bound.scope, bound.ground.report)
    return Handed(
        max_retries=whole(*retries, pair),
        timeout=whole(*timeout, pair),
        queue=_queue(bound, *queue) or None,
        labels=labels_of(run.environment, bound.task.handed.labels),
        annotations=annotations_of(run.environment, bound.task.handed.annotations),
    )
