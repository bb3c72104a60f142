"""Deliveries of strangers, with secrets in every part of them: nobody is woken, and nothing of them is said anywhere.

Each case is one way to go wrong. What is only about bytes on a connection is in `test_on_a_socket`, and what forges
send when all is well in `test_listener`.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest
import structlog

from reconciler.telemetry import configure_logging
from reconciler.webhooks.listener import LARGEST
from reconciler.webhooks.signatures import Secret
from tests.reconciler.webhooks.deliveries import (
    AT,
    KEY,
    NAME,
    PAYLOADS,
    SECRET,
    SIGNING,
    Delivery,
    delivery,
    github,
    gitlab,
    pushed,
    signed,
)
from tests.reconciler.webhooks.hearing import Hearing
from tests.reconciler.webhooks.test_on_a_socket import served
from tests.traps import trapped

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

CANARY = "canary-9d2e"
OTHER = f"{CANARY} is the secret of somebody else"
CANARIES = (CANARY, SECRET, SIGNING, SIGNING.removeprefix("whsec_"))
WORDS = {"x-canary": CANARY, "authorization": f"Bearer {CANARY}", "cookie": f"token={CANARY}"}


@pytest.fixture(autouse=True, params=["text", "json"])
def logs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, as the daemon writes it."""
    found = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", found)
        configure_logging(json=request.param == "json", level="debug")
    yield found
    structlog.reset_defaults()


@dataclass(frozen=True)
class Case:
    """A request, and what is answered.

    Attributes:
        sent: its body and headers.
        status: of the answer.
        more: headers that come behind, which may be there already.
        method: of HTTP.
        path: behind the host.
    """

    sent: Delivery
    status: int
    more: tuple[tuple[bytes, bytes], ...] = ()
    method: str = "POST"
    path: str = f"/webhook?token={CANARY}"


def push(forge: str = "github", **more: object) -> bytes:
    """What a push says, with secrets in what people write."""
    said = {"message": CANARY, "clone_url": f"https://ada:{CANARY}@forge.example/x.git", CANARY: CANARY, **more}
    made = gitlab("push", **pushed(), **said) if forge.startswith("gitlab") else github(**pushed(), **said)
    return json.dumps(made).encode()


def made(forge: str = "github", body: bytes | None = None, **how: object) -> Delivery:
    """A delivery with a signature that is right unless `how` says otherwise."""
    body = push(forge) if body is None else body
    return signed(forge, PAYLOADS[forge]["push"][0], body, **how)  # type: ignore[arg-type]


def named(forge: str, value: object) -> Delivery:
    """One of a repository that is called so."""
    payload = json.loads(push(forge))
    section, field = ("project", "path_with_namespace") if forge.startswith("gitlab") else ("repository", "full_name")
    payload[section][field] = value
    return made(forge, json.dumps(payload).encode())


def without(forge: str, *names: str, **changed: str) -> Delivery:
    """One without some of its headers, and with others changed."""
    left_out: dict[str, str | None] = {name.replace("-", "_"): None for name in names}
    return made(forge).with_headers(**left_out, **changed)


def digest(forge: str, **how: object) -> str:
    """The signature of a body, as HEX."""
    return made(forge, **how).headers["x-hub-signature-256"].removeprefix("sha256=")  # type: ignore[arg-type]


GOOD = digest("github")
HUB = "x-hub-signature-256"
OLDER = made(body=push(message="an older one"))

