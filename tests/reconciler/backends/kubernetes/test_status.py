"""What the objects of an attempt say: one file a state."""

import copy
import dataclasses
import json
import random

import pytest

from planner.model.run import Phase
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.status import is_taken, observe, words
from reconciler.backends.kubernetes.trim import trimmed
from tests.reconciler.backends.kubernetes import states
from tests.reconciler.backends.kubernetes.orders import STAMP

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", states.states())
def test_state(name):
    """`python tests/golden/regenerate.py` writes what is expected anew; the difference is read in the review."""
    assert states.golden(name) == states.expected(name).read_text()


def test_nothing_is_expected_without_a_state():
    files = {path.name.removesuffix(states.EXPECTED) for path in states.STATUS.glob(f"*{states.EXPECTED}")}
    assert files == set(states.states())


@pytest.mark.parametrize("name", states.states())
def test_laws_of_an_observation(name):
    """What holds of every observation, whatever the state (planner.model.run.Observation)."""
    _lawful(observe(states.objects(name)))


def _lawful(seen):
    ended = seen.phase is Phase.ENDED
    assert (seen.reason is not None) == ended
    assert (seen.ended_at is not None) == ended
    assert seen.stamp == STAMP
    assert not (ended and seen.ready)
    if seen.started_at is not None and seen.ended_at is not None:
        assert seen.started_at <= seen.ended_at
    if seen.phase is Phase.STARTING:
        assert seen.started_at is None
    assert "\n" not in seen.message
    assert len(seen.message) <= 400


@pytest.mark.parametrize("name", states.states())
def test_what_is_kept_in_memory_says_the_same(name):
    """The backend watches trimmed objects."""
    whole = states.objects(name)
    pods = [trimmed(pod) for pod in whole.pods]
    less = dataclasses.replace(whole, workload=trimmed(whole.workload), pods=pods)
    assert observe(less) == observe(whole)


@pytest.mark.parametrize("name", states.states())
def test_equal_texts_of_objects_are_kept_once(name):
    """A thousand services have five thousand pods whose labels, images and states are the same."""
    told = json.dumps(states.objects(name).workload)
    one, other = [trimmed(json.loads(told)) for _ in range(2)]
    assert set(map(id, _texts(one))) == set(map(id, _texts(other)))


def _texts(value):
    if isinstance(value, str):
        yield value
    for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _texts(each)
    yield from value if isinstance(value, dict) else ()


@pytest.mark.parametrize("name", states.states())
def test_the_order_of_pods_says_nothing(name):
    whole = states.objects(name)
    pods = list(whole.pods)
    random.Random(name).shuffle(pods)
    assert observe(dataclasses.replace(whole, pods=pods)) == observe(whole)


@pytest.mark.parametrize("name", states.states())
def test_an_object_that_says_less_is_no_crash(name):
    """A server of another version, or somebody's edit, leaves fields out: every one, one at a time."""
    whole = states.objects(name)
    for path in _paths(whole.workload["status"]):
        _observed_without(whole, path, -1)
    for index, pod in enumerate(whole.pods):
        for path in _paths(pod["status"]):
            _observed_without(whole, path, index)


def _observed_without(whole, path, index):
    less = copy.deepcopy(whole)
    at = less.workload["status"] if index < 0 else less.pods[index]["status"]
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    _lawful(observe(less))


def _paths(value, at=()):
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield (*at, name)
        yield from _paths(inner, (*at, name))


def test_an_object_without_a_key_is_refused():
    whole = states.objects("job-running")
    workload = copy.deepcopy(whole.workload)
    del workload["metadata"]["annotations"][names.KEY]
    with pytest.raises(ValueError, match="has no key of a run"):
        observe(dataclasses.replace(whole, workload=workload))


def test_the_same_trouble_gives_the_same_words():
    """What changes from one try to the next would be a new fact each time."""
    first, later = observe(states.objects("job-image-pull-first")), observe(states.objects("job-image-pull"))
    assert first == later


def test_the_port_that_a_question_came_from_is_not_told():
    said = 'failed to resolve reference "r/i:1": dial tcp: lookup r: read udp {}->10.0.0.53:53: timeout'
    found = set()
    for own in ("10.1.0.7:41234", "10.1.0.7:55012", "[fd00::7]:1234"):
        waiting = {"reason": "ErrImagePull", "message": said.format(own)}
        found.add(words.of_waiting({"name": "main", "image": "r/i:1", "state": {"waiting": waiting}}))
    assert len(found) == 1
    assert "read udp 10.0.0.53:53: timeout" in found.pop()


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("job-queued", False),  # it has not begun
        ("job-suspended", False),
        ("job-taken-back", True),
        ("job-given-up", False),  # that was done
        ("job-stop-not-heard-yet", False),
        ("job-running", False),
    ],
)
def test_a_job_is_taken_that_had_begun_and_that_somebody_else_suspends(name, taken):
    state = states.objects(name)
    assert is_taken(state.workload, state.pods, state.queued) is taken
    ending = {"metadata": {"deletionTimestamp": "2026-11-23T06:00:00Z"}}
    by_hand = name in {"job-queued", "job-suspended"}
    assert is_taken(state.workload, [ending], state.queued) is (taken or by_hand)
