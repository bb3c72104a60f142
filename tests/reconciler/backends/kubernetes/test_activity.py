"""When a service was last in use, by the words of agents, of which none may be old or ahead of time."""

from datetime import timedelta

import pytest

from reconciler.backends.kubernetes.activity import HOLDS, Activity
from tests.reconciler.backends.kubernetes.hand import NOW, Hand

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return Hand()


@pytest.fixture
def activity(clock):
    return Activity(clock)


def test_nobody_is_idle_of_whom_nothing_is_known(activity):
    assert activity.last("web") is None


@pytest.mark.parametrize(
    ("said", "last"),
    [(NOW - HOUR, NOW - HOUR), (NOW, NOW), (NOW + HOUR, NOW), (None, NOW)],
    ids=["idle", "in-use", "ahead", "cannot-be-asked"],
)
def test_a_word_is_what_the_service_said_and_never_later_than_now(activity, said, last):
    activity.tell("web", said.timestamp() if said else None)
    assert activity.last("web") == last


def test_of_several_pods_the_one_that_was_last_in_use_counts(activity, clock):
    activity.tell("web", (NOW - HOUR).timestamp())
    clock.at += timedelta(seconds=30)
    activity.tell("web", (NOW - 2 * HOUR).timestamp())
    assert activity.last("web") == NOW - HOUR


def test_a_word_that_is_old_is_none(activity, clock):
    activity.tell("web", (NOW - HOUR).timestamp())
    clock.at += HOLDS
    assert activity.last("web") == NOW - HOUR
    clock.at += timedelta(seconds=1)
    assert activity.last("web") is None
    activity.tell("web", (NOW - HOUR).timestamp())
    assert activity.last("web") == NOW - HOUR, "and what was known before it is known again"


def test_a_clock_that_is_put_back_makes_nobody_idle(activity, clock):
    activity.tell("web", NOW.timestamp())
    clock.at -= HOUR
    assert activity.last("web") is None
    activity.tell("web", None)
    assert activity.last("web") == NOW - HOUR


def test_what_is_over_is_forgotten(activity):
    activity.tell("web", None)
    activity.forget("web")
    activity.forget("web")
    assert activity.last("web") is None
