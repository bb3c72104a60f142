"""What is there is known from the watches, and asked for once more where they have told of a loss."""

from contextlib import asynccontextmanager

import anyio
import pytest

from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.objects import Objects, Scope
from tests.reconciler.backends.kubernetes.talk import page, pod, talking

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

KINDS = 2
"""Kinds of main objects: a question about all that there is asks for each."""


@asynccontextmanager
async def watched(folder):
    """Everything is watched, and there is nothing yet."""
    async with talking(folder) as (talk, path):
        api = Api(Access(path))
        heard = anyio.Event()

        def told(_):
            nonlocal heard
            heard.set()
            heard = anyio.Event()

        async def tell(kind, item):
            came = heard
            streams["jobs"].say(kind, item)
            with anyio.fail_after(20):
                await came.wait()

        objects = Objects(api, Scope(("ml",), "a=b", "of"), told)
        objects.open()
        talk.answer(page(7), page(7), page(7))
        streams = {}
        for _ in range(KINDS + 1):
            stream = await talk.watches.get()
            streams[stream.path.rpartition("/")[2]] = stream
        await objects.ready()
        talk.asked.clear()
        try:
            yield talk, objects, tell
        finally:
            await objects.close()
            await api.close()


async def test_all_that_there_is_is_asked_once_and_then_told_by_the_watches(tmp_path):
    async with watched(tmp_path) as (talk, objects, tell):
        talk.answer(page(7), page(7))
        assert list(await objects.listed()) == []
        await tell("ADDED", pod("a", 8))
        await tell("MODIFIED", pod("a", 9))
        assert list(await objects.listed()) == ["a"]
        assert len(talk.asked) == KINDS


async def test_after_a_loss_it_is_asked_for_once_more(tmp_path):
    async with watched(tmp_path) as (talk, objects, tell):
        talk.answer(page(7), page(7))
        await objects.listed()
        await tell("ADDED", pod("a", 8))
        await tell("DELETED", pod("a", 9))
        talk.answer(page(9, pod("b", 9)), page(9))  # the server knows better than a watch that lies
        assert list(await objects.listed()) == ["b"]
        await objects.listed()
        assert len(talk.asked) == 2 * KINDS
