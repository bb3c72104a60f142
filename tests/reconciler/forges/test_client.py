"""The client of a forge: pages, what it remembers, its pace, redirects on the same host, proxies."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
import trio.testing

from reconciler.errors import Refused, Transient, Unusable
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.credentials import token_in_file, token_in_variable
from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.pages import following
from reconciler.forges.http.server import Server
from reconciler.forges.http.words import fit, fit_context, size
from tests.forges.forge import FakeForge
from tests.forges.parts import client_of
from tests.forges.state import Asked, Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


SMILE = "\U0001f600"


class Told:
    """Answers what a test says, by path."""

    base = "/api"
    origin = "https://forge.example.org"

    def __init__(self, **replies: Reply) -> None:
        self.replies = {f"/{name}": reply for name, reply in replies.items()}

    def token(self, asked: Asked) -> str:
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, state: State, asked: Asked) -> Reply:
        reply = self.replies[asked.path + (f"?{asked.query['page']}" if "page" in asked.query else "")]
        tag = reply.headers.get("etag")
        return Reply(304, None, {"etag": tag}) if tag and asked.headers.get("if-none-match") == tag else reply

    def client(self, **more) -> tuple[Client, list[Asked]]:
        fake = FakeForge(self)
        return client_of(fake, **more), fake.state.asked


def page(items: list[int], following_page: str = "", **headers: str) -> Reply:
    link = {"link": f'<{following_page}>; rel="next", <https://x.example>; rel="last"'} if following_page else {}
    return Reply(200, items, {**link, **headers})


async def test_all_pages_are_read():
    told = Told(list=page([1, 2], "https://forge.example.org/api/list?page=2"))
    told.replies["/list?2"] = page([3])
    client, asked = told.client()
    assert await client.pages("/list", {"state": "open"}) == [1, 2, 3]
    assert [one.query for one in asked] == [{"state": "open"}, {"page": "2"}]


@pytest.mark.parametrize(
    "where",
    [
        "https://elsewhere.example.org/api/list?page=2",
        "http://forge.example.org/api/list?page=2",
        "https://forge.example.org:8443/api/list",
        "https://forge.example.org@elsewhere.example.org/",
        "https://a@forge.example.org/",
        "ftp://forge.example.org/api",
        "https://[",
        "list?page=2",
    ],
)
async def test_a_page_on_another_host_is_not_asked(where):
    client, asked = Told(list=page([1], where)).client()
    with pytest.raises(Refused, match="another host"):
        await client.pages("/list")
    assert len(asked) == 1


async def test_a_list_without_an_end_is_none():
    client, asked = Told(list=page([1], "https://forge.example.org/api/list")).client()
    with pytest.raises(Refused, match="more than 5 pages"):
        await client.pages("/list", most=5)
    assert len(asked) == 5


async def test_a_page_that_is_no_list_is_no_empty_list():
    client, _ = Told(list=Reply(200, {"message": "maintenance"})).client()
    with pytest.raises(Refused, match="no list"):
        await client.pages("/list")


async def test_what_did_not_change_is_known():
    told = Told(list=page([1], etag='"a"'))
    client, asked = told.client()
    assert await client.pages("/list") == await client.pages("/list") == [1]
    told.replies["/list"] = page([2], etag='"b"')
    assert await client.pages("/list") == [2]
    assert [one.headers.get("if-none-match") for one in asked] == [None, '"a"', '"a"']


async def test_who_asks_with_another_token_asks_anew():
    tokens = iter(["one", "two"])
    told = Told(list=page([1], etag='"a"'))
    fake = FakeForge(told, state=State(tokens={"one", "two"}))
    client = client_of(fake, token=lambda: next(tokens))
    for _ in range(2):
        await client.get("/list")
    assert [one.headers.get("if-none-match") for one in fake.state.asked] == [None, None]


async def test_what_is_remembered_is_bounded():
    told = Told(**{f"l{number}": page([0] * 1000, etag=f'"{number}"') for number in range(300)})
    client, asked = told.client()
    for number in (*range(300), 0, 299):
        await client.get(f"/l{number}")
    assert [one.headers.get("if-none-match") for one in asked[-2:]] == [None, '"299"']


async def test_a_write_follows_a_move_on_the_same_host_as_it_is():
    told = Told(old=Reply(301, None, {"location": "/api/new"}), new=Reply(201, {"id": 1}))
    client, asked = told.client()
    answer = await client.write(Request("POST", "/old", body={"a": 1}))
    assert answer.value == {"id": 1}
    assert [(one.method, one.path, one.body) for one in asked] == [
        ("POST", "/api/old", {"a": 1}),
        ("POST", "/api/new", {"a": 1}),
    ]


async def test_a_circle_of_moves_ends():
    client, asked = Told(old=Reply(301, None, {"location": "/api/old"})).client()
    with pytest.raises(Refused, match="more than 3 times"):
        await client.get("/old")
    assert len(asked) == 4


async def test_writes_keep_the_pace():
    client, _ = Told(new=Reply(201, {})).client(pace=Pace(gap=1.0, minute=60, hour=450))
    begun, times = trio.current_time(), []
    while len(times) < 1000:
        try:
            await client.write(Request("POST", "/new"))
            times.append(trio.current_time() - begun)
        except Transient as error:
            await trio.sleep(error.after)
    assert all(b - a >= 1.0 for a, b in itertools.pairwise(times))
    assert all(b - a >= 60 for a, b in zip(times, times[60:], strict=False))
    assert all(b - a >= 3600 for a, b in zip(times, times[450:], strict=False))
    assert times[449] < 460, "and no slower than that"
    assert times[899] < 4070


async def test_a_limit_that_a_good_answer_uses_up_is_kept():
    told = Told(a=Reply(200, {}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4000000000"}))
    client, asked = told.client()
    await client.get("/a")
    with pytest.raises(Transient) as caught:
        await client.get("/a")
    assert caught.value.after == 3600
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ("", None),
        ('<https://x/2>; rel="next"', "https://x/2"),
        ('<https://x/1>; rel="prev", <https://x/3>; rel="next"', "https://x/3"),
        ("<https://x/2>; rel=next", "https://x/2"),
        ('<https://x/2?a=1,2;b>; title="a"; REL="last next"', "https://x/2?a=1,2;b"),
        ('<https://x/2>; rel="nextone"', None),
        ("<<<;;rel=next,,," * 5000, None),
    ],
)
def test_links(header, url):
    assert following(header) == url


@pytest.mark.parametrize(
    ("proxies", "url", "proxy"),
    [
        ({}, "https://f.example", None),
        ({"https_proxy": "http://p:1"}, "https://f.example", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://f.example", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://f.example", None),
        ({"all_proxy": "http://p:1"}, "https://f.example", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "a, .example"}, "https://f.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": "xample"}, "https://f.example", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "f.example:8443"}, "https://f.example", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "f.example:8443"}, "https://f.example:8443", None),
        ({"all_proxy": "http://p:1", "no_proxy": "*"}, "https://f.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": " , "}, "https://f.example", "http://p:1"),
    ],
)
def test_proxies(proxies, url, proxy):
    assert Server(url, proxies).proxy == proxy


def test_what_cannot_be_used_to_reach_it_is_said(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    server = Server("https://f.example", {"https_proxy": "ftp://me:canary@p"})
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(Unusable, match=re.escape(str(path))):
            replace(server, certificates=path).open()
    with pytest.raises(Unusable) as caught:
        server.open()
    assert "canary" not in caught.value.message
    assert "canary" not in repr(server)


def test_a_token_comes_from_where_it_is_said_to_be(tmp_path):
    path = tmp_path / "token"
    with pytest.raises(Refused, match=r"forge.tokenFile .*No such file"):
        token_in_file(path, "forge.tokenFile")()
    path.write_text(" \n")
    with pytest.raises(Refused, match="is empty"):
        token_in_file(path, "forge.tokenFile")()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match="not text"):
        token_in_file(path, "forge.tokenFile")()
    path.write_text("a\n")
    assert token_in_file(path, "forge.tokenFile")().strip() == "a"
    with pytest.raises(Refused, match=r"no variable T, which forge.tokenVariable names"):
        token_in_variable({"T": ""}, "T", "forge.tokenVariable")()
    assert token_in_variable({"T": "a"}, "T", "forge.tokenVariable")() == "a"


@pytest.mark.parametrize("text", ["", "short", "a" * 140, "a" * 141, SMILE * 71, "b" + SMILE * 71, "a\n\x07b"])
def test_words_are_cut_as_the_forge_counts(text):
    found = fit(text, 140)
    assert size(found) == len(found.encode("utf-16-le")) // 2 <= 140
    assert found.isprintable()
    assert (found == text) == (size(text) <= 140 and text.isprintable())


def test_contexts_that_are_cut_stay_apart():
    long = "plumbline/test/" + "n" * 300
    cut = {fit_context(long + letter, 255) for letter in "abc"}
    assert len(cut) == 3
    assert all(len(one) == 255 for one in cut)
    assert fit_context("a" * 255, 255) == "a" * 255
