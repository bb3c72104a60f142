"""The context files of one run of every kind, and of every cause, as the real code writes them.

Compiled from a spec, bound as a start binds it, completed as the local backend completes it: one file for each process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from planner import keys
from planner.canon import Json
from planner.compile.bind import BindRequest, bind, finish_run
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag
from planner.model.events import OutsideEvent
from planner.model.run import Leases, Stamp
from reconciler.backends.local import environment
from reconciler.backends.machine.draft import attempt_globals, members_of
from reconciler.ports import Order
from tests.planner.compile.trees import compiled

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
STAMP = Stamp("5f0c", 7, "default", "vision")
RUNS = Path("/var/lib/plumbline/runs")

CONTAINER: dict[str, Json] = {"container": {"image": "python:3.13", "command": ["python", "main.py"]}}
TWO: dict[str, Json] = {"replicas": 2, **CONTAINER}

KINDS: Mapping[str, dict[str, Json]] = {
    "job": {**CONTAINER},
    "service": {"ports": [8080, 9090], **CONTAINER},
    "notifier": {**CONTAINER},
    "cleaner": {**CONTAINER},
    "tuner": {**CONTAINER},
    "tfjob": {"chief": CONTAINER, "ps": TWO, "worker": TWO, "evaluator": CONTAINER},
    "pytorchjob": {"master": CONTAINER, "worker": TWO},
    "mpijob": {"launcher": CONTAINER, "worker": TWO},
    "raycluster": {"head": CONTAINER, "workers": {"small": TWO, "large": CONTAINER}},
    "rayjob": {"entrypoint": "python main.py", "head": CONTAINER, "workers": {"small": TWO}},
    "daskcluster": {"scheduler": CONTAINER, "worker": TWO},
    "daskjob": {"job": CONTAINER, "scheduler": CONTAINER, "worker": TWO},
    "sparkjob": {"driver": CONTAINER, "executor": TWO},
}
"""A run of every kind that lowers to a gang."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a run."""

    operation: CompiledOperation
    key: Key
    values: Mapping[str, Json]
    upstream: Mapping[str, Json]
    event: OutsideEvent | None = None


def contexts() -> dict[str, str]:
    """Every golden file by name: an object with the context file of each process, by role and index."""
    starts = {kind: Start(_operation(kind), keys.generation("train", 3), {}, {}) for kind in KINDS}
    starts |= _causes()
    return {
        f"{name}.json": json.dumps(_files(start), indent=2, sort_keys=True) + "\n" for name, start in starts.items()
    }


def _causes() -> dict[str, Start]:
    job, node = _operation("job"), _node()
    upstream: dict[str, Json] = {"prepare": {"status": "succeeded", "outputs": {"rows": 1200}}}
    event = OutsideEvent("e-1", "alert_info", "drift", AT, {"severity": 2}, by="ada")
    return {
        "cause-tick": Start(job, keys.tick("train", AT), {}, {}),
        "cause-request": Start(job, keys.request("train", "mzxw6ytb"), {}, {}),
        "cause-event": Start(job, keys.event("train", "9b1c"), {}, {}, event),
        "cause-retry": Start(job, keys.generation("train", 3).at_round(2), {}, {}),
        "dag-node": Start(node, keys.generation("flow", 1).child("fit"), {"rows": 1200}, upstream),
    }


def _operation(kind: str) -> CompiledOperation:
    run = {"kind": kind, **KINDS[kind]}
    inputs = [{"name": "rate", "type": "float", "value": 0.1}, {"name": "tags", "value": ["a", "b"], "type": "list"}]
    component = {"inputs": inputs, "run": run}
    return _compiled("train", {"component": component, "params": {"rate": {"value": 0.5}}})


def _node() -> CompiledOperation:
    """The node `fit` of a DAG, whose input is an output of the node `prepare`."""
    job = {"kind": "job", **CONTAINER}
    prepare = {"name": "prepare", "component": {"outputs": [{"name": "rows", "type": "int"}], "run": job}}
    fit = {
        "name": "fit",
        "component": {"inputs": [{"name": "rows", "type": "int"}], "run": job},
        "params": {"rows": {"ref": "ops.prepare", "value": "outputs.rows"}},
    }
    body = _compiled("flow", {"component": {"run": {"kind": "dag", "operations": [prepare, fit]}}}).body
    assert isinstance(body, Dag)
    return next(node.operation for node in body.nodes if node.operation.name == "fit")


def _compiled(name: str, more: Mapping[str, object]) -> CompiledOperation:
    state = compiled({"a.json": json.dumps({"version": 1.1, "kind": "operation", "name": name, **more})})
    assert name in state.roots, [str(problem) for problem in state.problems]
    return state.roots[name]


def _files(start: Start) -> dict[str, Json]:
    bound = bind(
        BindRequest(
            operation=start.operation,
            key=start.key,
            values=start.values,
            upstream=start.upstream,
            identity=(STAMP.instance, STAMP.project),
            commit="c" * 40,
            opened_at=AT,
            because="a golden file",
            event=start.event,
        )
    )
    leases = Leases(ports=tuple(20_000 + number for number in range(len(bound.gang.ports))))
    order = Order(start.key.at_attempt(1), bound, leases, STAMP)
    artifacts = RUNS / "default" / "vision" / "runs" / start.key.short_id(STAMP.instance, STAMP.project)
    order = Order(order.key, finish_run(bound, attempt_globals(order, artifacts)), leases, STAMP)
    found = members_of(order, RUNS / "attempt", artifacts)
    return {member.name: environment.context(order, member) for member in found}
