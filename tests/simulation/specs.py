"""What the simulated repository holds, and what compiling it gives: hand-made, so that a seed costs milliseconds.

A `Spec` is one operation as its author sees it; `operation` is what compile would make of it, with the real digests.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Literal

from planner.canon import Json
from planner.compile.digests import sealed
from planner.errors import Place
from planner.model.desired import (
    CompiledOperation,
    Condition,
    Dag,
    Event,
    Hook,
    Input,
    Leaf,
    Node,
    Output,
    Policy,
    Reference,
    Termination,
)
from planner.model.gang import Container, Gang, Lifetime, Replica, Update
from planner.model.inputs import Join
from planner.model.schedule import CronSchedule, IntervalSchedule
from tests.simulation.tunes import Tune, swept

__all__ = ["JOIN", "Broken", "Content", "File", "Part", "Spec", "operation", "parts_of", "roots_of"]

Periodic = CronSchedule | IntervalSchedule

JOIN = Join("status: succeeded", limit=3, params={"others": ("outputs", "value")})


@dataclass(frozen=True, slots=True)
class Part:
    """A node of a DAG.

    Attributes:
        name: of the node.
        version: of what it runs: identity.
        needs: nodes of the same DAG whose output `value` it takes.
        after: nodes of the same DAG that it waits for without taking anything.
        trigger: which of their ends let it start.
        skips: whether a skipped upstream skips it.
        retries: of this node.
        parts: nodes below it: it is a DAG itself.
        only_over: it runs only where the value of its first need is larger; None: always.
        starts_on: a status of its first upstream that starts it, or "".
        approval: whether a person must approve it.
        hook: the end that its hook waits for, or "".
    """

    name: str
    version: int = 1
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    trigger: str = "all_succeeded"
    skips: bool = False
    retries: int = 0
    parts: tuple[Part, ...] = ()
    only_over: int | None = None
    starts_on: str = ""
    approval: bool = False
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """One operation of the repository.

    Attributes:
        name: of the root.
        kind: of the run.
        version: of what it runs: identity.
        retries: live.
        gpu: how many it asks for: identity.
        ports: of a service: identity.
        update: of a service: identity.
        parts: of a DAG.
        at_once: concurrency of a DAG: live.
        schedule: live.
        policy: live.
        note: inert.
        refused: why it cannot run here.
        approval: whether a person must approve each run: identity.
        hook: the end that its hook waits for, or "": live.
        most_failed: percent of its operations that may fail before a DAG is stopped early; 0 for all: live.
        listens: the events that start it, each a ref and a kind: identity.
        queue: that it stands in: identity.
        joins: whether a job starts with what the newest good runs of the project wrote: identity.
        ttl: seconds for which what has ended is kept: live.
        idle: seconds after which a service that nobody uses is stopped; 0 for never: live.
        tune: of a sweep.
    """

    name: str
    kind: Literal["job", "service", "dag", "matrix"] = "job"
    version: int = 1
    retries: int = 0
    gpu: int = 0
    ports: tuple[int, ...] = ()
    update: Update = Update.RECREATE
    parts: tuple[Part, ...] = ()
    at_once: int | None = None
    schedule: Periodic | None = None
    policy: Policy = Policy()
    note: int = 0
    refused: str = ""
    approval: bool = False
    hook: str = ""
    most_failed: int = 0
    # Dice are drawn from what is printed.
    listens: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    queue: str = field(default="", repr=False)
    joins: bool = field(default=False, repr=False)
    ttl: int = field(default=0, repr=False)
    idle: int = field(default=0, repr=False)
    tune: Tune | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """A spec file that does not parse; `specs` is what it held when it last did."""

    specs: tuple[Spec, ...]


File = tuple[Spec, ...] | Broken | None
"""A file: operations, a spec file with a problem, or (None) something that is no spec."""

Content = dict[str, File]
"""A tree: files by path. One without any file is what a failed read looks like."""


def roots_of(content: Content) -> dict[str, tuple[str, Spec]]:
    """The operations that a tree holds, by name, with their files."""
    return {spec.name: (path, spec) for path, file in content.items() if isinstance(file, tuple) for spec in file}


def parts_of(parts: tuple[Part, ...], place: tuple[str, ...] = ()) -> dict[tuple[str, ...], Part]:
    """All nodes of a DAG by place, those of DAGs in it too."""
    found = {}
    for part in parts:
        here = (*place, part.name)
        found[here] = part
        found |= parts_of(part.parts, here)
    return found


@functools.lru_cache(maxsize=4096)
def operation(spec: Spec, path: str, commit: str = "") -> CompiledOperation:
    """What compile makes of `spec` in the file `path`; `commit` counts with the run policy `on-commit` alone."""
    if spec.tune is not None:
        return _swept(spec, spec.tune, path, commit)
    body = (
        replace(_dag(spec.parts, spec.at_once, ()), early_stopping=_early(spec)) if spec.kind == "dag" else _leaf(spec)
    )
    made = CompiledOperation(
        name=spec.name,
        kind=spec.kind,
        body=body,
        place=Place(path, 1, 1),
        schedule=spec.schedule,
        policy=spec.policy,
        description=f"note {spec.note}",
        refused=spec.refused,
        sections={**_sections(approval=spec.approval, hook=spec.hook), **_events(spec), **_lifetime(spec)},
        hooks=_hooks(spec.hook),
    )
    return sealed(made, {}, commit)


def _swept(spec: Spec, tune: Tune, path: str, commit: str) -> CompiledOperation:
    made = swept(spec.name, path, tune, spec.version, spec.retries)
    told = {"schedule": spec.schedule, "policy": spec.policy, "refused": spec.refused}
    return sealed(replace(made, description=f"note {spec.note}", **told), {}, commit)


def _early(spec: Spec) -> tuple[dict[str, Json], ...]:
    return ({"kind": "failure_early_stopping", "percent": spec.most_failed},) if spec.most_failed else ()


def _leaf(spec: Spec) -> Leaf:
    always = spec.kind == "service"
    gang = Gang(
        replicas=(_replica(spec.version, spec.gpu),),
        lifetime=Lifetime.ALWAYS if always else Lifetime.ONCE,
        ports=spec.ports,
        update=spec.update,
    )
    leaf = Leaf(gang, outputs=(Output("value"),), termination=Termination(spec.retries), queue=spec.queue)
    if not spec.joins:
        return leaf
    return replace(leaf, joins=(JOIN,), inputs=(Input("others", is_list=True),))


def _lifetime(spec: Spec) -> dict[str, Json]:
    found: dict[str, Json] = {"ttl": spec.ttl} if spec.ttl else {}
    if spec.idle:
        found |= {"culling": {"timeout": spec.idle}, "probe": {"exec": {"command": ["in-use"]}}}
    return {"termination": found} if found else {}


def _replica(version: int, gpu: int, program: str = "run") -> Replica:
    resources = {"gpu": str(gpu)} if gpu else {}
    return Replica("main", 1, Container(command=(program, f"v{version}"), resources=resources))


def _dag(parts: tuple[Part, ...], at_once: int | None, place: tuple[str, ...]) -> Dag:
    return Dag(tuple(_node(part, place) for part in parts), at_once)


def _node(part: Part, place: tuple[str, ...]) -> Node:
    here = (*place, part.name)
    if part.parts:
        inner = CompiledOperation(part.name, "dag", _dag(part.parts, None, here), condition=_condition(part, place))
    else:
        references = {f"from_{name}": Reference((*place, name), ("outputs", "value")) for name in part.needs}
        leaf = Leaf(
            gang=Gang(replicas=(_replica(part.version, 0, part.name.rstrip("0123456789")),)),
            params={"version": part.version},
            references=references,
            inputs=tuple(Input(name) for name in references),
            outputs=(Output("value"),),
            termination=Termination(part.retries),
        )
        sections = _sections(approval=part.approval, over=part.only_over, hook=part.hook)
        inner = CompiledOperation(part.name, "job", leaf, sections=sections, condition=_condition(part, place))
        inner = replace(inner, hooks=_hooks(part.hook))
    upstream = (*part.needs, *part.after)
    events = (Event(upstream[0], (part.starts_on,)),) if part.starts_on else ()
    return Node(inner, upstream, part.trigger, part.skips, events)


def _sections(*, approval: bool, over: int | None = None, hook: str = "") -> dict[str, Json]:
    asked: dict[str, Json] = {} if over is None else {"conditions": f"{{{{ value > {over} }}}}"}
    asked |= {"hooks": [{"hubRef": "tell", "trigger": hook}]} if hook else {}
    return {**asked, "isApproved": False} if approval else asked


def _events(spec: Spec) -> dict[str, Json]:
    return {"events": [{"ref": ref, "kinds": [kind]} for ref, kind in spec.listens]} if spec.listens else {}


def _hooks(trigger: str) -> tuple[Hook, ...]:
    """A job that tells how it went, and does not start where there is no value to tell."""
    if not trigger:
        return ()
    leaf = Leaf(
        gang=Gang(replicas=(Replica("main", 1, Container(command=("tell", "{{ status }}"))),)),
        inputs=(Input("status", role="context"),),
    )
    return (Hook("tell", trigger, CompiledOperation("hook-1", "job", leaf)),)


def _condition(part: Part, place: tuple[str, ...]) -> Condition | None:
    if part.only_over is None:
        return None
    text = f"{{{{ value > {part.only_over} }}}}"
    first = (*part.needs, *part.after)[0]
    reference = Reference((*place, first), ("outputs", "value"))
    return Condition(text, text, references={"value": reference}, inputs=(Input("value"),))
