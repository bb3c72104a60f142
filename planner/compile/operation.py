"""One operation: its component found, merged, its inputs bound, its run lowered.

This is the order of things; each of them is decided elsewhere. Everything that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from planner.canon import Json
from planner.compile import variables
from planner.compile.bindings import Around, Bindings, Sibling, Source
from planner.compile.building import Wanted, is_built, with_build
from planner.compile.carried import carried, not_yet
from planner.compile.catalogue import check_namespace, check_queue
from planner.compile.clustered import tell_not_asked
from planner.compile.deliver import delivered
from planner.compile.gate import condition_of
from planner.compile.graph import Vertex
from planner.compile.ground import Ground, known, whole
from planner.compile.handed import environment_of, preset_of, with_laid_presets
from planner.compile.hooks import hooks_of
from planner.compile.inputs import Asked, bind_inputs
from planner.compile.joining import joins_of
from planner.compile.kinds import dag, lower_leaf
from planner.compile.leaf import finished, refusal
from planner.compile.matrix import check_matrix
from planner.compile.merge import merged
from planner.compile.names import check_names, check_notified, connection_scope
from planner.compile.origin import Origin
from planner.compile.patch import Placed
from planner.compile.policy import check_notifications, namespace_of, notified, own_namespace
from planner.compile.resolve import Found, component_of
from planner.compile.sections import check_operation, check_sections
from planner.compile.settled import settled, whole_sections
from planner.compile.sweep import with_sweep
from planner.compile.task import Bound, Shop, Task
from planner.compile.timing import lower_schedule
from planner.model.desired import CompiledOperation, Condition, Dag, Leaf, Termination
from planner.model.gang import Gang
from planner.model.inputs import ANY_TRIAL
from planner.model.schedule import Schedule
from planner.spec import run as spec
from planner.spec import termination as spec_termination
from planner.spec.component import Component
from planner.spec.operation import REFERENCES, Operation
from planner.spec.plain import plain

__all__ = ["MAX_DEPTH", "MAX_OPERATIONS", "Shop", "compile_component", "compile_root"]

MAX_DEPTH = 16
"""DAGs inside one another, over all files."""
MAX_OPERATIONS = 5_000
"""Operations that the documents of one file may come to, what they refer to included."""


def compile_root(
    name: str, operation: Operation, origin: Origin, shop: Shop
) -> tuple[CompiledOperation, Mapping[str, Json]] | None:
    """A root without digests, and what it gives to its component; None with problems."""
    errors = shop.report.errors
    if operation.dependencies:
        hint = "put both operations into a DAG"
        shop.report.add(origin.at("dependencies").problem("PL-304", "`dependencies` work inside a DAG only", hint))
    compiled, sibling = _compile(Placed(operation, origin), None, shop)
    if compiled is not None and is_built(compiled):
        compiled = _built(Vertex(operation, origin, ()), (compiled, sibling), shop)
    if compiled is None or shop.report.errors > errors:
        return None
    return replace(compiled, name=name), sibling.bindings.values


def _built(vertex: Vertex, compiled: tuple[CompiledOperation, Sibling], shop: Shop) -> CompiledOperation | None:
    """A root with what builds its image."""
    globals_ = variables.symbols(shop.globals(), compiled[0].kind)
    ground = Ground(vertex.origin, shop.report, shop.view, globals_, shop.policy)
    wanted = Wanted(vertex, *compiled, None, ground)
    return with_build(wanted, lambda build: _compile(Placed(build.operation, build.origin), None, shop)[0])


def compile_component(found: Found, shop: Shop) -> None:
    """Look at a component by itself: it must be right for some params, whatever they are."""
    _body(_bind(Task(None, found, found.origin, None, shop)))


def _compile(
    operation: Placed[Operation], around: Around | None, shop: Shop, given: Mapping[str, Source] | None = None
) -> tuple[CompiledOperation | None, Sibling]:
    errors = shop.report.errors
    library = around.components if around else None
    found = component_of(operation.section, operation.origin, library, (shop.view, shop.report))
    if found is None or not _fits(found, operation.origin, around, shop):
        return None, Sibling(None, Bindings())
    whole = merged(operation, found, around, (shop.view, shop.report))
    bound = _bind(Task(whole.operation, whole.found, found.origin, around, shop, given or {}))
    sibling = Sibling(bound.task.found, bound.bindings, _sweeps(whole.operation))
    body, refused = _body(bound)
    schedule = _schedule(bound, whole.operation)
    hooks = hooks_of(bound, _compile)
    if body is None or hooks is None or shop.report.errors > errors:
        return None, sibling
    return replace(_compiled(bound, whole.operation, (body, refused), schedule), hooks=hooks), sibling


def _sweeps(operation: Placed[Operation]) -> Literal["", "plain", "searching"]:
    matrix = operation.section.matrix
    if matrix is None:
        return ""
    return "searching" if getattr(matrix, "metric", None) is not None else "plain"


def _compiled(
    bound: Bound, operation: Placed[Operation], lowered: tuple[Leaf | Dag, str], schedule: Schedule | None
) -> CompiledOperation:
    shop, component, (body, refused) = bound.task.shop, bound.component.section, lowered
    sections = {**namespace_of(shop.policy), **carried(operation, bound.component, bound.ground)}
    inside = bound.task.around is not None
    sections = sections if inside else notified(sections, shop.policy)
    joins, unread = joins_of(operation, sections, bound)
    said = [shop.policy.refused, refused, bound.bindings.refused, *not_yet(sections, component, in_dag=inside), unread]
    if joins and isinstance(body, Leaf):
        body = replace(body, joins=joins)
    elif joins:
        said.append("a DAG does not hand down what its joins find yet: give `joins` to the operation that needs it")
    if inside and schedule is not None:
        said.append("a schedule inside a DAG does not run yet: give it to the operation around the DAG")
        sections["schedule"] = plain(operation.section.schedule)
    matrix = operation.section.matrix
    what = "sweep" if matrix is not None else "DAG" if isinstance(body, Dag) else ""
    if inside and sections.get("isApproved") is False and what:
        said.append(f"a {what} inside a DAG cannot wait for an approval: give `isApproved: false` to operations")
    condition = _condition(bound, operation, sections)
    if condition is not None and what and any(one.run for one in condition.references.values()):
        said.append(f"the condition of a {what} cannot wait for another run: give it to the operations inside")
    compiled = CompiledOperation(
        name=bound.name,
        kind=component.run.kind,
        body=body,
        place=operation.origin.place,
        schedule=None if inside else schedule,
        policy=shop.policy.policy,
        description=component.description or "",
        tags=tuple(dict.fromkeys(component.tags or ())),
        refused=next(filter(None, said), ""),
        sections=sections,
        condition=condition,
    )

    def compile_tuner(tuner: Placed[Operation], given: Mapping[str, Source]) -> CompiledOperation | None:
        return _compile(tuner, None, shop, given)[0]

    return with_sweep(compiled, matrix, bound, compile_tuner)


def _condition(bound: Bound, operation: Placed[Operation], sections: Mapping[str, Json]) -> Condition | None:
    written = operation.section.conditions
    if written is None or bound.ground.report.errors:
        return None
    return condition_of(sections["conditions"], written, operation.origin.at("conditions"), bound)


def _schedule(bound: Bound, operation: Placed[Operation]) -> Schedule | None:
    shop, said, origin = bound.task.shop, operation.section.schedule, operation.origin.at("schedule")
    if said is not None:
        said = settled(said, origin, bound.scope, shop.report)
    return lower_schedule(said, origin, shop.report, shop.check) if said is not None else None


def _fits(found: Found, origin: Origin, around: Around | None, shop: Shop) -> bool:
    """Whether the operation may be added: components that hold themselves, and trees of them, end here."""
    report = shop.report
    if around is not None and found.origin in around.chain:
        where = origin.first(*((name,) for name in REFERENCES))
        report.add(where.problem("PL-303", "the component contains itself", "refer to another component"))
        return False
    if around is not None and len(around.chain) > MAX_DEPTH:
        report.add(origin.problem("PL-104", f"DAGs are nested more than {MAX_DEPTH} deep"))
        return False
    if not report.afford([found.origin], origin):
        return False
    report.operations += 1
    if report.operations == MAX_OPERATIONS + 1:
        report.add(origin.problem("PL-105", f"more than {MAX_OPERATIONS:,} operations come of one file", "split it"))
    return report.operations <= MAX_OPERATIONS


def _bind(task: Task) -> Bound:
    shop, found = task.shop, task.found
    known = {**shop.globals(), **own_namespace(found.component, shop.policy)}
    globals_ = variables.symbols(known, found.component.run.kind)
    operation = task.operation.section if task.operation else None
    origin = task.operation.origin if task.operation else found.origin
    bindings = bind_inputs(Asked(operation, origin, found, task.around, globals_, task.given), shop.report)
    scope = {**bindings.scope(globals_), **connection_scope(found.component.run, shop.policy.config)}
    component = whole_sections(Placed(found.component, found.origin), scope, shop.report)
    run = delivered(component.section.run, bindings, origin.first(("params",)), shop.report)
    if run is not component.section.run:
        component = Placed(component.section.model_copy(update={"run": run}), component.origin)
    builds = bool(component.section.build)
    ground = Ground(component.origin.at("run"), shop.report, shop.view, scope, shop.policy, builds)
    _check(task, component, shop)
    return Bound(replace(task, found=Found(component.section, component.origin)), bindings, scope, ground)


def _check(task: Task, component: Placed[Component], shop: Shop) -> None:
    said, report = component.section, shop.report
    ios = (*(said.inputs or ()), *(said.outputs or ()))
    check_sections(said, said.run.kind, [io.name for io in ios], component.origin, report)
    check_namespace(said.namespace, component.origin.at("namespace"), shop.policy.config, report)
    check_names(said.run, component.origin.at("run"), shop.policy.config, report)
    tell_not_asked(said.termination, component.origin.at("termination"), shop.policy, report)
    check_notified(said.plugins, component.origin.at("plugins", "notifications"), shop.policy.config, report)
    if task.operation is None:
        return
    operation, origin = task.operation.section, task.operation.origin
    check_operation(operation, origin, report, in_dag=task.around is not None)
    if task.around is None:
        check_notifications(shop.policy, origin, report)
    if operation.matrix is not None:
        check_matrix(operation.matrix, said.inputs or (), origin.at("matrix"), report)


def _body(bound: Bound) -> tuple[Leaf | Dag | None, str]:
    """What runs, and why it cannot run here; None with problems."""
    run = bound.task.found.component.run
    if isinstance(run, spec.Dag):
        return _dag(bound, run)
    return _leaf(bound, lower_leaf(run, bound.ground))


def _leaf(bound: Bound, gang: Gang | None) -> tuple[Leaf | None, str]:
    termination, queue = _termination(bound), _queue(bound)
    if gang is None:
        return None, ""
    leaf = finished(gang, bound.ground, bound.bindings, bound.component.section)
    leaf = replace(leaf, termination=termination, queue=queue or bound.ground.policy.queue)
    origin, config = bound.component.origin.at("queue"), bound.ground.policy.config
    check_queue(leaf.queue, leaf.gang, origin, (config, bound.ground.report))
    return leaf, refusal(leaf, bound.ground, bound.component.section.run.kind)


def _termination(bound: Bound) -> Termination:
    said, origin = bound.component.section.termination, bound.component.origin.at("termination")
    if not isinstance(said, spec_termination.Termination):
        return Termination()
    pair = (bound.scope, bound.ground.report)
    retries = whole(said.max_retries, 0, origin.at("maxRetries"), pair) or 0
    return Termination(retries, whole(said.timeout, 1, origin.at("timeout"), pair))


def _queue(bound: Bound) -> str:
    said = known(bound.component.section.queue, bound.component.origin.at("queue"), bound.scope, bound.ground.report)
    return said if isinstance(said, str) else ""


def _dag(bound: Bound, run: spec.Dag) -> tuple[Dag | None, str]:
    task, shop = bound.task, bound.task.shop
    bound, run = with_laid_presets(bound, run)
    around = Around(
        place=_place(bound),
        found=task.found,
        bindings=bound.bindings,
        components=dag.components_of(run, bound.ground.origin, bound.ground),
        siblings={},
        chain=(*(task.around.chain if task.around else ()), task.home),
        preset=preset_of(bound),
        environment=environment_of(bound, run),
    )

    def child(vertex: Vertex, inner: Around) -> tuple[CompiledOperation | None, Sibling]:
        return _compile(Placed(vertex.operation, vertex.origin), inner, shop)

    body = dag.lower(run, bound.ground, around, child)
    for found in dag.unused(run, around.components):
        _body(_bind(Task(None, found, found.origin, None, shop)))
    if body is None:
        return None, ""
    early = _unruled(body, inside=task.around is not None)
    return body, next((node.operation.refused for node in body.nodes if node.operation.refused), early)


def _place(bound: Bound) -> tuple[str, ...]:
    """Where the operations of a DAG are, from the root; below a sweep, in whichever of its trials."""
    operation, around = bound.task.operation, bound.task.around
    if operation is None:
        return ()
    place = (*around.place, bound.name) if around is not None else ()
    return (*place, ANY_TRIAL) if operation.section.matrix is not None else place


def _unruled(body: Dag, *, inside: bool) -> str:
    """Why rules of early stopping of a DAG cannot be followed, or ""."""
    if body.early_stopping and inside:
        return "a DAG inside a DAG is not stopped early: give `earlyStopping` to the DAG around it"
    if any(rule.get("policy") is not None for rule in body.early_stopping):
        return "operations of a DAG are not compared with one another: `policy` is for sweeps (`earlyStopping`)"
    return ""
