"""Effects are done one beside the other: whatever is wrong with one, the others are done."""

from datetime import UTC, datetime

import pytest
import structlog

from planner import keys
from planner.effects import Clean, Correct, Stop
from planner.model.facts import Cleaned, Corrected
from planner.model.gang import Container, Gang, Lifetime, Replica
from planner.model.records import AttemptRecord, RunRecord
from planner.model.run import BoundRun
from reconciler.apply import apply
from reconciler.errors import Refused, Transient, Unusable
from tests.reconciler.api.support import World

EPOCH = datetime(2026, 11, 26, 6, tzinfo=UTC)
pytestmark = [pytest.mark.unit, pytest.mark.anyio]

ONE, TWO = (keys.generation("train", 1).at_attempt(number) for number in (1, 2))
FAULTS = {
    "ours": (RecursionError("too deep"), "train@g1#1: an error of Plumbline's own, which its log has", 1),
    "of-the-outside": (Transient("the disk is full"), "the disk is full", 0),
}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.backend.close()


def failing(world, error):
    """Have cleaning of ONE fail; what else is done is kept in the list that is returned."""
    done = []

    async def clean(key):
        if key == ONE:
            raise error
        done.append(key)

    async def stop(key, grace):
        done.append(key)

    world.backend.clean, world.backend.stop = clean, stop
    return done


def serving(world):
    """A service whose only attempt lives."""
    key = keys.generation("train", 1)
    gang = Gang((Replica("main", 1, Container(image="i", command=("serve",))),), lifetime=Lifetime.ALWAYS)
    world.core.remember({"d1:b": BoundRun(key, "service", "d1:l", gang)})
    attempt = AttemptRecord(1, EPOCH, seen_at=EPOCH)
    return RunRecord(key, "train", "service", "c1", 1, "d1:f", EPOCH, bound="d1:b", attempts=(attempt,))


@pytest.mark.parametrize(("error", "said", "logged"), FAULTS.values(), ids=FAULTS.keys())
async def test_an_effect_that_fails_keeps_no_other_one_from_being_done(world, error, said, logged):
    done = failing(world, error)
    with structlog.testing.capture_logs() as lines:
        applied = await apply(world.core, "train", [Clean(ONE), Clean(TWO), Stop(ONE, None)])
    assert sorted(done) == [ONE, TWO]
    assert [fact.key for fact in applied.facts if isinstance(fact, Cleaned)] == [TWO]
    assert applied.failed == said
    assert [line["effect"] for line in lines if line["event"] == "effect crashed"] == ["clean"] * logged


async def test_a_workload_that_cannot_be_put_right_lives_on_and_that_is_recorded(world):
    async def ensure(_):
        raise Refused("a rule of the cluster says no")

    run = serving(world)
    world.backend.ensure = ensure
    applied = await apply(world.core, "train", [Correct(run.key.at_attempt(1), run)])
    (fact,) = applied.facts
    assert (fact.key, fact.failure) == (run.key.at_attempt(1), "a rule of the cluster says no")
    assert isinstance(fact, Corrected)


async def test_surroundings_that_cannot_be_used_end_it(world):
    failing(world, Unusable("another ledger's"))
    with pytest.raises(Unusable, match="another ledger's"):
        await apply(world.core, "train", [Clean(ONE), Clean(TWO)])
