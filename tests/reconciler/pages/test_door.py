"""Who gets in, by which way, and what every answer has: also errors, and also to those who are turned away."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from reconciler.errors import Unusable
from reconciler.pages.door import HEADERS
from reconciler.pages.sessions import LASTS, TRIES, Sessions, Tries
from reconciler.settings import DaemonSettings, load_settings
from reconciler.settings_api import Token
from tests.reconciler.api.support import World, job
from tests.reconciler.pages.support import configured, guarded, page, reading

SECRET = "plumbline_secret-token"
URL = "https://plumbline.example.org"
PATHS = ["/", "/commits/abcd", "/operations/train", "/runs/train@g1", "/runs/nope", "/nothing", "/sign-out", "/%00"]

anyio = pytest.mark.anyio
unit = pytest.mark.unit


def token(secret: str = SECRET, scope: str = "read", name: str = "ada") -> Token:
    return Token(name=name, sha256=hashlib.sha256(secret.encode()).hexdigest(), scopes=(scope,))  # type: ignore[arg-type]


def asking(url: str = URL) -> DaemonSettings:
    return configured(url, tokens=(token(), token("other", "events", "grafana")))


async def sign_in(client: httpx.AsyncClient, secret: str = SECRET, **fields: str) -> httpx.Response:
    return await client.post("/sign-in", data={"token": secret, **fields})


@unit
@anyio
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_nothing_is_told_without_signing_in(path: str, method: str) -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api, reading(world, asking()) as browser:
        await api.until("train", "succeeded")
        response = await browser.client.request(method, path)
        guarded(response)
        assert response.status_code == 401
        assert "train" not in response.text.replace(path, "")
        assert "set-cookie" not in response.headers


@unit
@anyio
async def test_a_token_opens_a_session_that_leads_on_to_what_was_asked_for() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api, reading(world, asking()) as browser:
        await api.until("train", "succeeded")
        form = await browser.get("/runs/train@g1?page=1", 401)
        assert form.fields["next"] == "/runs/train@g1?page=1"
        answer = await sign_in(browser.client, next=form.fields["next"])
        guarded(answer)
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs/train@g1?page=1")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-plumbline-default=")
        assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/", f"Max-Age={LASTS}"} <= set(cookie.split("; "))
        assert SECRET not in cookie
        found = await browser.get("/runs/train@g1")
        assert found.heads[0] == "h1 train@g1 succeeded"
        assert "Sign out ada" in found.text
        # Reading is all that it may do.
        refused = await browser.client.post("/runs/train@g1")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
        left = await browser.client.post("/sign-out")
        assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
        browser.client.cookies.clear()
        browser.client.cookies.set("__Host-plumbline-default", cookie.split(";")[0].partition("=")[2])
        await browser.get("/", 401)


@unit
@anyio
@pytest.mark.parametrize(
    "secret", ["", "wrong", "other", SECRET + "x", "x" * 3000, "\u202e", hashlib.sha256(SECRET.encode()).hexdigest()]
)
async def test_what_is_no_token_with_the_scope_opens_nothing(secret: str) -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        answer = await sign_in(browser.client, secret)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert not secret or secret not in answer.text
        await browser.get("/", 401)


@unit
@anyio
async def test_wrong_tokens_are_counted_and_the_right_one_waits_too() -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        for _ in range(TRIES):
            assert (await sign_in(browser.client, "wrong")).status_code == 401
        answer = await sign_in(browser.client)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 31
        guarded(answer)
        # A token in the head of a request is no way around it.
        await browser.get("/", 401, authorization=f"Bearer {SECRET}")


@unit
@anyio
async def test_a_program_may_send_its_token_with_each_request() -> None:
    world = World()
    async with world.running(), reading(world, asking()) as browser:
        await browser.get("/", 200, authorization=f"Bearer {SECRET}")
        await browser.get("/", 401, authorization="Bearer other")
        await browser.get("/", 401, authorization=f"Basic {SECRET}")
        await browser.get("/", 401)


@unit
@anyio
@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a b", "/\r\nx: y", "x"],
)
async def test_nobody_is_sent_to_another_server(onward: str) -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        answer = await sign_in(browser.client, next=onward)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@unit
@anyio
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "https://[evil"},
    ],
)
async def test_the_form_of_another_page_is_refused(headers: dict[str, str]) -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        answer = await browser.client.post("/sign-in", data={"token": SECRET}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        page(answer)


@unit
@anyio
@pytest.mark.parametrize("headers", [{"origin": "null"}, {"origin": URL}, {"sec-fetch-site": "same-origin"}])
async def test_our_own_form_is_taken(headers: dict[str, str]) -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        answer = await browser.client.post("/sign-in", data={"token": SECRET}, headers=headers)
        assert answer.status_code == 303


@unit
@anyio
async def test_a_form_that_is_too_large_is_refused() -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        answer = await browser.client.post("/sign-in", content=b"token=" + b"x" * 5000)
        assert answer.status_code == 413
        answer = await browser.client.post("/sign-in", content=b"&".join(b"a=1" for _ in range(50)))
        assert answer.status_code == 400


@unit
@anyio
async def test_a_link_from_elsewhere_asks_once_more_by_itself() -> None:
    """A browser leaves a strict cookie out when another site's page leads here; when ours does, it sends it."""
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        elsewhere = await browser.get("/", 401, sec_fetch_site="cross-site")
        assert '<meta http-equiv="refresh" content="0">' in elsewhere.html
        own = await browser.get("/", 401, sec_fetch_site="same-origin")
        assert "refresh" not in own.html


