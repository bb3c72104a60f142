"""Rounds that start with what an earlier one left: in its folder, or in a copy of it."""

from dataclasses import replace

import pytest

from planner.model.artifacts import Earlier
from planner.model.run import Phase
from reconciler.backends.machine import restoring
from reconciler.backends.machine.removal import remove_tree
from reconciler.errors import Refused
from tests.reconciler.backends.local.support import OWNER
from tests.reconciler.backends.local.test_surroundings import phase, run

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

WRITE = """cd $PLUMBLINE_ARTIFACTS; mkdir -p ckpt; printf 7 > ckpt/step; printf old > outputs/model
printf '#!/bin/sh' > tool; chmod 700 tool; ln -s /etc/passwd outputs/link"""
READ = "cd $PLUMBLINE_ARTIFACTS; cat ckpt/step outputs/model; test -x tool && echo x; printf new > outputs/model"


def again(machine, number, text, *, copy, attempt=1):
    """Round `number` of train, which starts with the round before."""
    order = machine.shell("train", text)
    run, earlier = order.key.run, order.key.run.at_round(number - 1)
    key = run.at_round(number)
    bound = replace(order.run, key=key, earlier=Earlier(earlier, copy))
    return replace(order, key=key.at_attempt(attempt), run=bound)


async def text_of(backend, key, path):
    content = await backend.artifact(key, path)
    return b"".join([piece async for piece in content.pieces]).decode()


@pytest.mark.parametrize(("copy", "before"), [(False, "new"), (True, "old")], ids=["resume", "copy"])
async def test_a_round_finds_what_the_one_before_left(machine, copy, before):
    backend = machine.open()
    first = machine.shell("train", WRITE)
    await run(machine, backend, first)
    second = again(machine, 1, READ, copy=copy)
    assert await run(machine, backend, second) == "7oldx\n"
    assert await text_of(backend, second.key, "model") == "new"
    assert await text_of(backend, first.key, "model") == before
    end = await phase(machine, backend, second.key, Phase.ENDED)
    assert end.artifacts.names == (("model",) if copy else ("link", "model"))


async def test_a_round_after_one_that_went_on_goes_on_in_the_same_folder(machine):
    backend = machine.open()
    await run(machine, backend, machine.shell("train", WRITE))
    await run(machine, backend, again(machine, 1, READ, copy=False))
    third = again(machine, 2, "cat $PLUMBLINE_ARTIFACTS/outputs/model", copy=False)
    assert await run(machine, backend, third) == "new"
    assert backend.knows(third) == backend.knows(machine.shell("train", WRITE))
    assert (
        await run(
            machine, machine.open(), again(machine, 2, "cat $PLUMBLINE_ARTIFACTS/ckpt/step", copy=False, attempt=2)
        )
        == "7"
    )


async def test_a_copy_is_made_once_and_its_attempts_share_it(machine):
    backend = machine.open()
    await run(machine, backend, machine.shell("train", WRITE))
    await run(machine, backend, again(machine, 1, "rm $PLUMBLINE_ARTIFACTS/tool", copy=True))
    second = again(machine, 1, "ls $PLUMBLINE_ARTIFACTS", copy=True, attempt=2)
    assert await run(machine, backend, second) == "ckpt\noutputs\n"


@pytest.mark.parametrize("copy", [False, True], ids=["resume", "copy"])
async def test_what_is_gone_is_refused_with_what_to_do(machine, copy):
    backend = machine.open()
    first = machine.shell("train", WRITE)
    await run(machine, backend, first)
    home = machine.settings.runs / first.key.run.dns_name("default", "demo")
    remove_tree(home)
    order = again(machine, 1, READ, copy=copy)
    assert restoring.missing(order, OWNER, machine.settings.runs) == [home.name]
    with pytest.raises(Refused, match="the artifacts of train@g1 are gone: retry it without --resume and --copy"):
        await backend.ensure(order)
    assert not (machine.settings.runs / order.key.run.dns_name("default", "demo") / "artifacts").exists()
    assert machine.starts(order.key) == 0
