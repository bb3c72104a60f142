"""Names of what was cleaned are freed when their time is over, and nothing is asked before."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from planner.model.run import Stamp
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.ending import NAME_KEPT, Ending
from reconciler.backends.kubernetes.keptlogs import KeptLogs
from reconciler.backends.kubernetes.objects import Objects, Scope
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Transient
from tests.reconciler.backends.kubernetes.hand import NOW, Hand
from tests.reconciler.backends.kubernetes.talk import failure, page, pod, talking

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

MINUTE = timedelta(minutes=1)


def cleaned(name, at):
    found = pod(name, 1)
    found["metadata"]["annotations"] = {names.CLEANED: at.isoformat()}
    return found


@asynccontextmanager
async def ending(folder):
    async with talking(folder) as (talk, path):
        api, clock = Api(Access(path)), Hand()
        objects = Objects(api, Scope(("ml",), "a=b", "of"), lambda _: None)
        made = Ending(api, objects, Stamp("ledger", 1, "default", "demo"), clock, KeptLogs(folder / "logs", 100))

        async def sweep():
            return await made.sweep(KubernetesSettings(namespace="ml"), "a=b")

        try:
            yield talk, clock, sweep
        finally:
            await api.close()


async def test_what_others_cleaned_is_seen_once_and_freed_in_its_time(tmp_path):
    async with ending(tmp_path) as (talk, clock, sweep):
        talk.answer(page(7, cleaned("a", NOW - MINUTE), cleaned("b", NOW - NAME_KEPT - MINUTE)), {}, page(7))
        assert await sweep() == 1
        asked = len(talk.asked)
        clock.at = NOW + NAME_KEPT - 2 * MINUTE
        assert (await sweep(), len(talk.asked)) == (0, asked)
        clock.at = NOW + NAME_KEPT
        talk.answer(page(9, cleaned("a", NOW - MINUTE)), {}, page(9))
        assert await sweep() == 1
        asked = len(talk.asked)
        clock.at = NOW + 10 * NAME_KEPT
        assert (await sweep(), len(talk.asked)) == (0, asked)


async def test_a_sweep_that_is_cut_off_begins_anew(tmp_path):
    async with ending(tmp_path) as (talk, _, sweep):
        talk.answer(page(7), failure(503, "ServiceUnavailable"))
        with pytest.raises(Transient):
            await sweep()
        talk.answer(page(7), page(7, cleaned("a", NOW - NAME_KEPT - MINUTE)), {})
        assert await sweep() == 1


OTHER = "Precondition failed: UID in precondition: uid-a, UID in object meta: uid-b"
MODIFIED = 'Operation cannot be fulfilled on jobs.batch "a": the object has been modified'


@pytest.mark.parametrize(("message", "gone"), [(OTHER, True), (MODIFIED, False)], ids=["another", "modified"])
async def test_a_conflict_is_no_removal_but_where_the_name_is_anothers(tmp_path, message, gone):
    async with ending(tmp_path) as (talk, _, sweep):
        talk.answer(page(7, cleaned("a", NOW - NAME_KEPT - MINUTE)), failure(409, "Conflict", message))
        if gone:
            talk.answer(page(7))
            assert await sweep() == 1
            return
        with pytest.raises(Transient, match="cannot be removed"):
            await sweep()
