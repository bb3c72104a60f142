"""What people ask of a daemon, one small thing each: what they push and say, and how it is known to be done.

Each program says first that it was started, to a tally, by the name of its run and of its pod.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cluster.faults.point import Point

__all__ = ["WAITS", "WORKLOADS", "Workload", "job"]

WAITS = "trap 'exit 143' TERM; sleep 1000 & wait"
"""Runs until it is stopped: the first process of a container hears no TERM that it has no handler for."""
_FIRST_FAILS = "case $(hostname) in *-1-?????) exit 1;; esac"


@dataclass(frozen=True, slots=True)
class Workload:
    """One of them.

    Attributes:
        act: pushes, and says; waits in between for what must have happened before.
        done: whether it has come to its end, whatever is still to be tidied.
    """

    act: Callable[[Point], None]
    done: Callable[[Point], bool]


def _container(point: Point, script: str) -> dict[str, Any]:
    count = f"wget -q -O /dev/null {point.tally}/$PLUMBLINE_RUN/$(hostname)"
    return {"image": point.image, "command": ["/bin/sh", "-c", f"{count}\n{script}"]}


def _spec(name: str, run: Mapping[str, Any], **operation: Any) -> str:
    said = {"version": 1.1, "kind": "operation", "name": name, **operation, "component": {"run": run}}
    return json.dumps(said, indent=1)


def job(point: Point, name: str, script: str, **operation: Any) -> str:
    """An operation with one job that runs `script` in a shell."""
    return _spec(name, {"kind": "job", "container": _container(point, script)}, **operation)


def _service(point: Point, name: str, word: str) -> str:
    container = _container(point, f": {word}\n{WAITS}")
    return _spec(name, {"kind": "service", "ports": [8080], "container": container})


def _dag(name: str, nodes: Sequence[Mapping[str, Any]]) -> str:
    return _spec(name, {"kind": "dag", "operations": list(nodes)})


def _node(point: Point, name: str, script: str, **said: Any) -> dict[str, Any]:
    component = {part: said.pop(part, []) for part in ("inputs", "outputs")}
    return {
        "name": name,
        **said,
        "component": {**component, "run": {"kind": "job", "container": _container(point, script)}},
    }


def _is(name: str, *states: str) -> Callable[[Point], bool]:
    return lambda point: point.state_of(name) in states


# --- jobs ---


def _one(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", "true")})


def _failing(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", "exit 3")})


def _retried(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", _FIRST_FAILS, termination={"maxRetries": 1})})


def _timed_out(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", WAITS, termination={"timeout": 2})})


def _stopped(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", WAITS)})
    point.begun("train@g1")
    point.ask("stop", "train", _is("train", "stopped", "down"))


def _edited(point: Point) -> None:
    point.push({"train.yaml": job(point, "train", "sleep 3")})
    point.begun("train@g1")
    point.push({"train.yaml": job(point, "train", "true")})


def _ticking(point: Point) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat(timespec="seconds")
    point.push({"tick.yaml": job(point, "tick", "true", schedule={"kind": "datetime", "startAt": at})})


def _ticked(point: Point) -> bool:
    found = point.runs()
    return bool(found) and all(run["status"] == "succeeded" for run in found)


# --- graphs ---


# Nodes that do the same work would be cached, so each says something of its own.
def _three(point: Point) -> None:
    nodes = [
        _node(point, "first", ": first"),
        _node(point, "second", ": second", dependencies=["first"]),
        _node(point, "third", ": third", dependencies=["second"]),
    ]
    point.push({"flow.yaml": _dag("flow", nodes)})


def _slow(point: Point) -> None:
    nodes = [
        _node(point, "first", ": first"),
        _node(point, "second", "sleep 4", dependencies=["first"]),
        _node(point, "third", ": third", dependencies=["second"]),
    ]
    point.push({"flow.yaml": _dag("flow", nodes)})


def _handing_on(point: Point) -> None:
    makes = _node(point, "make", 'echo answer=21 >> "$PLUMBLINE_OUTPUT"', outputs=[{"name": "answer", "type": "int"}])
    params = {"n": {"ref": "ops.make", "value": "outputs.answer"}}
    uses = _node(point, "use", 'test "{{ n }}" = 21', params=params, inputs=[{"name": "n", "type": "int"}])
    point.push({"flow.yaml": _dag("flow", [makes, uses])})


# --- services ---


def _rolled(point: Point) -> None:
    point.push({"web.yaml": _service(point, "web", "one")})
    point.until(_is("web", "ready"), "the first is ready")
    point.push({"web.yaml": _service(point, "web", "two")})


def _second_is_ready(point: Point) -> bool:
    web = point.operation("web")
    return bool(web) and web["generation"] == 2 and web["state"] == "ready"


def _removed(point: Point) -> None:
    point.push({"web.yaml": _service(point, "web", "one"), "beside.yaml": job(point, "beside", "true")})
    point.until(_is("web", "ready"), "it is ready")
    point.push({"web.yaml": None})


def _is_gone(point: Point) -> bool:
    return point.state_of("beside") == "succeeded" and point.state_of("web") in {"", "removed", "stopped"}


def _revived(point: Point) -> None:
    point.push({"web.yaml": _service(point, "web", "one")})
    point.until(_is("web", "ready"), "it is ready")
    point.ask("stop", "web", _is("web", "down"))
    point.ask("retry", "web", lambda point: any("~" in run["key"] for run in point.runs()))


def _is_again(point: Point) -> bool:
    return point.state_of("web") == "ready" and any("~" in run["key"] for run in point.runs())


WORKLOADS = {
    "job": Workload(_one, _is("train", "succeeded")),
    "failing": Workload(_failing, _is("train", "failed")),
    "retried": Workload(_retried, _is("train", "succeeded")),
    "timed-out": Workload(_timed_out, _is("train", "failed")),
    "stopped": Workload(_stopped, _is("train", "stopped", "down")),
    "edited": Workload(_edited, _is("train", "succeeded")),
    "ticking": Workload(_ticking, _ticked),
    "three": Workload(_three, _is("flow", "succeeded")),
    "slow": Workload(_slow, _is("flow", "succeeded")),
    "handing-on": Workload(_handing_on, _is("flow", "succeeded")),
    "rolled": Workload(_rolled, _second_is_ready),
    "removed": Workload(_removed, _is_gone),
    "revived": Workload(_revived, _is_again),
}
