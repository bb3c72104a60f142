"""What Kueue says of jobs is known as far as it can be watched, and nobody waits for it."""

from contextlib import asynccontextmanager

import anyio
import pytest

from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.queueing import Queueing
from tests.reconciler.backends.kubernetes.talk import failure, page, talking

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

JOB = {"metadata": {"uid": "uid-train"}}
GROUP = {"preferredVersion": {"version": "v1beta2"}}


def workload(name, version, message, *, at=0, job="uid-train"):
    meta = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version), "namespace": "ml"}
    return {
        "metadata": {
            **meta,
            "creationTimestamp": f"2026-11-26T06:00:{at:02}Z",
            "labels": {"kueue.x-k8s.io/job-uid": job},
            "ownerReferences": [{"kind": "Job", "name": "train-1", "controller": True}],
        },
        "spec": {"podSets": [{"template": {"spec": {"containers": ["much"]}}}]},
        "status": {
            "conditions": [{"type": "QuotaReserved", "status": "False", "message": message, "reason": "Pending"}]
        },
    }


@asynccontextmanager
async def queueing(folder, *answers):
    async with talking(folder) as (talk, path):
        talk.answer(*answers)
        api = Api(Access(path))
        told = []
        made = Queueing(api, ("ml",), told.append)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.run)
            try:
                yield talk, made, told
            finally:
                tasks.cancel_scope.cancel()
                await api.close()


async def until(accepts):
    with anyio.fail_after(20):
        while not accepts():  # noqa: ASYNC110 -- what is known is looked at, as daemons do
            await anyio.sleep(0.01)


def message(queueing):
    found = queueing.of(JOB).workload
    return found["status"]["conditions"][0]["message"] if found else None


async def test_what_is_said_of_a_job_is_told_and_kept_short(tmp_path):
    async with queueing(tmp_path, GROUP, page(7, workload("w", 6, "no quota"))) as (talk, made, told):
        watch = await talk.watches.get()
        assert watch.path == "/apis/kueue.x-k8s.io/v1beta2/namespaces/ml/workloads"
        assert watch.query["labelSelector"] == "kueue.x-k8s.io/job-uid"
        assert (message(made), told) == ("no quota", ["train-1"])
        assert "spec" not in made.of(JOB).workload
        watch.say("MODIFIED", workload("w", 8, "still none"))
        await until(lambda: len(told) == 2)
        assert message(made) == "still none"


async def test_of_two_the_newer_one_counts(tmp_path):
    """Kueue makes another one of a job that was changed."""
    listed = page(7, workload("new", 6, "new", at=2), workload("old", 5, "old", at=1))
    async with queueing(tmp_path, GROUP, listed) as (talk, made, told):
        watch = await talk.watches.get()
        assert (message(made), told) == ("new", ["train-1"])
        watch.say("DELETED", workload("old", 8, "old", at=1))
        watch.say("MODIFIED", workload("new", 9, "newest", at=2))
        await until(lambda: message(made) == "newest")
        watch.say("DELETED", workload("new", 10, "newest", at=2))
        await until(lambda: message(made) is None)
        assert "has made no workload of it" in made.of(JOB).trouble


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            [failure(404, "NotFound", "the server could not find the requested resource")],
            "Kueue is not on this cluster",
        ),
        ([{}], "preferredVersion"),
        ([GROUP, failure(403, "Forbidden", "workloads is forbidden: no")], "workloads is forbidden: no"),
    ],
    ids=["absent", "no answer", "forbidden"],
)
async def test_what_cannot_be_asked_says_why(tmp_path, answers, words):
    async with queueing(tmp_path, *answers) as (_, made, told):
        await until(lambda: words in made.of(JOB).trouble)
        assert (made.of(JOB).workload, told) == (None, [])


async def test_kueue_may_come_later(tmp_path, monkeypatch):
    monkeypatch.setattr("reconciler.backends.kubernetes.queueing._AGAIN", (0.01, 0.01))
    absent = failure(404, "NotFound")
    async with queueing(tmp_path, absent, GROUP, page(7, workload("w", 6, "no quota"))) as (talk, made, _):
        await talk.watches.get()
        assert (message(made), made.of(JOB).trouble) == ("no quota", "")
