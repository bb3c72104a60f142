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
from planner.model.inputs import Input, Join, Output, Reference
from planner.model.leaf import Condition, Leaf, Termination
from planner.model.policies import OnChange, Policy, RunPolicy
from planner.model.schedule import Schedule
from planner.model.search import Goal, Search, goal_of

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
    "Sweep",
    "Termination",
]


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
            if not node.upstream or node.events or not isinstance(node.operation.body, Leaf)
        )

    def node(self, name: str) -> Node | None:
        """The node called `name`."""
        position = self.positions.get(name)
        return None if position is None else self.nodes[position]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Many runs of one operation, its trials (docs/sweeps.md).

    Attributes:
        trial: the operation without its matrix and without what is the sweep's own, such as its schedule and its hooks.
        search: how trials are chosen.
        lineage: digest of what they are trials of: of all that identifies the sweep but how many there are.
        seed: as written; None where the name of the operation decides.
        concurrency: trials at work at once; None for what the search can use.
        early_stopping: rules by which it, or a trial, ends early, by YAML names.
        tuner: what makes the suggestions instead of the search; None where that does.
        iterations: how often the tuner is asked at most.
    """

    trial: CompiledOperation
    search: Search
    lineage: str = ""
    seed: int | None = None
    concurrency: int | None = None
    early_stopping: tuple[Mapping[str, Json], ...] = ()
    tuner: CompiledOperation | None = None
    iterations: int = 0

    @property
    def goal(self) -> Goal | None:
        """What its search makes better; None for one that does not look at what trials come to."""
        return goal_of(self.search)


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
        kind: the reference's run kind: `job`, `service`, `dag` or, with many trials, `matrix`.
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
    body: Leaf | Dag | Sweep
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
    trials: int | None = None


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
