"""However much there is, a page has a part of it: of nodes, runs, logs, values and series."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from planner.keys import Key
from planner.model.metric import Metric
from planner.render.tone import Tone, tone
from reconciler.backends.memory import Program
from reconciler.pages.curves import WIDTH, draw
from reconciler.pages.drawing import MOST_NODES, drawing_of
from reconciler.pages.tail import LARGEST, LINES
from tests.reconciler.api.support import World, job
from tests.reconciler.pages.support import reading

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

LARGEST_PAGE = 512 << 10
"""Bytes that any of these pages may have."""


def wide(name: str, nodes: int) -> bytes:
    """A DAG of nodes that wait for nobody."""
    listed = "".join(f"      - {{name: n{at}, hubRef: noop}}\n" for at in range(nodes)).replace("hubRef: noop", NODE)
    return f"""\
version: 1.1
kind: operation
name: {name}
component:
  run:
    kind: dag
    operations:
{listed}""".encode()


NODE = "component: {run: {kind: job, container: {image: i, command: [one]}}}"


async def test_the_nodes_of_a_large_dag_come_by_the_page_and_are_not_all_read() -> None:
    world = World(programs={f"n{at}": Program(seconds=0.0) for at in range(600)})
    world.push({"a.yaml": wide("wide", 600)})
    async with world.running() as api, reading(world) as browser:
        await api.until("wide", "succeeded")
        asked = _counted(world)
        first = await browser.get("/runs/wide@g1")
        assert "600 in all; those that have begun of 1 to 200" in first.text
        assert len(first.rows) == 201
        assert "h2 Graph" not in first.heads
        assert "?page=2" in first.links
        last = await browser.get("/runs/wide@g1?page=3")
        assert len(last.rows) == 201
        assert "?page=4" not in last.links
        node = await browser.get("/runs/wide@g1/n7")
        assert "h2 Nodes" not in node.heads
        assert max(asked) <= 200
        assert all(len(page.html) < LARGEST_PAGE for page in (first, last, node))


def _counted(world: World) -> list[int]:
    """How many runs each read of the ledger brings from now on."""
    asked: list[int] = [0]
    read = world.ledger.runs

    async def counted(query: Any) -> Any:
        found = await read(query)
        asked.append(len(found))
        return found

    world.core.ledger.runs = counted  # type: ignore[method-assign]
    return asked


async def test_a_large_output_is_cut_and_says_how_much_is_left() -> None:
    outputs = {"report": "<" * (1 << 20), "table": [list(range(100_000))], **{f"o{at}": at for at in range(500)}}
    world = World(programs={"train": Program(seconds=0.0, outputs=outputs)})
    world.push({"a.yaml": job("train")})
    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        page = await browser.get("/runs/train@g1")
        assert "1,046,576 letters more" in page.text
        assert "and 302 more" in page.text
        assert len(page.html) < LARGEST_PAGE


async def test_the_end_of_a_large_log_is_shown_and_no_more_is_kept() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    lines = b"".join(b"line %d <b>\n" % at for at in range(1000))

    async def logs(key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        assert tail == LINES + 1  # what a backend can leave out, it is asked to
        for _ in range(1024):
            yield b"x" * (64 << 10)  # 64 MB without an end of a line
        yield b"\n" + lines

    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        world.backend.logs = logs  # type: ignore[method-assign]
        page = await browser.get("/runs/train@g1")
        assert "line 999 <b>" in page.text
        assert "line 1 <b>" not in page.text
        assert "Its end; plumbline logs train@g1 prints all of it." in page.text
        assert len(page.html) < 6 * LARGEST


async def test_a_log_that_does_not_come_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.pages.tail._SECONDS", 0.01)
    world = World()
    world.push({"a.yaml": job("train")})

    async def logs(key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        yield b"begun\n"
        await _forever()

    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        world.backend.logs = logs  # type: ignore[method-assign]
        page = await browser.get("/runs/train@g1")
        assert "the log did not come within" in page.text
        assert "begun" in page.text


async def _forever() -> None:
    import anyio

    await anyio.sleep_forever()


async def test_a_long_series_is_read_in_bounds_and_let_go_of() -> None:
    world = World(programs={"train": Program(seconds=0.0, metrics={"loss": 0.125})})
    world.push({"a.yaml": job("train")})
    read, closed = [0], [0]

    async def metrics(key: Key) -> AsyncIterator[Sequence[Metric]]:
        try:
            for piece in range(1000):  # a million values
                read[0] += 1000
                yield [Metric("loss", float(piece * 1000 + at), piece * 1000 + at) for at in range(1000)]
        finally:
            closed[0] += 1

    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        world.backend.metrics = metrics  # type: ignore[method-assign]
        page = await browser.get("/runs/train@g1")
        assert read[0] <= 22_000
        assert closed == [1]
        # The last value is that which the run has kept, not the last that was read.
        assert [cells[:2] for cells in page.rows if cells[0] == "loss"] == [["loss", "0.125"]]
        assert "Curves of the first 20,000 values" in page.text
        assert len(page.html) < LARGEST_PAGE


async def test_operations_runs_and_changes_come_by_the_page() -> None:
    world = World()
    ident = world.push({f"{at}.yaml": job(f"job-{at:03}") for at in range(20)})
    async with world.running() as api, reading(world) as browser:
        await api.until("job-000", "succeeded")
        for number in range(55):
            await api.ask("run", "job-000", fresh=True)
            await api.until("job-000", "succeeded")
            assert number < 55
        first = await browser.get("/operations/job-000")
        assert len(first.rows) == 51
        second = await browser.get("/operations/job-000?page=2")
        assert len(second.rows) == 7
        assert "?page=3" not in second.links
        beyond = await browser.get("/operations/job-000?page=9")
        assert "No more runs." in beyond.text
        assert len((await browser.get(f"/commits/{ident}?page=2")).rows) == 0


def series(*values: float | str, steps: Sequence[int | None] = ()) -> list[Metric]:
    return [Metric("m", value, steps[at] if steps else None) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("points", "path"),
    [
        (series(), ""),
        (series(1.0), ""),
        (series("NaN", "Infinity"), ""),
        (series(0.0, 1.0), "M3.0 45.0 L237.0 3.0"),
        (series(1.0, 1.0), "M3.0 24.0 L237.0 24.0"),
        (series(0.0, 1.0, 0.5, steps=(0, 10, 20)), "M3.0 45.0 L120.0 3.0 L237.0 24.0"),
        (series(0.0, 1.0, 2.0, steps=(5, 5, 5)), "M120.0 45.0 L120.0 24.0 L120.0 3.0"),
        (series(0.0, "NaN", 1.0, 0.5), "M3.0 45.0 h1 M159.0 3.0 L237.0 24.0"),
        (series(-(2.0**511), 2.0**511), "M3.0 45.0 L237.0 3.0"),
    ],
)
async def test_a_curve_goes_where_the_values_go(points: Sequence[Metric], path: str) -> None:
    assert draw(points) == path


async def test_a_curve_of_many_values_keeps_its_peaks() -> None:
    values = [0.0] * 10_000
    values[7_777] = 1.0
    path = draw(series(*values))
    assert " 3.0" in path
    assert path.count("L") <= 2 * WIDTH


def graph(paths: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, Any]:
    told = {"status": "", "reason": "", "run": ""}
    nodes = [{"path": path, "refused": "", "told": told} for path in paths]
    return {"kind": "dag", "nodes": nodes, "edges": [{"source": source, "target": target} for source, target in edges]}


async def test_a_node_is_drawn_behind_what_it_waits_for_and_behind_all_inside_it() -> None:
    paths = ["a", "b", "b/x", "b/y", "c"]
    drawing = drawing_of(graph(paths, [("a", "b"), ("b/x", "b/y"), ("b", "c")]))
    assert drawing is not None
    across = {box.path: box.x for box in drawing.boxes}
    assert across["a"] < across["b"] < across["b/x"] < across["b/y"] < across["c"]
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(paths)
    assert len(drawing.lines) == 3
    assert len(drawing.inner) == 1


async def test_a_node_that_was_not_started_looks_as_bad_as_it_is() -> None:
    one = graph(["a"], [])
    one["nodes"][0]["told"] = {"status": "upstream_failed", "reason": "", "run": "a@g1/a"}
    drawing = drawing_of(one)
    assert drawing is not None
    (box,) = drawing.boxes
    assert tone(box.state) is Tone.BAD


@pytest.mark.parametrize("make", [lambda: graph([], []), lambda: {**graph(["a"], []), "kind": "job"}])
async def test_what_is_no_dag_is_not_drawn(make: Callable[[], dict[str, Any]]) -> None:
    assert drawing_of(make()) is None


async def test_a_graph_that_nobody_could_read_is_not_drawn() -> None:
    assert drawing_of(graph([f"n{at}" for at in range(MOST_NODES)], [])) is not None
    assert drawing_of(graph([f"n{at}" for at in range(MOST_NODES + 1)], [])) is None
