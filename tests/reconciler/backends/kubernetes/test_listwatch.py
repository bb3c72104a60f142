"""What is held follows what the server says, whatever becomes of a list, a watch, a version or a connection."""

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest
import yaml
from aiohttp import web

from reconciler.backends.kubernetes import client, listwatch
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.listwatch import ListWatch, Watched
from reconciler.backends.kubernetes.trim import trimmed
from tests.reconciler.backends.kubernetes.talk import failure, kubeconfig, page, pod, talking

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

PATH = "/api/v1/namespaces/ml/pods"


class Told:
    """What a list-watch told, and when there is something to look at."""

    def __init__(self):
        self.heard = asyncio.Queue()

    def came(self, item):
        self.heard.put_nowait(("came", item["metadata"]["name"], item["metadata"]["resourceVersion"]))

    def went(self, item):
        self.heard.put_nowait(("went", item["metadata"]["name"], item["metadata"]["resourceVersion"]))

    async def next(self, count):
        with anyio.fail_after(20):
            return sorted([await self.heard.get() for _ in range(count)])


@asynccontextmanager
async def watching(folder):
    async with talking(folder) as (talk, path):
        api, told = Api(Access(path)), Told()
        watch = ListWatch(api, Watched(PATH, "a=b", trimmed), told.came, told.went)
        task = asyncio.create_task(watch.run())
        try:
            yield talk, watch, told, path
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await api.close()