SIGNATURES: dict[str, Delivery] = {
    "nothing-at-all": Delivery(b""),
    "a-form-for-people": Delivery(b"a=b", {"content-type": "multipart/form-data; boundary=x"}),
    "no-event": without("github", "x-github-event"),
    "of-another-secret": made(secret=OTHER),
    "of-an-empty-secret": made(secret=" "),
    "of-the-secret-in-other-letters": made(secret=SECRET.upper()),
    "of-the-secret-with-a-line-end": made(secret=f"{SECRET}\n"),
    "of-an-older-body": Delivery(push(), OLDER.headers),
    "of-no-body": Delivery(push(), made(body=b"").headers),
    "of-the-body-without-its-end": Delivery(push() + b"\n", made().headers),
    "of-the-body-set-anew": Delivery(json.dumps(json.loads(push()), indent=1).encode(), made().headers),
    "of-a-digest-of-the-secret-alone": without("github", x_hub_signature_256=f"sha256={'0' * 64}"),
    "the-secret-instead-of-it": without("github", x_hub_signature_256=f"sha256={SECRET}"),
    "only-sha1": without("github", HUB),
    "sha1-in-its-place": without("github", x_hub_signature_256=made().headers["x-hub-signature"]),
    "sha512-by-name": without("github", x_hub_signature_256=f"sha512={GOOD}"),
    "name-in-capitals": without("github", x_hub_signature_256=f"SHA256={GOOD}"),
    "no-name": without("github", x_hub_signature_256=GOOD),
    "name-and-nothing": without("github", x_hub_signature_256="sha256="),
    "half-of-it": without("github", x_hub_signature_256=f"sha256={GOOD[:32]}"),
    "hex-in-capitals": without("github", x_hub_signature_256=f"sha256={GOOD.upper()}"),
    "hex-after-0x": without("github", x_hub_signature_256=f"sha256=0x{GOOD[2:]}"),
    "two-in-one": without("github", x_hub_signature_256=f"sha256={GOOD}, sha256={GOOD}"),
    "with-a-canary-behind": without("github", x_hub_signature_256=f"sha256={GOOD};{CANARY}"),
    "in-a-header-of-gitea": without("github", HUB, x_gitea_signature=GOOD),
    "in-a-header-of-gogs": without("gitea", "x-gitea-signature", HUB),
    "gitea-by-githubs": without("gitea", "x-gitea-signature"),
    "gitea-with-a-name": without("gitea", x_gitea_signature=f"sha256={digest('gitea')}"),
    "gitea-right-and-forgejo-wrong": without("forgejo", x_forgejo_signature="0" * 64),
    "gitlab-by-githubs": without("gitlab", "x-gitlab-token", x_hub_signature_256=f"sha256={GOOD}"),
    "gitlab-by-authorization": without("gitlab", "x-gitlab-token", authorization=f"Bearer {SECRET}"),
    "gitlab-of-somebody-else": without("gitlab", x_gitlab_token=OTHER),
    "gitlab-begins-right": without("gitlab", x_gitlab_token=SECRET[:-1]),
    "gitlab-goes-on": without("gitlab", x_gitlab_token=f"{SECRET} {CANARY}"),
    "signed-of-another-delivery": without("gitlab-signed", webhook_id=CANARY),
    "signed-at-another-time": without("gitlab-signed", webhook_timestamp=str(AT - 1)),
    "signed-without-a-time": without("gitlab-signed", "webhook-timestamp"),
    "signed-at-no-time": without("gitlab-signed", webhook_timestamp=CANARY),
    "signed-before-all-time": made("gitlab-signed", at=-1),
    "signed-long-ago": made("gitlab-signed", at=AT - 301),
    "signed-in-the-future": made("gitlab-signed", at=AT + 301),
    "signed-by-the-first-version": without(
        "gitlab-signed", webhook_signature=made("gitlab-signed").headers["webhook-signature"].replace("v1,", "v1a,")
    ),
    "signed-behind-eight-others": without(
        "gitlab-signed", webhook_signature="v1,AAAA " * 8 + made("gitlab-signed").headers["webhook-signature"]
    ),
    "signed-with-the-text-of-the-key": made(
        "gitlab-signed", secret="whsec_" + base64.b64encode(SIGNING.encode()).decode()
    ),
    "plain-with-the-signing-key": without("gitlab", x_gitlab_token=KEY.decode("latin-1")),
}
"""What is signed by nobody who may: 401, as if nothing had been sent."""

TWICE: dict[str, tuple[Delivery, tuple[bytes, bytes]]] = {
    "the-same-again": (made(), (HUB.encode(), f"sha256={GOOD}".encode())),
    "an-empty-one-behind": (made(), (HUB.encode(), b"")),
    "a-token-behind": (made("gitlab"), (b"x-gitlab-token", OTHER.encode())),
    "a-time-behind": (made("gitlab-signed"), (b"webhook-timestamp", b"1")),
    "bytes-above-ascii": (without("github", HUB), (HUB.encode(), b"sha256=" + b"\xff\xe2\x80\xae" * 16)),
    "a-nul": (without("github", HUB), (HUB.encode(), f"sha256={GOOD[:-1]}\0".encode())),
    "an-escape": (without("gitlab", "x-gitlab-token"), (b"x-gitlab-token", b"\x1b[2J" + CANARY.encode())),
    "a-megabyte": (without("gitlab", "x-gitlab-token"), (b"x-gitlab-token", CANARY.encode() * 100_000)),
}
"""Headers that come twice, or that no library would send: 401 too."""