@unit
@anyio
async def test_below_a_path_of_a_proxy_every_link_stays_below_it() -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    settings = asking("https://tools.example.org/team/plumbline")
    async with world.running() as api, reading(world, settings) as browser:
        await api.until("train", "succeeded")
        answer = await browser.client.post("/sign-in", data={"token": SECRET, "next": "/runs/train@g1"})
        assert answer.headers["location"] == "/team/plumbline/runs/train@g1"
        assert answer.headers["set-cookie"].startswith("__Secure-plumbline-default=")
        assert "Path=/team/plumbline;" in f"{answer.headers['set-cookie']};"
        head = {"authorization": f"Bearer {SECRET}"}
        # The proxy may take the path off, or leave it.
        for path in ("/runs/train@g1", "/team/plumbline/runs/train@g1"):
            found = await browser.get(path, **head)
            assert all(link.startswith(("/team/plumbline/", "#", "?")) for link in found.links)
            for link in found.links:
                if "/assets/" in link:
                    assert (await browser.client.get(link)).status_code == 200


@unit
@anyio
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8061", 200),
        ("localhost:9000", 200),
        ("[::1]:8061", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1", 421),
        ("192.0.2.1:8061", 421),
        ("", 421),
    ],
)
async def test_on_loopback_only_names_of_this_machine_do(host: str, status: int) -> None:
    """A page of a stranger may have its own name lead to 127.0.0.1, and would read what it finds there."""
    world = World()
    async with world.running(), reading(world) as browser:
        response = await browser.client.get("/", headers={"host": host})
        assert response.status_code == status
        page(response)


@unit
@anyio
@pytest.mark.parametrize("path", ["/", "/runs/train@g1", "/nothing", "/runs/nope"])
async def test_head_is_get_without_a_body(path: str) -> None:
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        got, head = await browser.client.get(path), await browser.client.head(path)
        assert (head.status_code, head.headers["content-type"]) == (got.status_code, got.headers["content-type"])
        if got.status_code == 200:
            assert head.content == b""
        guarded(head)


@unit
@anyio
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_nothing_can_be_changed(method: str) -> None:
    world = World()
    async with world.running(), reading(world) as browser:
        style = next(link for link in (await browser.get("/")).links if link.endswith(".css"))
        for path in ("/", "/commits/abcd", "/operations/a", "/runs/a", style):
            response = await browser.client.request(method, path)
            assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
            page(response)


