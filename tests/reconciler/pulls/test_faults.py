"""Whatever goes wrong on the way, pull requests say in the end what a daemon says that nothing ever happened to."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from planner.model import facts as f
from planner.model.pulls import PullState
from reconciler.errors import Refused, Transient
from reconciler.forges.memory import MemoryForge
from reconciler.ledger.memory import MemoryLedger
from tests.reconciler.pulls.world import Lives, MemoryPulls, job

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SEEDS = 8
STEPS = 14


@pytest.fixture
def anyio_backend():
    return "asyncio"


class DeadError(Exception):
    """The daemon dies here."""


class Story:
    """People and faults, by chance."""

    def __init__(self, lives: Lives, seed: int) -> None:
        self.lives = lives
        self.chance = random.Random(seed)

    async def step(self) -> None:
        lives, chance = self.lives, self.chance
        match chance.randrange(7):
            case 0 | 1:
                number = f"{chance.randrange(4)}"
                files = {f"p{number}.yaml": job(f"p-{number}", f"c{chance.randrange(3)}")}
                if chance.random() < 0.4:
                    files["shared.yaml"] = job("shared", f"mine-{chance.randrange(3)}")
                if chance.random() < 0.2:
                    files = {"words.md": b"x%d" % chance.randrange(9)}
                if number not in lives.port.over:
                    lives.pull(number, files)
            case 2:
                await lives.push({"shared.yaml": job("shared", f"theirs-{chance.randrange(3)}")})
            case 3:
                await lives.push({"other.yaml": job("other", f"c{chance.randrange(9)}")})
            case 4:
                error = chance.choice([Transient("not now"), Refused("no right"), ValueError("ours")])
                lives.port.failures.append(error)
            case 5:
                lives.ledger.before = self._die
            case _:
                lives.begin()
                await lives.commits.reconcile()
        await lives.settle()

    async def _die(self, facts: object) -> None:
        """Fail once, before or in place of a record of what was said."""
        if any(isinstance(fact, f.PullNoted) for fact in facts):  # type: ignore[attr-defined]
            self.lives.ledger.before = None
            raise DeadError


def shown(lives: Lives, port: MemoryPulls) -> dict[str, tuple[tuple[str, str] | None, str]]:
    """Status and comment of each pull request that is open, without when it was planned."""
    found = {}
    for number, pull in lives.port.open.items():
        bodies = [body for on, body in port.comments.values() if on == number]
        assert len(bodies) <= 1, "one comment a pull request"
        found[number] = (lives.said(pull.head), "".join(bodies).rsplit("<sub>", 1)[0])
    return found


async def settled(lives: Lives) -> None:
    """A life without faults, long enough for whatever is marked to be planned anew."""
    lives.port.failures.clear()
    lives.ledger.before = None
    lives.begin()
    await lives.commits.reconcile()
    for _ in range(6):
        await lives.settle()


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_end_is_what_it_is_without_faults(tmp_path: Path, seed: int) -> None:
    lives = Lives(tmp_path, refresh=-1.0)
    await lives.push({"shared.yaml": job("shared"), "other.yaml": job("other"), "words.md": b"x"})
    story = Story(lives, seed)
    for _ in range(STEPS):
        await story.step()
    await settled(lives)
    assert not lives.pulling.stuck
    port = lives.port
    found = shown(lives, port)
    assert {pull.state for pull in (await lives.ledger.pulls()).values()} <= {PullState.OPEN}
    # The same repository, and nobody who ever said anything.
    lives.port, lives.ledger, lives.forge = MemoryPulls(), MemoryLedger(), MemoryForge()
    lives.port.open = port.open
    lives.begin()
    await lives.commits.reconcile()
    await lives.settle()
    wanted = shown(lives, lives.port)
    for number, (status, body) in wanted.items():
        assert found[number][0] == status
        # One that was there says that nothing is left, or why there is no plan; a fresh one is not posted for that.
        said = found[number][1]
        assert said == body or (not body and any(words in said for words in ("nothing changes", "has no plan"))), number
    await lives.end()
