"""Each page shows each state: by its word, with why, and with links to what belongs to it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from planner.guard import Budgets
from reconciler.backends.memory import Program
from tests.reconciler.api.support import Answer, Api, World, dag, eventually, job, policy, service
from tests.reconciler.pages.support import Page, reading

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

NIGHTLY = "schedule: {kind: cron, cron: '0 2 * * *'}"
FILES = {
    "a.yaml": job("good"),
    "b.yaml": job("bad"),
    "c.yaml": job("slow"),
    "d.yaml": service("serve"),
    "e.yaml": job("nightly", more=NIGHTLY),
    "f.yaml": dag("graph"),
    "g/manual.yaml": job("asked"),
    "h.yaml": b"version: 1.1\nkind: operation\nname: broken\ncomponent: {run: {kind: job}}\n",
    **policy("policies: [{match: 'g/*', runPolicy: manual}]"),
}
STATES = {
    "good": "succeeded",
    "bad": "failed",
    "slow": "running",
    "serve": "ready",
    "nightly": "scheduled",
    "graph": "succeeded",
    "asked": "manual",
}


def sample() -> World:
    """A project with something in each state."""
    programs = {
        "good": Program(seconds=0.0, metrics={"loss": 0.25}, outputs={"best": "run-7"}, files={"model.bin": b"abc"}),
        "bad": Program(seconds=0.0, exit_code=3),
        "slow": Program(seconds=None),
    }
    return World(programs=programs)


async def settled(api: Api) -> None:
    """Wait until everything of the sample is as it will be."""

    async def look() -> Answer | None:
        found = await api.get("/v1/status")
        words = {item["operation"]: item["state"] for item in found["operations"] if item["operation"] in STATES}
        return found if words == STATES else None

    await eventually(look)


def row(page: Page, name: str) -> list[str]:
    """The row of a table that begins with `name`."""
    (found,) = [cells for cells in page.rows if cells and cells[0].split(" ")[0] == name]
    return found


async def test_the_first_page_has_every_operation_with_its_state_and_the_newest_commits() -> None:
    world = sample()
    ident = world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        page = await browser.get("/")
        assert {name: row(page, name)[1] for name in STATES} == STATES
        # What needs somebody is on top.
        assert [cells[0].split(" ")[0] for cells in page.rows[1:3]] == ["bad", "slow"]
        assert f"/commits/{ident}" in page.links
        assert "/operations/good" in page.links
        assert "1 problem in the newest commit" in page.text
        assert row(page, "nightly")[4].endswith("02:00:00")
        assert page.heads == ["h1 project", "h2 Operations", "h2 Newest commits"]


async def test_a_page_of_an_empty_project_says_so() -> None:
    world = World()
    async with world.running(), reading(world) as browser:
        page = await browser.get("/")
        assert "No operations." in page.text
        assert "No commit was planned yet." in page.text


async def test_the_page_of_a_commit_has_its_problems_with_places_and_what_it_changed() -> None:
    world = sample()
    ident = world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        page = await browser.get(f"/commits/{ident[:7]}")
        assert page.heads[0] == f"h1 Commit {ident[:10]} pending"
        assert "h.yaml:4:" in page.text
        assert row(page, "bad")[1:3] == ["added", "failure"]
        assert row(page, "good")[1:3] == ["added", "success"]
        assert row(page, "slow")[1:3] == ["added", "pending"]
        assert ident in page.text


async def test_problems_of_an_older_commit_are_counted() -> None:
    world = World()
    broken = b"version: 1.1\nkind: operation\nname: one\n---\nversion: 1.1\nkind: operation\nname: two\n"
    first = world.push({"a.yaml": job("good"), "b.yaml": broken})
    async with world.running() as api, reading(world) as browser:
        await eventually(lambda: _planned(api, first))
        world.push({"a.yaml": job("good")})

        async def newer() -> bool:
            return (await api.get("/v1/status"))["head"] != first

        await eventually(newer)
        page = await browser.get(f"/commits/{first}")
        assert "b.yaml" in page.text
        assert "and 1 more, which are listed as long as the commit is the newest" in page.text


async def _planned(api: Api, ident: str) -> bool:
    return (await api.client.get(f"/v1/commits/{ident}")).status_code == 200


@pytest.mark.parametrize("name", STATES)
async def test_the_page_of_an_operation_says_how_it_goes_and_why(name: str) -> None:
    world = sample()
    world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        page = await browser.get(f"/operations/{name}")
        explained = await api.get("/v1/explain", operation=name)
        assert page.heads[0] == f"h1 {name} {STATES[name]}"
        assert explained["answer"] in page.text
        runs = (await api.get("/v1/runs", root=name, query="pipeline: nil"))["runs"]
        assert [f"/runs/{run['id']}" in page.links for run in runs] == [True] * len(runs)
        assert ("It has not run yet." in page.text) == (not runs)
        assert ("h2 Next ticks" in page.heads) == (name == "nightly")
        assert ("h2 Graph" in page.heads) == (name == "graph")


async def test_a_held_operation_has_the_command_that_releases_it() -> None:
    world = World(budgets=Budgets(starts=1))
    world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    async with world.running() as api, reading(world) as browser:
        await api.until("one", "held")
        hold = (await api.get("/v1/status"))["holds"][0]
        for path in ("/", "/operations/one"):
            page = await browser.get(path)
            assert hold["reason"] in page.text
            assert hold["release"] in page.text


async def test_a_suspension_and_a_removal_are_told() -> None:
    world = World()
    world.push({"a.yaml": job("stays"), "b.yaml": job("goes")})
    async with world.running() as api, reading(world) as browser:
        await api.until("stays", "succeeded")
        await api.until("goes", "succeeded")
        await api.ask("suspend")
        assert "plumbline unsuspend" in (await browser.get("/")).text
        await api.ask("unsuspend")
        world.push({"a.yaml": job("stays")})

        async def gone() -> bool:
            return not await api.operation("goes")

        await eventually(gone)
        page = await browser.get("/operations/goes")
        assert page.heads[0] == "h1 goes removed"
        assert "it is not in the repository any more" in page.text


async def test_the_page_of_a_run_has_what_went_in_and_what_came_out() -> None:
    world = sample()
    world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        run = (await api.get("/v1/runs", root="good"))["runs"][0]
        for name in (run["key"], run["id"], "good@last"):
            page = await browser.get(f"/runs/{name}")
            assert page.heads[0] == "h1 good@g1 succeeded"
        assert row(page, "loss")[:2] == ["loss", "0.25"]
        assert row(page, "best") == ["best", "run-7"]
        assert row(page, "rate") == ["rate", "0.1"]
        assert "good@g1#1 ran in memory" in page.text
        assert page.heads[1:] == [
            f"h2 {head}" for head in ("Metrics", "Outputs", "Artifacts", "Log", "Attempts", "Inputs", "What it ran")
        ]


async def test_the_page_of_a_failed_run_says_why_and_what_to_do() -> None:
    world = sample()
    world.push(FILES)
    async with world.running() as api, reading(world) as browser:
        await settled(api)
        page = await browser.get("/runs/bad@g1")
        assert page.heads[0] == "h1 bad@g1 failed"
        assert "plumbline retry bad@g1" in page.text
        assert row(page, "1")[4:] == ["3", "exited"] or row(page, "1")[4] == "3"


async def test_the_page_of_a_dag_has_its_nodes_and_its_graph() -> None:
    world = World(programs={"second": Program(seconds=0.0, exit_code=1)})
    world.push({"f.yaml": dag("graph")})
    async with world.running() as api, reading(world) as browser:
        await api.until("graph", "failed")
        page = await browser.get("/runs/graph@g1")
        assert page.heads == ["h1 graph@g1 failed", "h2 Graph", "h2 Nodes"]
        assert row(page, "first")[1] == "succeeded"
        assert row(page, "second")[1] == "failed"
        assert {"/runs/graph@g1/first", "/runs/graph@g1/second"} <= set(page.links)
        node = await browser.get("/runs/graph@g1/second")
        assert node.heads[0] == "h1 graph@g1/second failed"


async def test_a_run_that_waits_says_for_what() -> None:
    world = World(programs={"first": Program(seconds=None)})
    world.push({"f.yaml": dag("graph")})
    async with world.running() as api, reading(world) as browser:

        async def begun() -> bool:
            return (await api.client.get("/v1/run", params={"run": "graph@g1/first"})).status_code == 200

        await eventually(begun)
        page = await browser.get("/runs/graph@g1")
        assert "processing" in page.heads[0] or "created" in page.heads[0] or "running" in page.heads[0]
        assert "1 in all" not in page.text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "There is no page at /nothing"),
        ("/commits/", 404, "There is no page at"),
        ("/commits/zz", 400, "is not a commit id"),
        ("/commits/abcd", 404, "no planned commit and no head of a pull request begins with abcd"),
        ("/operations/nope", 404, "is no operation here"),
        ("/operations/good@g1", 404, "is no operation here"),
        ("/runs/nope", 404, "is no operation, run key or run id here"),
        ("/runs/good@g9", 404, "there is no run good@g9"),
        ("/runs/good@g1%239", 404, "has 1 attempt"),
        ("/runs/", 404, ""),
        ("/?page=0", 400, "is a whole number from 1"),
        ("/?page=x", 400, "is a whole number from 1"),
        ("/?page=99999999999", 400, "is a whole number from 1"),
        ("/runs/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/runs/%00", 404, ""),
        ("/runs/%ff", 404, ""),
        ("/assets/style-0000.css", 404, "There is no page at"),
    ],
)
async def test_what_is_not_there_is_said(path: str, status: int, words: str) -> None:
    world = sample()
    world.push({"a.yaml": job("good")})
    async with world.running() as api, reading(world) as browser:
        await api.until("good", "succeeded")
        page = await browser.get(path, status)
        assert words in page.text


async def test_what_fits_more_than_one_thing_lists_them() -> None:
    world = World()
    world.push({f"{number}.yaml": job(f"job-{number}") for number in range(20)})
    async with world.running() as api, reading(world) as browser:
        for number in range(20):
            await api.until(f"job-{number}", "succeeded")
        # The ids follow from the names: of these 20 some begin alike.
        ids = sorted(run["id"] for run in (await api.get("/v1/runs"))["runs"])
        shared = next(one[:3] for one, other in pairwise(ids) if one[:3] == other[:3])
        page = await browser.get(f"/runs/{shared}", 409)
        assert sum(link.startswith("/runs/") for link in page.links) >= 2


async def test_the_page_of_a_commit_has_its_plan_in_the_words_of_plumbline_plan() -> None:
    world = World(programs={"slow": Program(seconds=None)})
    first = world.push({"a.yaml": job("good"), "b.yaml": job("slow"), "c.yaml": job("gone"), "d.yaml": job("moved")})
    files = {
        "a.yaml": job("good", command="train --more"),
        "b.yaml": job("slow", more="termination: {maxRetries: 2}"),
        "d.yaml": job("renamed"),
    }
    async with world.running() as api, reading(world) as browser:
        await api.until("good", "succeeded")
        page = await browser.get(f"/commits/{first}")
        assert "4 start" in page.text
        assert "+ start good (job): new in the repository starts good@g1" in page.text
        second = world.push(files)
        await eventually(lambda: _planned(api, second))
        asked = await api.client.get("/v1/plan", params={"head": second, "base": first})
        words = [line for line in asked.json()["text"].splitlines() if line[:1] in set("+-~@.>!")]

        async def begun() -> bool:
            return "starts good@g2" in (await browser.get(f"/commits/{second}")).text

        await eventually(begun)
        page = await browser.get(f"/commits/{second}")
        assert "h2 Plan" in page.heads
        for line in words:
            assert line in page.text
        assert '/container/command/0: "train" -> "train --more"' in page.text
        assert page.text.index("- remove gone") < page.text.index("~ update good")
        # What the first commit started good with is not in force any more, and it says no more of it.
        page = await browser.get(f"/commits/{first}")
        assert "+ start good (job): new in the repository" in page.text
        assert "starts good@g1" not in page.text


async def test_the_plan_of_a_commit_says_what_waits_for_a_person() -> None:
    world = World(budgets=Budgets(starts=1))
    ident = world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    async with world.running() as api, reading(world) as browser:
        await eventually(lambda: _planned(api, ident))
        page = await browser.get(f"/commits/{ident}")
        assert "release it with: plumbline approve" in page.text
        assert "one, two" in page.text


async def test_a_plan_whose_specs_are_gone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_: object) -> dict[str, object]:
        return {}

    world = World()
    ident = world.push({"a.yaml": job("good")})
    async with world.running() as api, reading(world) as browser:
        await eventually(lambda: _planned(api, ident))
        monkeypatch.setattr(world.core, "forms", none)
        page = await browser.get(f"/commits/{ident}")
        assert "What it changed of 1 operation is not kept any more" in page.text
        assert f"plumbline plan --head {ident[:10]}" in page.text
