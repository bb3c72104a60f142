"""Whether what leads to a service is as it was left: what of it counts, and what the API server is asked meanwhile."""

import asyncio
import copy
import functools
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from reconciler.backends.kubernetes import listwatch, names
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.listwatch import ListWatch, Watched
from reconciler.backends.kubernetes.render import render
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.ways import Watching, Ways, kinds_of, trimmed_way
from reconciler.errors import Refused
from tests.reconciler.backends.kubernetes.cases import GATEWAY, INGRESS
from tests.reconciler.backends.kubernetes.orders import job, order
from tests.reconciler.backends.kubernetes.talk import failure, page, talking

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

TEXT = job("ports: [80, 81]\nisExternal: true\ncontainer: {image: i}").replace("kind: job", "kind: service")
ROUTE = replace(INGRESS, annotations={"nginx.example/size": "1m"})


def rendered(route=ROUTE):
    settings = KubernetesSettings(namespace="ml", route=route)
    return render(order(TEXT), settings)


def kept(item, version, uid="u1"):
    """As a server has it: with what it gives a Service by itself."""
    made = copy.deepcopy(item)
    made["metadata"] |= {"uid": uid, "resourceVersion": str(version), "creationTimestamp": "2026-11-26T06:00:00Z"}
    if item["kind"] == "Service":
        made["spec"] |= {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "sessionAffinity": "None"}
        made["status"] = {"loadBalancer": {}}
    return made


class Server:
    """What it is asked, answered as a server does that keeps what is applied."""

    def __init__(self, api, item):
        self.version, self.item, self.writes = 7, item, []
        self._api = api

    async def call(self, method, path, body=None, *, query=None, content=""):
        assert (method, query["force"], content) == ("PATCH", "true", "application/apply-patch+yaml")
        if "dryRun" not in query:
            self.version += 1
            self.item = kept(body, self.version)
            self.writes.append(path)
        return kept(body, self.version)


async def left(item):
    """An item as `put` leaves it on a server."""
    server = Server(None, item)
    ways = Ways(server, Watching(("ml",), "a=b", (item["kind"],)), lambda *_: False)
    assert await ways.put(item) is True
    assert len(server.writes) == 1
    return server.item


@pytest.mark.parametrize("index", [0, 1], ids=["service", "ingress"])
async def test_what_was_just_left_is_as_it_was_left(index):
    item = rendered().after[index]
    trimmed = trimmed_way(item["kind"], await left(item))
    assert trimmed["is"] == trimmed["left"] != ""
    assert len(json.dumps(trimmed)) < 400, "a thousand of them are no burden"


def _edit(path, value):
    def edit(item):
        at = functools.reduce(lambda found, name: found[name], path[:-1], item)
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return edit


