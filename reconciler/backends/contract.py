"""What every backend gives a program in the same way: the context file, and the variables of the run contract.

Where things are differs from backend to backend, and is told (`Where`); what they hold does not (docs/run-contract.md).
Pure: it reads nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.canon import Json
from reconciler.ports import Order

__all__ = ["TRACES", "Where", "attempt_globals", "context", "trace_id", "trace_of", "traced_by", "variables"]

TRACES = "polyaxon"
"""The folder for that library, beside `plumbline_tracking.py`."""


@dataclass(frozen=True, slots=True)
class Where:
    """One process of a gang, and where it finds what the contract promises; paths as the program sees them.

    Attributes:
        role, index, count: which one of how many of its role.
        runs: the folder that run folders are in.
        artifacts: the run's own folder.
        context: the context file.
        output: the file for outputs.
        metrics: the file for metrics.
        ports: what it listens on, for each declared port.
        traces: the folder that the tracking library of Polyaxon takes for its own; "" where there is none.
    """

    role: str
    index: int
    count: int
    runs: str
    artifacts: str
    context: str
    output: str
    metrics: str
    ports: Sequence[int] = ()
    traces: str = ""


def attempt_globals(runs: str, artifacts: str, ports: Sequence[int]) -> dict[str, Json]:
    """What of `globals.*` only a backend knows: paths and ports. Services answer at the root of their port."""
    found: dict[str, Json] = {
        "artifacts_path": runs,
        "run_artifacts_path": artifacts,
        "run_outputs_path": f"{artifacts}/outputs",
    }
    if ports:
        found |= {"ports": list(ports), "base_url": "/", "base_urls": ["/"] * len(ports)}
    return found


def context(order: Order, where: Where) -> dict[str, Json]:
    """The context file of a process: what the run brought, completed."""
    brought = order.run.context
    sections: dict[str, Json] = {name: brought.get(name, {}) for name in ("params", "inputs", "upstream")}
    known = attempt_globals(where.runs, where.artifacts, where.ports)
    return {
        **brought,
        "schema": "plumbline.context/1",
        "run": {**_section(brought, "run"), **_run(order)},
        "globals": {**_section(brought, "globals"), **known},
        **sections,
        "replica": {"role": where.role, "index": where.index, "count": where.count},
        "ports": list(where.ports),
        "artifacts": where.artifacts,
    }


def variables(order: Order, where: Where) -> dict[str, str]:
    """The variables that no other may replace, without `PYTHONPATH`."""
    found = {
        "PLUMBLINE_RUN": str(order.key.run),
        "PLUMBLINE_PROJECT": order.stamp.project,
        "PLUMBLINE_COMMIT": order.run.commit,
        "PLUMBLINE_CONTEXT": where.context,
        "PLUMBLINE_ARTIFACTS": where.artifacts,
        "PLUMBLINE_OUTPUT": where.output,
        "PLUMBLINE_METRICS": where.metrics,
    }
    if where.ports:
        found["PLUMBLINE_PORT"] = str(where.ports[0])
    return found


def traced_by(order: Order, where: Where) -> dict[str, str]:
    """Variables by which the tracking library of Polyaxon works without an API, into the run's own folder.

    A run may set others: they come before those that its spec sets (docs/polyaxon-tracking.md).
    """
    if not where.traces:
        return {}
    return {
        "POLYAXON_IS_OFFLINE": "true",
        "POLYAXON_IS_MANAGED": "true",
        "POLYAXON_OFFLINE_ROOT": where.traces,
        "POLYAXON_RUN_INSTANCE": f"plumbline.run.runs.{trace_of(order)}",
    }


def trace_of(order: Order) -> str:
    """`trace_id` of the run of an order."""
    return trace_id(_run(order))


def trace_id(run: Mapping[str, Json]) -> str:
    """The id of a run as that library wants one, 32 hexadecimal digits, of `run` in its context file.

    The library keeps what it is told in `runs/ID` below its folder: a link to the run's own.
    """
    return hashlib.sha256(f"{run['instance']}/{run['project']}/{run['key']}".encode()).hexdigest()[:32]


def _run(order: Order) -> dict[str, Json]:
    stamp, key = order.stamp, order.key
    return {
        "key": str(key.run),
        "id": key.short_id(stamp.instance, stamp.project),
        "project": stamp.project,
        "instance": stamp.instance,
        "commit": order.run.commit,
        "root": key.root,
        "attempt": max(key.attempt, 1),
        "kind": order.run.kind,
    }


def _section(context: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = context.get(name)
    return found if isinstance(found, Mapping) else {}
