"""What counts as the end of a program whose agent could not hand over all that it left."""

import json
from types import SimpleNamespace

import pytest

from planner.model.artifacts import Artifacts
from planner.model.run import Stamp
from planner.model.status import StopReason
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.objects import Found
from reconciler.backends.kubernetes.sight import Sight
from tests.reconciler.backends.kubernetes.states import objects

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class Desk:
    """Where this was brought; None where nobody brought the end."""

    def __init__(self, output):
        self._output = output

    async def taken(self, name, attempt):
        return Artifacts("train@g3", (), 0, 0)

    async def output(self, name):
        return self._output


async def end(said, *, output=None, gone=False, code=0):
    """The end of a program that ended with `code`, whose sidecar left `said` in its last words."""
    state = objects("job-succeeded-agent" if not code else "job-failed-last-words")
    pod = json.loads(json.dumps(state.pods[0]))
    statuses = pod["status"]
    (beside,) = (one for one in statuses["initContainerStatuses"] if one["name"] == layout.SIDECAR)
    beside["state"]["terminated"]["message"] = said if isinstance(said, str) else json.dumps(said)
    found = Found("Job", state.workload, (pod,))

    async def pods_of(_):
        return () if gone else (pod,)

    watched = SimpleNamespace(pods_of=pods_of)
    return await Sight(watched, Desk(output), Stamp("5f0c", 7, "default", "vision")).look(found)


LEFT = {"schema": "plumbline.left/1", "output": "answer=42", "metrics": {}}


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({**LEFT, "unsent": 3}, "3 of its files"),
        ({**LEFT, "unsent": 1}, "a file of it"),
        ({"schema": "plumbline.left/1", "more": True}, "its outputs"),
        ("", "what it left"),
    ],
)
async def test_a_success_of_which_something_is_missing_is_lost(said, missing):
    found = await end(said)
    assert found.reason is StopReason.LOST
    assert found.message == f"it succeeded, but {missing} did not come along, as nobody took it in time"


async def test_a_success_whose_pod_was_removed_before_its_agent_was_done_is_lost():
    found = await end(LEFT, gone=True)
    assert (found.reason, found.exit_code) == (StopReason.LOST, 0)
    assert found.message == "it succeeded, but what it left did not come along, as its pod was removed before"


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (LEFT, {}),
        ({**LEFT, "more": True}, {}),
        ({**LEFT, "unsent": 3}, {"output": b"answer=42"}),
        ("", {"output": b""}),
    ],
    ids=["nothing-left", "only-metrics-do-not-fit", "handed-over", "handed-over-without-a-word"],
)
async def test_nothing_is_missing(said, more):
    found = await end(said, **more)
    assert (found.reason, found.exit_code) == (StopReason.EXITED, 0)


async def test_a_failure_stays_what_it_is():
    found = await end({**LEFT, "unsent": 3}, code=1)
    assert found.reason is StopReason.EXITED
    assert found.exit_code
