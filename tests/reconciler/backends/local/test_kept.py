"""Letting go of a run that is over: everything of it goes, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.model.run import Phase
from reconciler.backends.local import LocalBackend
from reconciler.errors import Transient, Unusable
from reconciler.keeper import Keeper
from reconciler.ports import Order
from tests.contracts.backend import Script, phase
from tests.reconciler.backends.local.support import OWNER, Machine, SystemClock

pytestmark = [pytest.mark.process, pytest.mark.anyio]


async def ran(machine: Machine, backend: LocalBackend, name: str) -> Order:
    """A run that ended and was cleaned."""
    order = machine.order(name, Script.SUCCEED)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    await backend.clean(order.key)
    return order


def files_of(machine: Machine, order: Order) -> list[Path]:
    names = {order.key.run.dns_name("default", "demo"), machine.name(order)}
    found = (path for base in (machine.settings.root, machine.settings.runs) for path in base.rglob("*"))
    return [path for path in found if path.name in names]


async def test_all_of_a_run_goes_and_nothing_of_another(machine: Machine) -> None:
    backend = machine.open()
    assert isinstance(backend, Keeper)
    order, other = await ran(machine, backend, "train"), await ran(machine, backend, "other")
    kept = files_of(machine, other)
    assert await backend.weigh(order.key.run, 1) > 0
    for _ in range(2):
        await backend.forget(order.key.run, 1, 8)
        assert files_of(machine, order) == []
        assert await backend.weigh(order.key.run, 1) == 0
    assert files_of(machine, other) == kept
    assert [chunk async for chunk in backend.logs(order.key)] == []
    assert b"hello" in b"".join([chunk async for chunk in backend.logs(other.key)])


async def test_the_lists_of_what_its_attempts_left_go_too(machine: Machine) -> None:
    backend, left = machine.open(), "mkdir -p $PLUMBLINE_ARTIFACTS/outputs; echo x > $PLUMBLINE_ARTIFACTS/outputs/a"
    for number in (1, 2):
        order = machine.shell("train", left, attempt=number)
        await backend.ensure(order)
        await phase(machine, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)
    lists = sorted(path.name for path in machine.settings.runs.rglob("artifacts-*.json"))
    assert lists == ["artifacts-1.json", "artifacts-2.json"]
    await backend.forget(order.key.run, 2, 8)
    assert not list(machine.settings.runs.rglob("artifacts-*.json"))


async def test_what_was_not_cleaned_stays(machine: Machine) -> None:
    backend, order = machine.open(), machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    before = files_of(machine, order)
    with pytest.raises(Transient, match="was not cleaned"):
        await backend.forget(order.key.run, 1, 8)
    assert files_of(machine, order) == before


async def test_a_ledger_from_before_the_removal_does_not_start_it_again(machine: Machine) -> None:
    backend = machine.open()
    order = await ran(machine, backend, "train")
    await backend.forget(order.key.run, 1, 50)
    restored = LocalBackend(machine.settings, replace(OWNER, sequence=49), machine.trees, SystemClock())
    with pytest.raises(Unusable, match="restored from a backup"):
        await restored.ensure(order)
    assert machine.starts(order.key) == 1
