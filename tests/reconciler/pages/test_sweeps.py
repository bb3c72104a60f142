"""The page of a sweep: its trials with the best first, a page of them at a time."""

from __future__ import annotations

import pytest

from reconciler.backends.memory import Program
from tests.reconciler.api.support import World, eventually
from tests.reconciler.api.test_sweeps import running, settled
from tests.reconciler.pages.support import reading
from tests.reconciler.pages.test_bounds import LARGEST_PAGE
from tests.reconciler.pages.test_golden import held
from tests.reconciler.sweeps import GRID, NESTED, REPORTS, search

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SAID = "5 of 6 trials ended, 1 running, best loss 0.25 of 0001"


async def test_a_sweep_shows_its_trials_and_marks_the_best() -> None:
    world = World(programs=REPORTS)
    world.push({"tune.yaml": search()})
    async with world.running() as api, reading(world) as browser:
        await settled(api, "tune", SAID)
        page = await browser.get("/runs/tune@g1")
        assert SAID in page.text
        assert "tune@g1 processing" in page.text
        assert [row[0] for row in page.rows[1:7]] == ["0001 best", "0000", "0004", "0002", "0003", "0005"]
        assert [row[2] for row in page.rows[1:4]] == ["0.25", "0.5", "0.75"]
        assert "h2 Nodes" not in page.heads
        trial = await browser.get("/runs/tune@g1/0001")
        assert trial.status == 200
        assert "Trial of tune@g1" in trial.text
        held("sweep", page.html)


async def test_a_sweep_without_a_metric_lists_its_trials_by_number() -> None:
    world = World()
    world.push({"tune.yaml": search(matrix=GRID)})
    async with world.running() as api, reading(world) as browser:
        await settled(api, "tune", "3 of 3 trials ended")
        page = await browser.get("/runs/tune@g1")
        assert [row[0] for row in page.rows[1:4]] == ["0000", "0001", "0002"]
        assert "best" not in page.text
        assert "h2 Params" not in page.heads


async def test_a_thousand_trials_come_by_the_page() -> None:
    many = "{kind: random, numRuns: 1000, params: {rate: {kind: uniform, value: [0, 1]}}}"
    world = World(programs={f"{number:04d}": Program(seconds=0.0) for number in range(1000)})
    world.push({"tune.yaml": search(matrix=many)})
    async with world.running() as api, reading(world) as browser:
        await settled(api, "tune", "1000 of 1000 trials ended")
        first = await browser.get("/runs/tune@g1")
        assert "1,000 in all" in first.text
        assert len(first.rows) == 101
        assert "?page=2" in first.links
        last = await browser.get("/runs/tune@g1?page=10")
        assert last.rows[1][0] == "0900"
        assert "?page=11" not in last.links
        assert all(len(page.html) < LARGEST_PAGE for page in (first, last))


async def test_a_trial_that_is_a_dag_shows_what_it_was_made_with_its_own_graph_and_its_nodes() -> None:
    world = World(programs={"wait": Program(seconds=None)})
    world.push({"flow.yaml": NESTED})
    async with world.running() as api, reading(world) as browser:
        await eventually(lambda: running(api, "flow@g1/tune/0000/wait"))
        trial = await browser.get("/runs/flow@g1/tune/0000")
        assert "flow@g1/tune/0000 processing" in trial.text
        assert "Trial of flow@g1/tune" in trial.text
        assert ["rate", "1"] in trial.rows
        assert [row[0] for row in trial.rows if row[0].startswith("tune/")] == ["tune/0000/wait job"]
        assert "wait running" in trial.text
        assert "first" not in trial.text, "the graph is that of the trial"
        whole = await browser.get("/runs/flow@g1")
        assert "tune processing" in whole.text
        assert "first succeeded" in whole.text
        held("trial-dag", trial.html)
