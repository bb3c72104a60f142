"""Previews of pull requests, and what statuses and looks cost a forge in requests: real git, forges of the tests.

Requests are counted in time that is virtual, with the pace of writes that GitHub is really given.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
import structlog
import trio
import trio.testing

from benchmarks.stage import Row
from planner.guard import Budgets
from planner.model.commits import Change, StatusState, What
from planner.model.facts import CommitPlanned, StatusChanged
from planner.outbox import Budget
from planner.publish import context_of
from reconciler.forges.github.pulls import GitHubPulls
from reconciler.forges.http.pacing import Pace
from reconciler.loop import Loop
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import REPOSITORY, client_of, github, sha
from tests.reconciler.api.support import World
from tests.reconciler.pulls.world import Lives, job
from tests.simulation.clock import VirtualClock

SPECS = 1000
CHANGED = 10
ROUNDS = 20
PULLS = 200
AN_HOUR = 3600.0
GITHUB_AN_HOUR = 5000
COMMITS, RUNS = 20, 50


def run() -> list[Row]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[])
    return [*anyio.run(_previews), *anyio.run(_looks), *_statuses()]


async def _previews() -> list[Row]:
    """Each pull request changes other specs of a repository of a thousand, so that nothing of it is known before."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-", ignore_cleanup_errors=True) as name:
        lives = Lives(Path(name))
        lives.budgets = Budgets(starts=2 * SPECS)
        lives.begin()
        await lives.push({f"ops/op-{number:04}.yaml": job(f"op-{number:04}") for number in range(SPECS)})
        await lives.settle()
        whole, fetched = [], []
        for number in range(ROUNDS):
            first = number * CHANGED
            these = range(first, first + CHANGED)
            files = {f"ops/op-{one:04}.yaml": job(f"op-{one:04}", f"again-{number}") for one in these}
            head = lives.pull(str(number), files)
            begun = time.perf_counter()
            await lives.pulling._parts.heads.bring(lives.port.open[str(number)])  # noqa: SLF001 -- this step alone
            fetched.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            await lives.settle()
            whole.append(time.perf_counter() - begun)
            assert lives.said(head) == ("success", f"{CHANGED} change, nothing removed"), lives.said(head)
        await lives.end()
    note = f"x{statistics.median(whole) / statistics.median(fetched):.1f} the fetch"
    return [
        Row(f"preview of {CHANGED} changed of {SPECS} specs, p50", statistics.median(whole) * 1000, "ms", 500, note),
        Row("the slowest of them", max(whole) * 1000, "ms"),
    ]


async def _looks() -> list[Row]:
    """The first look, and those of an hour in which nothing changes."""
    fake = FakeForge(GitHubSpelling())
    for number in range(1, PULLS + 1):
        fake.state.pulls[str(number)] = {
            "number": number,
            "state": "open",
            "merged_at": None,
            "merge_commit_sha": None,
            "html_url": f"https://forge.example.org/{REPOSITORY}/pull/{number}",
            "user": {"login": "ann", "id": 7},
            "head": {"sha": sha(number), "ref": f"try-{number}", "repo": {"id": 1, "full_name": REPOSITORY}},
            "base": {"ref": "main", "sha": sha(0), "repo": {"id": 1, "full_name": REPOSITORY}},
        }

    async def own() -> Any:
        return lambda _: False

    client = client_of(fake)
    port = GitHubPulls(client, REPOSITORY, own)
    known: list[str] = []
    for _ in range(int(AN_HOUR / 60)):
        known = [pull.number for pull in await port.pulls("main", known)]
    assert len(known) == PULLS
    await client.close()
    note = f"of {GITHUB_AN_HOUR} that GitHub allows"
    return [Row(f"requests an hour for looking at {PULLS} open pull requests", len(fake.state.asked), "", 500, note)]


def _statuses() -> list[Row]:
    """Runs that are planned, run and end, a second apart each, and how often the forge hears of them."""
    found: list[FakeForge] = []

    async def play() -> None:
        found.append(await _told())

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0.001))
    (fake,) = found
    states = COMMITS * RUNS * 3
    reads = sum(asked.method != "POST" for asked in fake.state.asked)
    writes = len(fake.state.asked) - reads
    return [
        Row(f"writes for {COMMITS * RUNS} runs with 3 states each", writes, "", states, f"Flux: {2 * states} requests"),
        Row("reads of them", reads, "", note="none: the ledger knows what was said"),
        Row("most writes of one context", max(map(len, fake.state.statuses.values())), "", 3),
    ]


async def _told() -> FakeForge:
    fake, world = FakeForge(GitHubSpelling()), World(clock=VirtualClock())
    forge = github(fake, budget=Budget(), pace=Pace())
    world.core.forge = forge
    loop = Loop(world.core)
    async with anyio.create_task_group() as group:
        group.start_soon(loop._work)  # noqa: SLF001 -- without all that a daemon does besides
        for commit in range(COMMITS):
            await _commit(world, commit)
        while await world.ledger.unposted(1):  # noqa: ASYNC110 -- it is virtual time that passes
            await trio.sleep(5.0)
        group.cancel_scope.cancel()
    await forge.close()
    await world.backend.close()
    return fake


async def _commit(world: World, number: int) -> None:
    commit, roots = sha(number), [f"op-{index}" for index in range(RUNS)]
    changes = tuple(Change(root, What.CHANGED) for root in roots)
    now = world.clock.now
    await world.ledger.record([CommitPlanned(commit, "t", "main", now(), changes, 0, "")])
    for state, words in (
        (StatusState.PENDING, "planned"),
        (StatusState.PENDING, "running"),
        (StatusState.SUCCESS, "succeeded in 2 s"),
    ):
        said = [StatusChanged(root, commit, context_of("test", root), state, words, now()) for root in roots]
        await world.ledger.record(said)
        world.core.queue.add("forge")
        await trio.sleep(1.0)