SPEC, SAID, LABELS = ("spec",), ("metadata", "annotations"), ("metadata", "labels")


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("Service", _edit((*SPEC, "selector"), {"app": "other"})),
        ("Service", _edit((*SPEC, "ports", 1, "port"), 8081)),
        ("Service", _edit((*SPEC, "ports", 0, "targetPort"), 9)),
        ("Service", _edit((*SPEC, "type"), "NodePort")),
        ("Service", _edit((*LABELS, names.SERVICE), None)),
        ("Service", _edit((*SAID, names.KEY), "other@g1#1")),
        ("Service", _edit((*SAID, names.AS_MADE), None)),
        ("Ingress", _edit((*SPEC, "rules", 0, "host"), "evil.example.org")),
        ("Ingress", _edit((*SPEC, "tls"), None)),
        ("Ingress", _edit((*SAID, "nginx.example/size"), "9m")),
        ("Ingress", _edit((*SAID, "nginx.example/size"), None)),
    ],
)
async def test_a_change_of_ours_is_seen_and_its_way_back_too(kind, edit):
    item = next(one for one in rendered().after if one["kind"] == kind)
    before = await left(item)
    changed = copy.deepcopy(before)
    edit(changed)
    seen = trimmed_way(kind, changed)
    assert seen["is"] != seen["left"]
    assert trimmed_way(kind, copy.deepcopy(before))["is"] == trimmed_way(kind, before)["left"]


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("Service", _edit((*SPEC, "clusterIP"), "10.0.0.9")),
        ("Service", _edit((*SPEC, "ports", 0, "nodePort"), 30_080)),
        ("Service", _edit((*SPEC, "externalTrafficPolicy"), "Local")),
        ("Service", _edit(("status", "loadBalancer"), {"ingress": [{"ip": "1.2.3.4"}]})),
        ("Service", _edit((*SAID, "example.org/team"), "b")),
        ("Service", _edit((*SAID, names.SEQUENCE), "99")),
        ("Ingress", _edit((*SAID, "acme.example/solved"), "true")),
    ],
)
async def test_what_others_and_the_server_add_is_none(kind, edit):
    item = next(one for one in rendered().after if one["kind"] == kind)
    changed = await left(item)
    edit(changed)
    seen = trimmed_way(kind, changed)
    assert seen["is"] == seen["left"]


async def test_a_rule_that_cannot_be_asked_as_if_has_it_applied_twice(tmp_path):
    item = rendered().after[0]
    refusal = failure(400, "BadRequest", "admission webhook w does not support dry run")
    async with talking(tmp_path) as (talk, path):
        api = Api(Access(path))
        talk.answer(refusal, kept(item, 8), kept(item, 9))
        assert await Ways(api, Watching((), "", ()), lambda *_: False).put(item) is True
        assert ["dryRun" in one for one in talk.asked] == [True, False, False]
        talk.answer(failure(422, "Invalid", "spec.ports: bad"))
        with pytest.raises(Refused, match=r"Service ml/.* cannot be made: spec\.ports: bad"):
            await Ways(api, Watching((), "", ()), lambda *_: False).put(item)
        await api.close()


def test_a_route_is_watched_where_there_is_one():
    assert kinds_of(KubernetesSettings()) == ("Service",)
    assert kinds_of(KubernetesSettings(route=INGRESS)) == ("Service", "Ingress")
    assert kinds_of(KubernetesSettings(route=GATEWAY)) == ("Service", "HTTPRoute")


@asynccontextmanager
async def watched(folder):
    """Services are watched; they are listed when the test says."""
    async with talking(folder) as (talk, path):
        api, told = Api(Access(path)), asyncio.Queue()

        def tell(*at):
            told.put_nowait(at)
            return True

        ways = Ways(api, Watching(("ml",), "a=b", ("Service",)), tell)
        (watch,) = ways.watches
        task = asyncio.create_task(watch.run())
        try:
            yield talk, ways, told
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await api.close()


async def test_nothing_is_gone_before_a_whole_list_was_seen(tmp_path):
    made = rendered()
    service = await left(made.after[0])
    name = service["metadata"]["name"]
    workload = replace_ways(made.workload, "Service")
    with anyio.fail_after(20):
        async with watched(tmp_path) as (talk, ways, told):
            await talk.questions.get()
            assert ways.drift(workload) == "", "no list was seen yet"
            talk.answer(page(7, service))
            stream = await talk.watches.get()
            assert (ways.drift(workload), told.empty()) == ("", True)
            changed = copy.deepcopy(service)
            changed["metadata"]["resourceVersion"] = "9"
            changed["spec"]["selector"] = {"app": "other"}
            stream.say("MODIFIED", changed)
            assert await told.get() == ("ml", name)
            assert ways.drift(workload) == "somebody else changed its Service"
            changed["metadata"] |= {"resourceVersion": "10", "deletionTimestamp": "2026-11-26T06:00:00Z"}
            stream.say("MODIFIED", changed)
            await told.get()
            assert ways.drift(workload) == "", "until it is gone nothing can be made again"
            stream.say("DELETED", changed | {"metadata": {**changed["metadata"], "resourceVersion": "11"}})
            assert await told.get() == ("ml", name)
            assert ways.drift(workload) == "somebody else deleted its Service"
            stream.say("ADDED", kept(service, 12, "u2"))
            assert await told.get() == ("ml", name), "that it is well again is news too"
            assert ways.drift(workload) == ""
            stream.say("MODIFIED", kept(service, 13, "u2"))
            stream.say("DELETED", kept(service, 14, "u2"))
            assert await told.get() == ("ml", name)
            assert told.empty(), "what stays as it was left is no news"


