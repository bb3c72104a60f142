"""What a comment says around a plan, and what it takes from the operations themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from planner.errors import Place
from planner.graph import Graph, graph_of
from planner.model.desired import DesiredState
from planner.model.plan import FieldChange
from planner.preview import Previewed
from planner.render.budget import GITHUB, Limit
from planner.scale import Scale

__all__ = ["Frame", "frame_of"]

_NONE = Scale()
_MOST_NODES = 60
"""Of a graph that is drawn: a larger one is a tangle, and takes the room of everything else."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a comment says around a plan.

    Attributes:
        instance: whose plan it is.
        tree: id of the merged tree that was planned; "" where nothing was merged.
        scale: how much the merge starts.
        link: URL of a place in a file at the head; "" for none.
        whole: where the whole plan is: a URL or a command; "" for nowhere.
        graphs: of DAGs that the plan starts or changes, by operation.
        settings: what the pull request changes of `.plumbline.yaml`, by which its plan is made.
        moved: what the base is by now, where it is not what the plan was made on: the comment is stale.
        limit: of the forge.
    """

    instance: str
    tree: str = ""
    scale: Scale = _NONE
    link: Callable[[Place], str] = lambda _: ""
    whole: str = ""
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    settings: Sequence[FieldChange] = ()
    moved: str = ""
    limit: Limit = GITHUB


def frame_of(found: Previewed, desired: DesiredState, instance: str) -> Frame:
    """The frame of a plan that no forge knows of: without links, and with the command that shows all of it."""
    named = [action.root for action in found.plan.actions if action.kind == "dag" and action.root in desired.roots]
    graphs = {name: graph_of(desired.roots[name]) for name in named}
    whole = f"plumbline plan --head {found.plan.commit[:10]}" if found.plan.commit else "plumbline plan"
    drawn = {name: graph for name, graph in graphs.items() if len(graph.nodes) <= _MOST_NODES}
    return Frame(instance, scale=found.scale, whole=whole, graphs=drawn)
