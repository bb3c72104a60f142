"""Runs belong to a ledger: another one, or an older state of the same one, never takes them for its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.model.run import Phase
from reconciler.backends.local import LocalBackend
from reconciler.errors import Refused, Unusable
from tests.contracts.backend import Script, phase
from tests.reconciler.backends.local.support import OWNER, Machine, SystemClock

pytestmark = [pytest.mark.process, pytest.mark.anyio]


def opened_by(machine: Machine, **changed: object) -> LocalBackend:
    """The backend as a daemon with another ledger would make it."""
    owner = replace(OWNER, **changed)
    return LocalBackend(machine.settings, owner, machine.trees, SystemClock())


async def test_another_ledger_is_told_whose_runs_there_are(machine: Machine) -> None:
    backend = machine.open()
    await backend.ensure(machine.order("train", Script.FOREVER))
    with pytest.raises(Unusable, match=r"those of ledger ledger-1, and this is ledger ledger-2.*move the whole state"):
        await opened_by(machine, ledger="ledger-2").open()
    await opened_by(machine).open()


async def test_a_ledger_that_was_restored_is_told_that_it_is_older_than_its_runs(machine: Machine) -> None:
    order = machine.order("train", Script.FOREVER)
    await machine.open().ensure(replace(order, stamp=replace(order.stamp, sequence=40)))
    with pytest.raises(Unusable, match=r"older than the runs .* \(it knows 39 facts, they go up to 40\)"):
        await opened_by(machine, sequence=39).open()
    await opened_by(machine, sequence=40).open()


async def test_a_torn_note_of_whose_runs_they_are_is_written_anew(machine: Machine) -> None:
    await machine.open().open()
    (note,) = (machine.settings.root / "live").glob("*.ledger")
    note.write_text("")
    await opened_by(machine).open()
    assert "ledger-1" in note.read_text()


async def test_what_was_forgotten_is_refused_and_not_taken_as_running(machine: Machine) -> None:
    """A ledger that lost what it knew of a run would wait for it for ever."""
    backend, order = machine.open(), machine.order("train", Script.SUCCEED)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.ENDED)
    await backend.clean(order.key)
    with pytest.raises(Refused, match="has run before, and the ledger has lost it: plumbline retry"):
        await backend.ensure(order)
    assert machine.starts(order.key) == 1
