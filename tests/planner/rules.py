"""What the golden folder of rules says: for each case of a table all that follows, and each trigger against all ends.

The tables check what a case is about; these files show everything else that it leads to, so that a change of a rule is
read as a whole. `python tests/golden/regenerate.py` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement

from planner.model.desired import Node
from planner.model.status import RunStatus
from tests.planner.builders import dag, job, node, when
from tests.planner.cases import Case
from tests.planner.history import History, Step, after, ask, decisions, end, push, waits
from tests.planner.test_approvals import APPROVALS
from tests.planner.test_cache import CACHE
from tests.planner.test_conditions import CONDITIONS
from tests.planner.test_dags import NODES
from tests.planner.test_events import EVENTS
from tests.planner.test_hooks import HOOKS
from tests.planner.test_joins import JOINED, JOINS
from tests.planner.test_outside_events import OUTSIDE

__all__ = ["rules"]

TABLES: Mapping[str, Sequence[Case]] = {
    "approvals": APPROVALS,
    "cache": CACHE,
    "conditions": CONDITIONS,
    "events": EVENTS,
    "hooks": HOOKS,
    "joins": (*JOINS, *(Case(name, "what it finds", steps) for name, (steps, _) in JOINED.items())),
    "nodes": NODES,
    "outside-events": OUTSIDE,
}
TRIGGERS = ("all_succeeded", "all_failed", "all_done", "one_succeeded", "one_failed", "one_done")
ENDS = ("succeeded", "failed", "upstream_failed", "stopped", "skipped", "running")
MOST_UPSTREAM = 3


def rules() -> dict[str, str]:
    """Every file of the folder by name."""
    found = {f"{name}.txt": "\n".join(map(_told, cases)) for name, cases in TABLES.items()}
    return {**found, "triggers.txt": "".join(f"{row}\n" for row in _triggers())}


def _told(case: Case) -> str:
    history = after(*case.given, **case.world)
    told = [f"# {case.ident}: {case.reason}", *decisions(history.facts)]
    told += [text for root in sorted(history.waits) for text in waits(history, root)]
    told += [f"= {key} {status}" for key, status in history.runs().items()]
    told += list(_joined(history))
    return "".join(f"{line}\n" for line in told)


def _joined(history: History) -> Iterator[str]:
    """What joins found, and what of it is bound."""
    for key, run in sorted(history.ledger.snapshot().runs.items()):
        bound = history.bound.get(run.bound)
        for found in bound.joined if bound is not None else ():
            params = bound.context["params"]
            values = ", ".join(f"{name} {json.dumps(params[name])}" for name in found.names)
            yield f"{key} joins {', '.join(map(str, found.runs)) or 'nothing'}: {values}"


def _triggers() -> Iterator[str]:
    """A row for each combination of ends: what becomes of a node with each trigger, and of one that skips with them."""
    names = (*TRIGGERS, "skips")
    widths = [max(map(len, (name, "upstream_failed"))) for name in names]
    yield "  ".join(
        [f"{'upstream':<44}", *(f"{name:<{width}}" for name, width in zip(names, widths, strict=True))]
    ).rstrip()
    for count in range(1, MOST_UPSTREAM + 1):
        for ends in combinations_with_replacement(ENDS, count):
            history = after(*_ended(ends))
            found = [_word(history, name) for name in names]
            cells = (f"{word:<{width}}" for word, width in zip(found, widths, strict=True))
            yield "  ".join([f"{' + '.join(ends):<44}", *cells]).rstrip()


def _word(history: History, name: str) -> str:
    return history.runs().get(f"flow@g1/{name}", "waits").replace("running", "starts")


def _ended(ends: Sequence[str]) -> list[Step]:
    """A DAG whose first nodes come to these ends, and in which a node with each trigger waits for them all."""
    nodes: list[Node] = [node("bad")] if "upstream_failed" in ends else []
    steps: list[Step] = [end("flow@g1/bad#1", 1)] if nodes else []
    names = [f"n{index}" for index in range(len(ends))]
    for name, status in zip(names, ends, strict=True):
        nodes.append(_MADE[status](name))
        steps += [] if status not in _DONE else [_DONE[status](f"flow@g1/{name}")]
    followers = [node(job(trigger, trigger), *names, trigger=trigger) for trigger in TRIGGERS]
    followers.append(node(job("skips", "skips"), *names, trigger="all_done", skips=True))
    return [push(dag("flow", *nodes, *followers)), *steps]


_MADE: Mapping[str, Callable[[str], Node]] = {
    **dict.fromkeys(("succeeded", "failed", "stopped", "running"), lambda name: node(job(name, name))),
    "upstream_failed": lambda name: node(job(name, name), "bad"),
    "skipped": lambda name: node(when(job(name, name), False)),
}
_DONE: Mapping[str, Callable[[str], Step]] = {
    "succeeded": lambda key: end(f"{key}#1"),
    "failed": lambda key: end(f"{key}#1", 1),
    "stopped": lambda key: ask("stop", "flow", key=key),
}

assert {status for status in RunStatus if status.final} <= set(ENDS)
