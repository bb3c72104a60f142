"""What nobody puts into a pod yet is refused before anything is made."""

import pytest

from planner import keys
from planner.model.artifacts import Earlier
from planner.model.gang import Container, Gang, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.kubernetes import doable
from reconciler.errors import Refused
from reconciler.ports import Order

pytestmark = pytest.mark.unit

KEY = keys.generation("train", 1)


def order(*init, earlier=None):
    gang = Gang((Replica("main", 1, Container(image="i"), {"init": init}),))
    return Order(
        KEY.at_attempt(1), BoundRun(KEY, "job", "d1:0", gang, earlier=earlier), Leases(), Stamp("l", 1, "i", "p")
    )


def test_containers_of_a_spec_are_pods_own():
    doable.check(order({"container": {"image": "i"}}, {"container": {"image": "i"}, "connection": "c", "path": "x"}))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"file": {"content": "x"}}, r"init\[0\] \(file\): only code"),
        ({"artifacts": {"files": ["a"]}, "connection": "s"}, r"init\[0\] \(artifacts\): only code"),
        ({"connection": "s"}, r"init\[0\] \(connection\): only code"),
    ],
)
def test_what_the_agent_cannot_get_is_refused(entry, words):
    with pytest.raises(Refused, match=words):
        doable.check(order(entry))


def test_an_earlier_round_is_refused_with_what_to_do():
    with pytest.raises(Refused, match="without --resume"):
        doable.check(order(earlier=Earlier(KEY)))