def replace_ways(workload, said):
    made = copy.deepcopy(workload)
    made["metadata"]["annotations"][names.WAYS] = said
    return made


def test_a_workload_says_what_leads_to_it():
    assert rendered().workload["metadata"]["annotations"][names.WAYS] == "Service Ingress"
    assert rendered(None).workload["metadata"]["annotations"][names.WAYS] == "Service"
    made = rendered()
    old = copy.deepcopy(made.workload)
    del old["metadata"]["annotations"][names.WAYS]
    assert Ways(None, Watching(("ml",), "", ("Service",)), lambda *_: False).drift(old) == "", "of an earlier version"


@pytest.mark.parametrize("answer", [(404, "NotFound"), (403, "Forbidden")], ids=["no kind", "no right"])
async def test_a_kind_that_there_is_not_is_asked_for_when_there_is_reason_to(tmp_path, answer):
    """Neither in a loop nor at intervals; one that comes later is found by whoever writes the first of it."""
    async with talking(tmp_path) as (talk, path):
        api = Api(Access(path))
        watch = ListWatch(
            api,
            Watched("/apis/g/v1/namespaces/ml/httproutes", "a=b", functools.partial(trimmed_way, "HTTPRoute"), True),
            lambda _: None,
            lambda _: None,
        )
        task = asyncio.create_task(watch.run())
        with anyio.fail_after(20):
            talk.answer(failure(*answer))
            await talk.questions.get()
            while not watch.trouble:
                await anyio.lowlevel.checkpoint()
            await anyio.wait_all_tasks_blocked()
            assert (len(talk.asked), watch.synced) == (1, False)
            talk.answer(failure(*answer), page(9))
            for _ in range(2):
                watch.wake()
                await talk.questions.get()
                await anyio.wait_all_tasks_blocked()
            await talk.watches.get()
        assert (len(talk.asked), watch.synced, watch.trouble) == (3, True, "")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.close()


async def test_the_half_hour_finds_it_too(tmp_path, monkeypatch):
    monkeypatch.setattr(listwatch, "RELIST", 0.01)
    async with talking(tmp_path) as (talk, path):
        api = Api(Access(path))
        trim = functools.partial(trimmed_way, "HTTPRoute")
        watch = ListWatch(api, Watched("/apis/g/v1/x", "a=b", trim, True), lambda _: None, lambda _: None)
        task = asyncio.create_task(watch.run())
        talk.answer(failure(404, "NotFound"), page(9))
        with anyio.fail_after(20):
            await watch.wait_synced()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.close()


async def test_what_went_with_its_service_is_not_remembered(tmp_path):
    service = await left(rendered().after[0])
    async with talking(tmp_path) as (talk, path):
        api, asked = Api(Access(path)), []
        ways = Ways(api, Watching(("ml",), "a=b", ("Service",)), lambda *at: bool(asked.append(at)))
        (watch,) = ways.watches
        talk.answer(page(7, service))
        task = asyncio.create_task(watch.run())
        with anyio.fail_after(20):
            (await talk.watches.get()).say("DELETED", kept(service, 9))
            while not asked:
                await anyio.lowlevel.checkpoint()
        assert (len(asked), ways._odd) == (1, set())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.close()