NOTHING = json.dumps({"repository": {}, "project": {}, "a": CANARY}).encode()
BODIES: dict[str, tuple[Delivery, int]] = {
    "packed": (made(body=gzip.compress(push())).with_headers(content_encoding="gzip"), 400),
    "latin-1": (made(body=f'{{"a": "{CANARY} \xe9"}}'.encode("latin-1")), 400),
    "half-a-surrogate": (named("github", f"{NAME}\ud800"), 200),
    "two-documents": (made(body=push() + push()), 400),
    "json-lines-of-pushes": (made(body=b"[" + push() + b"]"), 400),
    "nothing-in-the-repository": (made(body=NOTHING), 400),
    "deep-in-the-repository": (made(body=b'{"repository":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001), 400),
    "deep-lists": (made(body=b"[" * 100_000), 400),
    "a-digit-for-each-byte": (made(body=b"9" * 5_000), 400),
    "an-infinite-number": (made(body=b'{"repository": {"full_name": Infinity}}'), 400),
    "a-list-of-names": (named("github", [NAME]), 400),
    "an-object-for-a-name": (named("gitlab", {"name": NAME}), 400),
    "true-for-a-name": (named("gitea", True), 400),
    "of-another-team": (named("github", "another/models"), 200),
    "above": (named("github", f"{NAME}/../../other/models"), 200),
    "a-path-for-a-name": (named("github", "/etc/passwd"), 200),
    "an-option-for-a-name": (named("gitea", "--upload-pack=touch /tmp/pwned"), 200),
    "a-line-end-in-it": (named("gitlab", f"{NAME}\nlevel=error"), 200),
    "turned-round": (named("gitea", f"\u202e{NAME}"), 200),
    "an-escape-in-it": (named("github", f"\x1b[2J{NAME}"), 200),
    "a-nul-behind-it": (named("github", f"{NAME}\0"), 200),
    "a-look-alike": (named("github", "te\u0430m/models"), 200),
    "a-long-s": (named("github", "team/model\u017f"), 200),
    "a-name-without-end": (named("github", "a" * 1_000_000), 200),
    "the-last-of-two-names": (made(body=push()[:-1] + b', "repository": {"full_name": "a/b"}}'), 200),
    "names-of-the-other-forge": (made("gitlab", push("github")), 400),
    "an-event-of-nobody": (made().with_headers(x_github_event=CANARY), 204),
    "an-event-with-a-line": (made().with_headers(x_github_event="push\tpush"), 204),
    "too-large": (made(body=push() + b" " * LARGEST), 413),
    "says-that-it-is-larger": (made().with_headers(content_length="9" * 9), 413),
    "says-no-number": (made().with_headers(content_length="1e3"), 413),
    "other-digits": (made().with_headers(content_length="-0"), 413),
    "a-form": (made().with_headers(content_type="application/x-www-form-urlencoded"), 415),
    "a-form-in-capitals": (made().with_headers(content_type="Application/X-WWW-Form-URLencoded ;a=b"), 415),
}
"""What is signed as it must be and is not what this daemon follows, or nothing that could be."""

ROUTES: dict[str, tuple[str, str, int]] = {
    "get": ("GET", "/webhook", 405),
    "put": ("PUT", "/webhook", 405),
    "patch": ("PATCH", "/webhook", 405),
    "trace": ("TRACE", "/webhook", 405),
    "connect": ("CONNECT", "/webhook", 405),
    "of-nobody": (CANARY.upper(), "/webhook", 405),
    "a-slash-behind": ("POST", "/webhook/", 404),
    "two-slashes": ("POST", "//webhook", 404),
    "capitals": ("POST", "/Webhook", 404),
    "above": ("POST", f"/webhook/../{CANARY}", 404),
    "above-escaped": ("POST", "/webhook/%2e%2e/metrics", 404),
    "a-line-end": ("POST", "/webhook%0d%0aset-cookie:a", 404),
    "the-api": ("POST", "/v1/operations/train/run", 404),
    "root": ("POST", f"/?token={CANARY}", 404),
}
"""Other doors, with a delivery that is signed as it must be."""

CASES: dict[str, Case] = {
    **{f"signature-{name}": Case(sent, 401) for name, sent in SIGNATURES.items()},
    **{f"header-{name}": Case(sent, 401, (more,)) for name, (sent, more) in TWICE.items()},
    **{f"body-{name}": Case(sent, status) for name, (sent, status) in BODIES.items()},
    **{f"route-{name}": Case(made(), status, (), method, path) for name, (method, path, status) in ROUTES.items()},
}


def raw(case: Case) -> list[tuple[bytes, bytes]]:
    """All headers as bytes, those that hold a secret and are not looked at among them."""
    headers = {**WORDS, **case.sent.headers}
    return [*((name.encode(), value.encode("latin-1")) for name, value in headers.items()), *case.more]


def assert_silent(*said: object) -> None:
    """Nothing of what was sent, and nothing of what is secret, is in what was said."""
    text = "\n".join(str(part) for part in said)
    assert not [canary for canary in CANARIES if canary in text]
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("name", CASES)
async def test_it_wakes_nobody_and_is_told_nothing(
    name: str, logs: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    async with Hearing().open() as hearing:
        with trapped():
            headers, body = raw(case), case.sent.body
            answer = await hearing.client.request(case.method, case.path, content=body, headers=headers)
            await anyio.wait_all_tasks_blocked()
        assert answer.status_code == case.status
        assert (hearing.polls, hearing.looks) == (0, 0)
        said = [answer.text, answer.headers, hearing.metrics.text().decode(), hearing.hints]
        assert_silent(*said, logs.getvalue(), *capfd.readouterr())
        assert len(answer.content) < 500


async def test_what_is_asked_for_comes_all_the_same(logs: io.StringIO) -> None:
    """The cases fail for what they say: the same delivery without it is heard, by each of the ways to sign."""
    async with Hearing().open() as hearing:
        for number, forge in enumerate(("github", "gitlab", "gitlab-signed", "gitea", "forgejo")):
            assert await hearing.send(made(forge, ident=f"d-{number}")) == 202
        assert hearing.polls >= 1
    assert logs.getvalue().count("webhook") == 5, "what is logged is looked at"


async def test_a_replay_wakes_nobody_within_a_day_and_a_changed_id_is_signed_by_nobody() -> None:
    async with Hearing().open() as hearing:
        sent = made("gitlab-signed", ident="d-1")
        assert [await hearing.send(sent) for _ in range(3)] == [202, 200, 200]
        assert await hearing.send(sent.with_headers(webhook_id="d-2")) == 401
        hearing.clock.at += 301
        assert await hearing.send(sent) == 401
        assert hearing.polls == 1


async def test_a_secret_that_was_taken_away_opens_nothing() -> None:
    async with Hearing().open() as hearing:
        hearing.secrets[:] = []
        for forge in ("github", "gitlab", "gitlab-signed", "gitea"):
            assert await hearing.send(made(forge)) == 401
        hearing.secrets[:] = [Secret(b"")]
        assert await hearing.send(delivery("gitlab").with_headers(x_gitlab_token="")) == 401
        assert hearing.polls == 0


HEAD = f"host: hooks\r\nx-github-event: push\r\nx-hub-signature-256: sha256={'0' * 64}\r\nx: {CANARY}\r\n"
BYTES: dict[str, bytes] = {
    "two-lengths": f"POST /webhook HTTP/1.1\r\n{HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}x".encode(),
    "a-length-and-pieces": (
        f"POST /webhook HTTP/1.1\r\n{HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /webhook HTTP/1.1\r\nhost: a\r\n\r\n"
    ).encode(),
    "pieces-of-no-size": f"POST /webhook HTTP/1.1\r\n{HEAD}transfer-encoding: chunked\r\n\r\n{CANARY}\r\n".encode(),
    "pieces-of-a-negative-size": f"POST /webhook HTTP/1.1\r\n{HEAD}transfer-encoding: chunked\r\n\r\n-1\r\n".encode(),
    "a-folded-header": f"POST /webhook HTTP/1.1\r\n{HEAD} folded\r\ncontent-length: 0\r\n\r\n".encode(),
    "a-nul-in-a-header": f"POST /webhook HTTP/1.1\r\n{HEAD}y: a\0b\r\ncontent-length: 0\r\n\r\n".encode(),
    "no-http": f"{CANARY}\r\n\r\n".encode(),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CANARY.encode() + b"\r\n\r\n",
    "a-head-without-end": f"POST /webhook HTTP/1.1\r\n{HEAD}".encode() + b"a: b\r\n" * 50_000,
    "another-version": f"POST /webhook HTTP/9.9\r\n{HEAD}\r\n".encode(),
}
"""What is no request, or two."""


@pytest.mark.parametrize("name", BYTES)
async def test_what_is_no_request_is_refused_by_the_server(
    name: str, logs: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    async with served() as (hearing, port):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            said = b""
            with anyio.fail_after(30):
                try:
                    await stream.send(BYTES[name])
                    await stream.send_eof()
                    while piece := await stream.receive():
                        said += piece
                except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                    pass
        statuses = [line.split()[1] for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        assert set(statuses) <= {b"400", b"401", b"405", b"413", b"431"}
        assert (hearing.polls, hearing.looks) == (0, 0)
        assert_silent(said.decode("latin-1"), hearing.metrics.text().decode(), logs.getvalue(), *capfd.readouterr())
