"""What a backend that brings metrics while runs run promises of them: a suite beside that of all backends."""

from __future__ import annotations

from planner.model.run import Phase
from tests.contracts.backend import Script, phase, until

LOSS = (2, 0.25, 0.25, 0.5)


class ReportingContract:
    """See `Backend.progress`."""

    async def test_what_it_reports_is_told_while_it_runs(self, world, backend):
        order = world.order("train", Script.REPORT)
        await backend.ensure(order)

        async def told():
            found = (await backend.progress([order.key])).get(order.key, {}).get("loss")
            return found is not None and (found.count, found.last, found.low, found.high) == LOSS

        await until(world, told)
        first, again = [(await backend.progress([order.key]))[order.key] for _ in range(2)]
        assert first is again, "nothing is new"
        assert [mark.count for mark in first["loss"].marks] == [1, 2]
        await backend.stop(order.key, 5.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert dict(end.metrics) == {"loss": 0.25}

    async def test_a_restart_tells_the_same(self, world, backend):
        order = world.order("train", Script.REPORT)
        await backend.ensure(order)

        async def told(by=None):
            found = (await (by or backend).progress([order.key])).get(order.key, {}).get("loss")
            return found if found is not None and found.count == 2 else None

        await until(world, told)
        before = await told()
        again = world.open()
        await until(world, lambda: told(again))
        assert await told(again) == before
        await again.stop(order.key, 5.0)
        await phase(world, again, order.key, Phase.ENDED)

    async def test_who_reports_nothing_or_never_was_is_left_out(self, world, backend):
        order, never = world.order("quiet", Script.FOREVER), world.order("never", Script.FOREVER)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        assert await backend.progress([order.key, never.key]) == {}
        assert await backend.progress([]) == {}
        await backend.stop(order.key, 5.0)
        await phase(world, backend, order.key, Phase.ENDED)


TRACES = """
folder="$POLYAXON_OFFLINE_ROOT/runs/${POLYAXON_RUN_INSTANCE##*.}"
mkdir -p "$folder/events/metric"
printf 'step|timestamp|metric\\n0||0.5\\n1||0.25' > "$folder/events/metric/loss.plx"
printf '{"outputs": {"best": 1, "answer": 1}}' > "$folder/run.plx.json"
echo answer=42 >> "$PLUMBLINE_OUTPUT"
echo weights > "$folder/outputs/model.txt"
trap 'exit 0' TERM
while :; do sleep 0.05; done
"""
"""What the tracking library of Polyaxon does, in a shell (docs/polyaxon-tracking.md)."""


class TracingContract:
    """Where that library writes, and that it is read."""

    async def test_what_the_tracking_library_of_polyaxon_writes_is_read(self, world, backend):
        order = world.shell("train", TRACES)
        await backend.ensure(order)

        async def told():
            found = (await backend.progress([order.key])).get(order.key, {}).get("loss")
            return found is not None and (found.count, found.last, found.low, found.high) == LOSS

        await until(world, told)
        await backend.stop(order.key, 5.0)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert dict(end.metrics) == {"loss": 0.25}
        assert {"best": 1, "answer": end.outputs["answer"]} == dict(end.outputs)
        assert end.outputs["answer"] in {42, "42"}
        assert end.artifacts is not None
        assert end.artifacts.names == ("model.txt",)
        points = [point async for piece in backend.metrics(order.key) for point in piece]
        assert [(point.name, point.value, point.step) for point in points] == [("loss", 0.5, 0), ("loss", 0.25, 1)]
