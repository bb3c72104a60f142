"""What should exist: compiled operations, and the state that one commit asks for.

A compiled operation is what compile makes of a spec: references resolved, params checked, every value that
compile can know rendered. What only a start can know (upstream outputs, `globals.*`) stays as template text or
as a `Reference`, and is part of the digest in that form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from planner.canon import Json
from planner.errors import Place, Problem
from planner.model.events import Subscription, subscriptions
from planner.model.gang import Gang
from planner.model.inputs import Input, Join, Output, Reference
from planner.model.policies import OnChange, Policy, RunPolicy
from planner.model.schedule import Schedule

__all__ = [
    "Asked",
    "CompiledOperation",
    "Condition",
    "Dag",
    "DesiredState",
    "Event",
    "Hook",
    "Input",
    "Join",
    "Leaf",
    "Node",
    "OnChange",
    "Output",
    "Policy",
    "Reference",
    "RunPolicy",
    "Termination",
]


@dataclass(frozen=True, slots=True)
class Termination:
    """How often and how long (reference section 10.2).

    Attributes:
        max_retries: attempts after the first.
        timeout: seconds from the first start over all attempts; None for no limit.
    """

    max_retries: int = 0
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Something that a backend runs: a job or a service.

    Every string of `gang`, and every string inside `templates`, is template text over inputs and `globals`: what is
    final and has braces in it is escaped, so that evaluating it any number of times leaves it as it is.

    Attributes:
        gang: replicas.
        params: inputs whose value is known, by name.
        references: inputs that wait for another node, by name.
        outputs: declared outputs.
        termination: retries and time limit.
        queue: name of its queue; "" for the default one.
        inputs: declarations of all inputs, those without a value too.
        templates: inputs whose value is a template that waits for the start, by name.
        known: `globals` of the project that texts read which wait for the start.
        compared: the gang as the cache compares it: inputs that `cache.io` leaves out stay templates in it; None where
            the cache compares `gang`.
        joins: inputs that are lists of values of other runs.
    """

    gang: Gang
    params: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    termination: Termination = Termination()
    queue: str = ""
    inputs: tuple[Input, ...] = ()
    templates: Mapping[str, Json] = field(default_factory=dict)
    known: Mapping[str, Json] = field(default_factory=dict)
    compared: Gang | None = None
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold when an operation is about to start; else it is skipped (reference section 16.3).

    Attributes:
        written: as in the repository, for people.
        value: what it came to, or template text over inputs and `globals`. The other fields are empty without a
            template; with one they are those of a `Leaf`.
        params: inputs whose value is known, by name.
        references: inputs that wait for another node, by name.
        inputs: declarations of all inputs.
        templates: inputs whose value is a template that waits for the start, by name.
        known: `globals` of the project that the texts read.
    """

    written: str
    value: Json
    params: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    templates: Mapping[str, Json] = field(default_factory=dict)
    known: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Statuses of another node that start a node, whatever else it waits for (reference section 16.1).

    Attributes:
        upstream: the other node.
        statuses: in the reference's words; final ones do nothing here, as they are the trigger's.
    """

    upstream: str
    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A DAG's operation and what it waits for.

    Attributes:
        operation: compiled like a root, without schedule.
        upstream: names of nodes of the same DAG, from `dependencies`, params and events.
        trigger: which ends of the upstream nodes let it start (reference section 16.2).
        skip_on_upstream_skip: whether a skipped upstream skips it.
        events: what else starts it.
    """

    operation: CompiledOperation
    upstream: tuple[str, ...] = ()
    trigger: str = "all_succeeded"
    skip_on_upstream_skip: bool = False
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)  # without slots: what follows from its nodes alone is computed once and kept beside them
class Dag:
    """A graph of operations.

    Attributes:
        nodes: in topological order, ties by place in the file.
        concurrency: children that may be alive at once; None for no limit.
        early_stopping: rules by which it ends before all of its children have, by YAML names.
    """

    nodes: tuple[Node, ...]
    concurrency: int | None = None
    early_stopping: tuple[Mapping[str, Json], ...] = ()

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where in `nodes` a name is."""
        return {node.operation.name: position for position, node in enumerate(self.nodes)}

    @cached_property
    def dependents(self) -> tuple[tuple[int, ...], ...]:
        """For each of `nodes`, the positions of those that wait for it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for name in node.upstream:
                found[self.positions[name]].append(position)
        return tuple(map(tuple, found))

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """Positions of the nodes that may begin before any other has ended."""
        return tuple(
            position
            for position, node in enumerate(self.nodes)
            if not node.upstream or node.events or isinstance(node.operation.body, Dag)
        )

    def node(self, name: str) -> Node | None:
        """The node called `name`."""
        position = self.positions.get(name)
        return None if position is None else self.nodes[position]


@dataclass(frozen=True, slots=True)
class Hook:
    """What follows a run that has ended (reference section 10.5).

    Attributes:
        ref: the component that it runs, as written.
        trigger: the end that it waits for, or `done` for any.
        operation: compiled like a root, with inputs that the end of the run gives (`planner.compile.hooks.GIVEN`).
    """

    ref: str
    trigger: str
    operation: CompiledOperation


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """One operation, ready to be planned.

    Attributes:
        name: as in the repository.
        kind: the reference's run kind: `job`, `service` or `dag`.
        body: what runs.
        digest: root digest: over identity fields only.
        live: digest over live fields.
        form: digest over everything here, inert fields included: names the stored form.
        place: where its document begins.
        schedule: when it runs; None for a root that runs by change or request.
        policy: policies of its root.
        description, tags: for people.
        fields: what `digest` and `live` are over, as `identity` and `live`: a change is explained by it.
        refused: why it cannot execute here, or "".
        sections: what else was written (`matrix`, `cache`, …), merged and bound as far as is known, by YAML name.
        condition: what must hold for it to start.
        hooks: what follows each of its runs.
        build: what builds its image, in runs below its own; None where nothing does, and in a DAG.
    """

    name: str
    kind: str
    body: Leaf | Dag
    digest: str = ""
    live: str = ""
    form: str = ""
    place: Place = Place("")
    schedule: Schedule | None = None
    policy: Policy = field(default_factory=Policy)
    description: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)
    refused: str = ""
    sections: Mapping[str, Json] = field(default_factory=dict)
    condition: Condition | None = None
    hooks: tuple[Hook, ...] = ()
    build: CompiledOperation | None = None

    def section(self, name: str) -> Mapping[str, Json]:
        """A section that was written, by YAML name; empty where it was not, or a template stands for all of it."""
        found = self.sections.get(name)
        return found if isinstance(found, Mapping) else {}

    @property
    def needs_approval(self) -> bool:
        """Whether a person must approve each of its runs (`isApproved: false`)."""
        return self.sections.get("isApproved") is False

    @property
    def by_events(self) -> bool:
        """Whether it is started by events: then no change of it starts it by itself."""
        return bool(self.sections.get("events"))

    @property
    def listens(self) -> tuple[Subscription, ...]:
        """The events that start it as a root, without the kinds that have no source here."""
        return subscriptions(self.sections.get("events"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Budgets that a repository asks for itself; they count where they are tighter than the daemon's. None: no word."""

    starts: int | None = None
    gpus: int | None = None
    deletions: int | None = None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What one commit asks for: a pure function of its tree and the configuration.

    Attributes:
        commit: full commit id.
        tree: id of the tree.
        project: name of the project.
        roots: by name.
        problems: all of them, in order of place.
        bad_files: files with an error: roots that came from them stay as they are, and nothing is pruned.
        moved: renames that `.plumbline.yaml` declares, old name to new.
        files: spec files read.
        budgets: what one commit may cause, in the repository's own words.
    """

    commit: str
    tree: str
    project: str
    roots: Mapping[str, CompiledOperation]
    problems: tuple[Problem, ...] = ()
    bad_files: frozenset[str] = frozenset()
    moved: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    budgets: Asked = Asked()