async def reached(talk, path):
    with anyio.fail_after(20):
        while await talk.questions.get() != path:
            pass


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits before the next try."""
    monkeypatch.setattr(listwatch, "_BACKOFF", (0.0, 0.0))


async def test_lists_by_pages_and_watches_from_there(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3), more="next"), page(7, pod("b", 5)))
        assert await told.next(2) == [("came", "a", "3"), ("came", "b", "5")]
        stream = await talk.watches.get()
        assert talk.asked[1]["continue"] == "next"
        assert (stream.query["resourceVersion"], stream.query["labelSelector"]) == ("7", "a=b")
        stream.say("ADDED", pod("c", 8))
        stream.say("MODIFIED", pod("a", 9))
        stream.say("DELETED", pod("b", 10))
        assert await told.next(3) == [("came", "a", "9"), ("came", "c", "8"), ("went", "b", "10")]
        assert sorted(watch.objects) == ["a", "c"]
        assert watch.synced
        assert watch.trouble == ""


async def test_a_watch_that_ends_goes_on_where_it_was(tmp_path):
    async with watching(tmp_path) as (talk, _watch, _, _):
        talk.answer(page(7))
        stream = await talk.watches.get()
        stream.bookmark(20)
        stream.end()
        assert (await talk.watches.get()).query["resourceVersion"] == "20"
        assert len(talk.asked) == 1


async def test_a_forgotten_version_is_listed_anew(tmp_path):
    """What went meanwhile is told as gone, what came as new, and what is as it was not at all."""
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3), pod("b", 4), pod("c", 5)))
        await told.next(3)
        talk.answer(page(30, pod("a", 3), pod("b", 21), pod("d", 22)))
        (await talk.watches.get()).say("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})
        assert await told.next(3) == [("came", "b", "21"), ("came", "d", "22"), ("went", "c", "5")]
        assert sorted(watch.objects) == ["a", "b", "d"]
        assert (await talk.watches.get()).query["resourceVersion"] == "30"


async def test_a_cluster_that_was_restored_begins_lower(tmp_path):
    """The server does not know the version that we have seen; its list counts, though it is older."""
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(900, pod("a", 880)))
        await told.next(1)
        stream = await talk.watches.get()
        talk.answer(page(300, pod("a", 250)))
        stream.say(
            "ERROR", {"code": 504, "reason": "Timeout", "message": "Too large resource version: 900, current: 300"}
        )
        assert await told.next(1) == [("came", "a", "250")]
        (await talk.watches.get()).say("MODIFIED", pod("a", 301))
        assert await told.next(1) == [("came", "a", "301")]
        assert watch.objects["a"]["metadata"]["resourceVersion"] == "301"


async def test_a_server_that_says_no_is_asked_again_and_nothing_is_gone(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        talk.answer(failure(403, "Forbidden", "pods is forbidden"), failure(500, "InternalError"), page(9, pod("a", 3)))
        (await talk.watches.get()).say("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})
        again = await talk.watches.get()
        assert again.query["resourceVersion"] == "9"
        assert "a" in watch.objects
        assert told.heard.empty()


async def test_a_list_that_expires_between_two_pages_begins_anew(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3), more="next"), failure(410, "Expired", "the continue parameter is too old"))
        talk.answer(page(9, pod("b", 8)))
        assert await told.next(1) == [("came", "b", "8")]
        assert sorted(watch.objects) == ["b"]


async def test_a_connection_that_breaks_in_the_middle_of_a_line(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7))
        stream = await talk.watches.get()
        stream.say("ADDED", pod("a", 8))
        await told.next(1)
        stream.said.put_nowait(b'{"type": "MODIFIED", "object": {"meta')
        stream.end()
        again = await talk.watches.get()
        assert again.query["resourceVersion"] == "8", "it goes on after what was told whole"
        again.say("MODIFIED", pod("a", 9))
        assert await told.next(1) == [("came", "a", "9")]
        assert sorted(watch.objects) == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>sign in</html>", content_type="text/html"),
        web.Response(text='{"error": "no server"}', content_type="application/json"),
        web.Response(text="[]", content_type="application/json"),
        web.Response(text='{"metadata": {"resourceVersion": "9"}, "ite', content_type="application/json"),
    ],
    ids=["page", "object", "array", "torn"],
)
async def test_an_answer_of_something_else_is_no_empty_list(tmp_path, answer):
    """What stands before a server may say 200 in its place: nothing is gone for that."""
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        talk.answer(answer, page(9, pod("a", 3)))
        (await talk.watches.get()).say("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})
        assert (await talk.watches.get()).query["resourceVersion"] == "9"
        assert sorted(watch.objects) == ["a"]
        assert told.heard.empty()


async def test_a_watch_that_goes_back_lists_anew(tmp_path):
    """A server that was restored to an earlier state: what it tells from then on has versions that begin lower."""
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(900, pod("a", 880), pod("b", 890)))
        await told.next(2)
        stream = await talk.watches.get()
        talk.answer(page(310, pod("a", 300)))
        stream.bookmark(305)
        assert await told.next(2) == [("came", "a", "300"), ("went", "b", "890")]
        assert (await talk.watches.get()).query["resourceVersion"] == "310"
        assert sorted(watch.objects) == ["a"]


async def test_what_comes_late_is_no_object_again(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        stream = await talk.watches.get()
        stream.say("DELETED", pod("a", 9))
        await told.next(1)
        talk.answer(page(9))
        stream.say("MODIFIED", pod("a", 8))
        assert (await talk.watches.get()).query["resourceVersion"] == "9"
        assert not watch.objects


async def test_a_watch_whose_answer_never_begins_is_opened_again(tmp_path, monkeypatch):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        stream = await talk.watches.get()
        monkeypatch.setattr(client, "TIMEOUT", 0.05)
        talk.deaf = True
        stream.end()
        with anyio.fail_after(20):
            await talk.hung.get()
            await talk.hung.get()
            talk.deaf = False
            assert (await talk.watches.get()).query["resourceVersion"] == "7"
        assert sorted(watch.objects) == ["a"]


@pytest.mark.parametrize("how", ["ended", "expired"])
async def test_a_server_that_ends_each_watch_at_once_is_not_asked_without_a_pause(tmp_path, monkeypatch, how):
    pauses = asyncio.Queue()

    async def pause(seconds):
        await pauses.put(seconds)

    monkeypatch.setattr(listwatch.anyio, "sleep", pause)
    async with watching(tmp_path) as (talk, _watch, _, _):
        for _round in range(3):
            talk.answer(page(7))
        for _round in range(3):
            stream = await talk.watches.get()
            if how == "expired":
                stream.say("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})
            stream.end()
        with anyio.fail_after(20):
            await pauses.get()
            await pauses.get()


async def test_silence_is_no_news(tmp_path, monkeypatch):
    """A watch that says nothing, not even a bookmark, proves nothing: all is listed anew, and that counts."""
    monkeypatch.setattr(listwatch, "SILENCE", 0.01)
    async with watching(tmp_path) as (talk, _watch, told, _):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        await talk.watches.get()
        talk.answer(page(5, pod("b", 4)))  # restored to an earlier state, of which no watch from 7 on ever tells
        assert await told.next(2) == [("came", "b", "4"), ("went", "a", "3")]
        assert (await talk.watches.get()).query["resourceVersion"] == "5"


async def test_what_was_written_is_known_before_it_is_told(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7))
        stream = await talk.watches.get()
        watch.put(pod("a", 9))
        stream.say("ADDED", pod("a", 8))  # older than what we wrote since
        stream.say("MODIFIED", pod("a", 10))
        assert await told.next(2) == [("came", "a", "10"), ("came", "a", "9")]


async def test_an_object_of_the_same_name_is_another_one(tmp_path):
    async with watching(tmp_path) as (talk, watch, told, _):
        talk.answer(page(7, pod("a", 9, "one")))
        await told.next(1)
        stream = await talk.watches.get()
        watch.put(pod("a", 12, "two"))
        await told.next(1)
        stream.say("DELETED", pod("a", 10, "one"))
        stream.say("MODIFIED", pod("a", 13, "two"))
        assert await told.next(1) == [("came", "a", "13")]
        assert watch.objects["a"]["metadata"]["uid"] == "two"


async def test_a_token_that_ran_out_is_read_again(tmp_path):
    async with talking(tmp_path) as (talk, path):
        api = Api(Access(path))
        talk.answer({"first": 1})
        assert await api.call("GET", "/version") == {"first": 1}
        path.write_text(yaml.safe_dump(kubeconfig(api.host, "second")))
        talk.answer(failure(401, "Unauthorized"), {"second": 2})
        assert await api.call("GET", "/version") == {"second": 2}
        assert [token.lower() for token in talk.tokens] == ["bearer first", "bearer first", "bearer second"]
        await api.close()


async def test_who_is_on_the_way_when_another_signs_in_is_not_cut_off(tmp_path):
    """Questions on the connections of an earlier sign-in go on to their end, and so do watches."""
    async with watching(tmp_path) as (talk, watch, told, path):
        talk.answer(page(7, pod("a", 3)))
        await told.next(1)
        stream = await talk.watches.get()
        api = watch._api
        slow = asyncio.create_task(api.call("GET", "/slow"))
        await reached(talk, "/slow")
        path.write_text(yaml.safe_dump(kubeconfig(api.host, "second")))
        quick = asyncio.create_task(api.call("GET", "/quick"))
        await reached(talk, "/quick")
        talk.answer({"slow": 1}, failure(401, "Unauthorized"), {"quick": 1})
        assert (await slow, await quick) == ({"slow": 1}, {"quick": 1})
        stream.say("MODIFIED", pod("a", 9))
        assert await told.next(1) == [("came", "a", "9")]
