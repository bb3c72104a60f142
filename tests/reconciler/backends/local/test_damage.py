"""Claims that cannot be read: each is shown as it is, hides no other one, and never looks absent."""

import json
import shutil

import pytest
import structlog

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.errors import Transient
from reconciler.ports import Ensured
from tests.contracts.backend import Script, phase, seen, until
from tests.reconciler.backends.local.support import kill

pytestmark = [pytest.mark.process, pytest.mark.anyio]


def other_version(claim):
    record = json.loads((claim / "claim.json").read_text())
    (claim / "claim.json").write_text(json.dumps({"version": 2, "key": record["key"], "stamp": record["stamp"]}))


def write(name, text):
    return lambda claim: (claim / name).write_text(text)


DAMAGES = {
    "another-version": (other_version, "started by another version of Plumbline (claim format 2, known here: 1)"),
    "empty-claim": (write("claim.json", ""), "cannot be read (claim.json: Expecting value"),
    "claim-is-no-object": (write("claim.json", "[]"), "cannot be read (claim.json is no claim)"),
    "claim-without-its-fields": (
        write("claim.json", '{"version": 1, "key": "train@g1#1"}'),
        "(claim.json is no claim)",
    ),
    "claim-is-missing": (lambda claim: (claim / "claim.json").unlink(), "cannot be read (claim.json is missing)"),
    "empty-exit": (write("main-0.exit", ""), "one of its records: JSONDecodeError"),
    "empty-marker": (write("main-0.start", ""), "one of its records: JSONDecodeError"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_claim_is_shown_and_hides_no_other(machine, damage, message):
    backend = machine.open()
    bad, good = machine.order("train", Script.FOREVER), machine.order("other", Script.FAIL)
    for order in (bad, good):
        await backend.ensure(order)
    await phase(machine, backend, bad.key, Phase.RUNNING)
    await phase(machine, backend, good.key, Phase.ENDED)
    damage(machine.claim(bad))
    again = machine.open()
    with structlog.testing.capture_logs() as said:
        for look in (await again.observe(), await again.observe([bad.key, good.key]), await again.observe()):
            assert (look.objects[good.key].phase, look.objects[good.key].exit_code) == (Phase.ENDED, 3)
            shown = look.objects[bad.key]
            assert (shown.phase, shown.ready, shown.stamp) == (Phase.RUNNING, False, None)
            assert message in shown.message
            assert not look.proves_absent(bad.key, None, look.asked_at)
    assert [(line["log_level"], line["reason"]) for line in said] == [("warning", shown.message)]


async def test_the_log_of_a_damaged_claim_is_shown_and_not_followed(machine):
    backend = machine.open()
    order = machine.shell("train", "echo hello; exec sleep 1000")
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    await until(machine, lambda: any(path.stat().st_size for path in (machine.settings.root / "logs").glob("*/*/*")))
    other_version(machine.claim(order))
    assert [chunk async for chunk in machine.open().logs(order.key, follow=True)] == [b"hello\n"]


async def test_a_damaged_claim_is_neither_stopped_nor_cleaned_nor_started_again(machine):
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await until(machine, lambda: machine.starts(order.key))
    whole = (machine.claim(order) / "claim.json").read_text()
    (machine.claim(order) / "claim.json").write_text("")
    again = machine.open()
    for call in (again.stop(order.key, 0.0), again.clean(order.key), again.ensure(order)):
        with pytest.raises(Transient, match="cannot be read"):
            await call
    assert machine.starts(order.key) == 1
    (machine.claim(order) / "claim.json").write_text(whole)
    await again.stop(order.key, 0.0)
    assert (await phase(machine, again, order.key, Phase.ENDED)).exit_code == 143


async def test_a_claim_of_which_not_even_the_key_is_known_stops_only_looks_at_everything(machine):
    """Any key may be its: a whole look would prove that one absent."""
    backend = machine.open()
    bad, good = machine.order("train", Script.FAIL), machine.order("other", Script.FAIL)
    for order in (bad, good):
        await backend.ensure(order)
        await phase(machine, backend, order.key, Phase.ENDED)
    (machine.claim(bad) / "claim.json").write_text("")
    (machine.settings.root / "live" / machine.claim(bad).parent.name / machine.name(bad)).write_text("")
    again = machine.open()
    with pytest.raises(Transient, match=machine.name(bad)):
        await again.observe()
    assert (await seen(again, good.key)).phase is Phase.ENDED
    assert (await seen(again, bad.key)).phase is Phase.RUNNING


async def test_the_key_outlives_a_restart_of_the_machine(machine):
    backend = machine.open()
    bad, good = machine.order("train", Script.FAIL), machine.order("other", Script.FAIL)
    for order in (bad, good):
        await backend.ensure(order)
        await phase(machine, backend, order.key, Phase.ENDED)
    (machine.claim(bad) / "claim.json").write_text("")
    (machine.settings.root / "live" / machine.claim(good).parent.name / machine.name(good)).unlink()
    machine.boot.write_text("boot-2\n")
    assert set((await machine.open().observe()).objects) == {bad.key, good.key}


async def test_a_start_record_without_content_is_none(machine):
    """It is not synced, so a power cut may leave its name alone."""
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    (machine.claim(order) / "main-0.started").write_text("")
    machine.boot.write_text("boot-2\n")
    end = await seen(machine.open(), order.key)
    assert (end.phase, end.started_at, end.message) == (Phase.ENDED, None, "the machine restarted")


async def test_a_marker_without_content_is_one(machine):
    """What it says is not synced, that it is there is: nothing starts anew, and its end can be cleaned."""
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await until(machine, lambda: machine.starts(order.key) == 1)
    for pid in (*machine.parents(), machine.supervisor_of(order)):
        kill(pid)
    for name in ("main-0.start", "main-0.started"):
        (machine.claim(order) / name).write_text("")
    machine.boot.write_text("boot-2\n")
    again = machine.open()
    assert await again.ensure(order) is Ensured.UNCHANGED
    end = await seen(again, order.key)
    assert (end.phase, end.reason, machine.starts(order.key)) == (Phase.ENDED, StopReason.NODE_LOST, 1)
    await again.stop(order.key, 0.0)
    await again.clean(order.key)
    assert (await again.observe()).objects == {}


async def test_a_supervisor_whose_start_record_has_no_content_is_buried(machine):
    backend = machine.open()
    order = machine.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(machine, backend, order.key, Phase.RUNNING)
    (machine.claim(order) / "main-0.started").write_text("")
    kill(machine.supervisor_of(order))
    assert (await phase(machine, backend, order.key, Phase.ENDED)).exit_code is None


async def test_a_supervisor_whose_claim_was_removed_leaves(machine):
    backend = machine.open()
    order = machine.shell(
        "train", "while [ -e claims ]; do sleep 0.05; done".replace("claims", str(machine.base / "g"))
    )
    (machine.base / "g").touch()
    await backend.ensure(order)
    await until(machine, lambda: machine.starts(order.key))
    supervisor = machine.supervisor_of(order)
    shutil.rmtree(machine.settings.root)
    (machine.base / "g").unlink()
    await until(machine, lambda: supervisor not in machine.alive())