@unit
@anyio
async def test_the_stylesheet_is_had_by_everybody_for_ever() -> None:
    world = World()
    async with world.client(), reading(world, asking()) as browser:
        form = await browser.get("/", 401)
        for link in (link for link in form.links if link.startswith("/assets/")):
            response = await browser.client.get(link)
            guarded(response)
            assert response.status_code == 200
            assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert b"http" not in response.content.replace(b"http://www.w3.org/2000/svg", b"")
            assert b"@import" not in response.content
            assert b"url(" not in response.content


@unit
@anyio
async def test_a_fault_of_ours_is_a_page_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    async with world.client(), reading(world) as browser:

        async def broken() -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(world.service, "status", broken)
        found = await browser.get("/", 500)
        assert "This is our fault" in found.text
        assert "secret detail" not in found.html


@unit
def test_every_header_that_guards_is_there() -> None:
    policy = {part.split()[0]: part.split()[1:] for part in HEADERS["content-security-policy"].split("; ")}
    assert policy == {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


@unit
def test_a_session_ends_with_its_time_and_with_too_many_others() -> None:
    now = 0.0
    sessions = Sessions([token()], lambda: now)
    first = sessions.open("ada")
    assert (sessions.find(first), sessions.find("other"), sessions.find("")) == ("ada", "", "")
    now = LASTS - 1
    assert sessions.find(first) == "ada"
    now = LASTS
    assert sessions.find(first) == ""
    second = sessions.open("ada")
    for _ in range(1_000):
        sessions.open("bob")
    assert sessions.find(second) == ""


@unit
def test_tries_come_back_one_by_one_and_are_of_an_address() -> None:
    now = 0.0
    tries = Tries(lambda: now)
    for _ in range(TRIES):
        assert tries.wait("a") == 0
        tries.failed("a")
    assert tries.wait("a") > 0
    assert tries.wait("b") == 0
    now = 31.0
    assert tries.wait("a") == 0
    tries.failed("a")
    assert tries.wait("a") > 0
    for number in range(10_000):
        tries.failed(str(number))


GOOD = "repository: {url: /srv/r.git}\n"
READER = f"api: {{tokens: [{{name: ada, sha256: {'ab' * 32}, scopes: [read]}}]}}\n"


def load(folder: Path, text: str) -> DaemonSettings:
    path = folder / "daemon.yaml"
    path.write_text(f"{GOOD}{text}")
    return load_settings(path)


@unit
@pytest.mark.parametrize(
    ("text", "asks", "address"),
    [
        ("", False, ""),
        ("pages: {url: 'https://a.example'}\n", True, ""),
        ("pages: {listen: '127.0.0.1:8061'}\n", False, "http://127.0.0.1:8061"),
        ("pages: {listen: '[::1]:8061', url: 'http://localhost:8061'}\n", False, "http://localhost:8061"),
        (f"{READER}pages: {{listen: '127.0.0.1:8061', url: 'https://a.example'}}\n", True, "https://a.example"),
        (f"{READER}pages: {{listen: '0.0.0.0:8061'}}\n", True, "http://0.0.0.0:8061"),
    ],
)
def test_a_token_is_asked_for_wherever_others_can_reach(tmp_path: Path, text: str, asks: bool, address: str) -> None:
    pages = load(tmp_path, text).pages
    assert (pages.asks, pages.address) == (asks, address)


@unit
@pytest.mark.parametrize(
    "text",
    [
        "pages: {listen: '0.0.0.0:8061'}\n",
        "pages: {listen: '127.0.0.1:8061', url: 'https://a.example'}\n",
        READER.replace("read", "events") + "pages: {listen: '0.0.0.0:8061'}\n",
        READER.replace(", scopes: [read]", "") + "pages: {listen: '0.0.0.0:8061'}\n",
    ],
)
def test_pages_that_nobody_could_read_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unusable, match="pages that others reach need a token of"):
        load(tmp_path, text)


@unit
def test_events_need_a_token_that_may_send_them(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="`events` needs `tokens`: nobody could send any"):
        load(tmp_path, READER.replace("tokens", "events: '127.0.0.1:8070', tokens"))
