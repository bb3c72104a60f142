"""Compiled operations by hand: what compile would make of small specs, without YAML.

Digests are the real ones (`planner.compile.digests`), so that a test which changes a field finds out what the field
counts for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.canon import Json
from planner.compile.digests import sealed
from planner.compile.hooks import GIVEN
from planner.errors import Place, Problem
from planner.model.desired import (
    Asked,
    CompiledOperation,
    Condition,
    Dag,
    DesiredState,
    Event,
    Hook,
    Input,
    Join,
    Leaf,
    Node,
    Output,
    Policy,
    Reference,
    Termination,
)
from planner.model.gang import Container, Gang, Lifetime, Replica, Update
from planner.model.schedule import CronSchedule, Schedule

EVERY_TEN = CronSchedule(cron="*/10 * * * *")


def gang(command: str, **resources: int) -> Gang:
    """One container that runs `command`."""
    amounts = {name.replace("gpu", "nvidia.com/gpu"): str(amount) for name, amount in resources.items()}
    return Gang((Replica("main", 1, Container("python", (command,), resources=amounts)),))


def job(
    name: str = "train",
    command: str = "fit",
    *,
    retries: int = 0,
    timeout: float | None = None,
    queue: str = "",
    reads: Mapping[str, str] | None = None,
    policy: Policy = Policy(),
    schedule: Schedule | None = None,
    path: str = "",
    description: str = "",
    refused: str = "",
    **resources: int,
) -> CompiledOperation:
    """A job.

    Args:
        name: of the operation.
        command: what it runs: another one is another digest.
        retries: `maxRetries`.
        timeout: in seconds.
        queue: name of its queue.
        reads: inputs that are outputs of other nodes: `{"data": "prepare.size"}`.
        policy: of its root.
        schedule: of its root.
        path: file that it comes from; `<name>.yaml` when left out.
        description: an inert field.
        refused: why it cannot run here.
        resources: requests, such as `gpu=1`.
    """
    references = {param: _reference(text) for param, text in (reads or {}).items()}
    leaf = Leaf(
        gang(command, **resources),
        references=references,
        outputs=(Output("size"),),
        termination=Termination(retries, timeout),
        queue=queue,
        inputs=tuple(Input(param) for param in references),
    )
    operation = CompiledOperation(name, "job", leaf, schedule=schedule, policy=policy)
    return _sealed(replace(operation, description=description, refused=refused), path)


def service(
    name: str = "serve",
    command: str = "listen",
    *,
    ports: Sequence[int] = (8080,),
    update: Update = Update.RECREATE,
    timeout: float | None = None,
    policy: Policy = Policy(),
    path: str = "",
    refused: str = "",
    **resources: int,
) -> CompiledOperation:
    """A service; see `job` for the arguments."""
    made = gang(command, **resources)
    leaf = Leaf(
        Gang(made.replicas, lifetime=Lifetime.ALWAYS, ports=tuple(ports), update=update),
        termination=Termination(0, timeout),
    )
    return _sealed(CompiledOperation(name, "service", leaf, policy=policy, refused=refused), path)


def rolling(name: str = "serve", command: str = "listen", **changes: object) -> CompiledOperation:
    """A service whose generations overlap."""
    return service(name, command, update=Update.ROLLING, **changes)  # type: ignore[arg-type]


def dag(
    name: str = "flow",
    *nodes: Node,
    concurrency: int | None = None,
    policy: Policy = Policy(),
    schedule: Schedule | None = None,
    path: str = "",
) -> CompiledOperation:
    """A DAG of `node`s, in topological order."""
    return _sealed(CompiledOperation(name, "dag", Dag(nodes, concurrency), policy=policy, schedule=schedule), path)


def early(operation: CompiledOperation, *rules: Mapping[str, Json]) -> CompiledOperation:
    """A DAG with rules of early stopping."""
    assert isinstance(operation.body, Dag)
    return _sealed(replace(operation, body=replace(operation.body, early_stopping=rules)), operation.place.path)


def when(operation: CompiledOperation, value: Json, **reads: str) -> CompiledOperation:
    """The operation under a condition.

    Args:
        operation: it; a root, or what a node is made of.
        value: what it came to, or a template.
        reads: inputs that the condition reads and that are outputs of other nodes: `n="prepare.size"`.
    """
    references = {param: _reference(text) for param, text in reads.items()}
    condition = Condition(str(value), value, references=references, inputs=tuple(Input(param) for param in references))
    return _sealed(replace(operation, condition=condition, sections={"conditions": value}), operation.place.path)


def joining(operation: CompiledOperation, query: str, *, condition: Json = None, **said: Json) -> CompiledOperation:
    """The operation with a join: what it takes of each run by input, such as `losses="outputs.loss"`.

    Args:
        operation: a leaf.
        query: which runs.
        condition: under which it starts, where it has one.
        said: `sort`, `limit` and `offset`; the rest are params.
    """
    leaf = operation.body
    assert isinstance(leaf, Leaf)
    how = {name: said.pop(name) for name in ("sort", "limit", "offset") if name in said}
    params = {name: tuple(str(path).split(".")) for name, path in said.items()}
    inputs = tuple(
        Input(name, type="float" if name == "losses" else "", is_list=True, required=True) for name in params
    )
    joins = (*leaf.joins, Join(query, params=params, **how))  # type: ignore[arg-type]
    asked = Condition(str(condition), condition, inputs=inputs) if condition is not None else None
    body = replace(leaf, inputs=(*leaf.inputs, *inputs), joins=joins)
    sections = {"joins": [{"query": join.query, "params": dict(join.params)} for join in joins]}
    return _sealed(replace(operation, body=body, condition=asked, sections=sections), operation.place.path)


def hooked(operation: CompiledOperation, *hooks: tuple[str, CompiledOperation]) -> CompiledOperation:
    """The operation with hooks: for each the end that it waits for, and what it runs, which sees what `when` sees."""
    made = []
    for trigger, follower in hooks:
        body = follower.body
        if isinstance(body, Leaf):
            given = tuple(Input(name, role="context") for name in GIVEN)
            body = replace(body, inputs=(*body.inputs, *given))
        condition = follower.condition
        if condition is not None:
            condition = replace(condition, inputs=tuple(Input(name, role="context") for name in GIVEN))
        made.append(Hook(follower.name, trigger, replace(follower, body=body, condition=condition)))
    return _sealed(replace(operation, hooks=tuple(made)), operation.place.path)


def caching(operation: CompiledOperation, **cache: Json) -> CompiledOperation:
    """The operation with a section `cache`: `disable=False`, `ttl=60`, ...."""
    return _sealed(replace(operation, sections={**operation.sections, "cache": cache}), operation.place.path)


def approved(operation: CompiledOperation) -> CompiledOperation:
    """The operation with `isApproved: false`: a person must approve each of its runs."""
    sections = {**operation.sections, "isApproved": False}
    return _sealed(replace(operation, sections=sections), operation.place.path)


def sweeping(operation: CompiledOperation, **matrix: Json) -> CompiledOperation:
    """The operation with a section `matrix`."""
    sections = {**operation.sections, "matrix": matrix}
    return _sealed(replace(operation, sections=sections), operation.place.path)


def listening(operation: CompiledOperation, *events: tuple[str, str], paths: Sequence[str] = ()) -> CompiledOperation:
    """The operation with `events`, each a ref and a kind; `run_status_` may be left out after `runs.NAME`."""
    entries: list[Json] = []
    for ref, kind in events:
        prefix = "run_status_" if ref.startswith("runs.") else ""
        entries.append({"ref": ref, "kinds": [prefix + kind], **({"paths": list(paths)} if paths else {})})
    sections = {**operation.sections, "events": entries}
    return _sealed(replace(operation, sections=sections), operation.place.path)


def node(
    operation: CompiledOperation | str,
    *upstream: str,
    trigger: str = "all_succeeded",
    skips: bool = False,
    events: Mapping[str, Sequence[str]] | None = None,
) -> Node:
    """A node of a DAG; a name alone is a job of that name with its own command.

    Args:
        operation: what it runs.
        upstream: names of the nodes that it waits for.
        trigger: which ends of theirs let it start.
        skips: whether a skipped one skips it.
        events: statuses that start it, by the name of one of them.
    """
    if isinstance(operation, str):
        operation = job(operation, f"do {operation}")
    found = tuple(Event(name, tuple(statuses)) for name, statuses in (events or {}).items())
    return Node(operation, upstream, trigger, skips, found)


def desired(
    commit: str,
    *operations: CompiledOperation,
    bad: Sequence[str] = (),
    moved: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    budgets: Asked = Asked(),
) -> DesiredState:
    """What a commit asks for."""
    return DesiredState(
        commit=commit,
        tree=f"tree-{commit}",
        project="project",
        roots={operation.name: operation for operation in operations},
        problems=(*problems, *(Problem("PL-101", "not YAML", Place(path, 1, 1)) for path in bad)),
        bad_files=frozenset(bad),
        moved=moved or {},
        files=tuple(sorted({operation.place.path for operation in operations} | set(bad))),
        budgets=budgets,
    )


def _sealed(operation: CompiledOperation, path: str) -> CompiledOperation:
    placed = replace(operation, place=Place(path or f"{operation.name}.yaml", 1, 1))
    return sealed(placed, {}, "")


def _reference(text: str) -> Reference:
    if text.startswith("runs."):
        _, ident, *path = text.split(".")
        return Reference((f"runs.{ident}",), tuple(path))
    head, found, rest = text.partition(".artifacts")
    if found:
        path = (rest,) if rest.startswith("{") else tuple(rest.removeprefix(".").split(".")) if rest else ()
        return Reference(tuple(head.split("/")), ("artifacts", *path))
    place, _, output = text.rpartition(".")
    return Reference(tuple(place.split("/")), ("outputs", output))
