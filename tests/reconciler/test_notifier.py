"""Sending notices: at least once, each connection by itself, against a server that fails, hangs and redirects."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest

from planner import keys
from planner.desire.view import Identity
from planner.model.facts import Delivered, Noticed
from planner.model.notices import Notice
from reconciler import notifier
from reconciler.errors import Refused, Transient
from reconciler.ledger.memory import MemoryLedger
from reconciler.messages import Address, HttpChannel, Rejected, line
from reconciler.notifier import Notifier

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
IDENTITY = Identity("test", "project")
SECRET = "s3cr3t-path"


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Answers(BaseHTTPRequestHandler):
    """Answers by path; `seen` has path, headers and body of every request."""

    seen: list[tuple[str, dict[str, str], Any]]
    late: threading.Event
    answers: dict[str, list[int]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        if self.path == "/hangs":
            self.late.wait(30)
        codes = self.answers.get(self.path, [])
        self.send_response(codes.pop(0) if codes else 302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("location", "/taken")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[type[Answers]]:
    handler = type("Handler", (Answers,), {"seen": [], "late": threading.Event(), "answers": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield handler
    handler.late.set()
    server.shutdown()
    thread.join()
    server.server_close()


def notice(ident: str = "1", connection: str = "chat", at: datetime = AT, reason: str = "exit code 1") -> Notice:
    key = keys.generation("train", 1)
    return Notice(ident, connection, "train", key, "job", "failed", "failed", reason, "its spec changed", "c" * 40, at)


def channel(url: str, kind: str = "webhook", seconds: float = 5.0, **address: str) -> HttpChannel:
    return HttpChannel(kind, Address(url=url, **address), {"HOOK": f"{url}/{SECRET}", "TOKEN": SECRET}, seconds)


# -- one message


async def test_a_webhook_is_told_everything(served) -> None:
    await channel(f"{served.url}/taken").send(notice(), IDENTITY)
    ((path, headers, body),) = served.seen
    assert (path, headers["content-type"], headers["idempotency-key"]) == ("/taken", "application/json", "1")
    assert body == {
        "schema": "plumbline.notice/1",
        "id": "1",
        "instance": "test",
        "project": "project",
        "operation": "train",
        "run": "train@g1",
        "runId": keys.generation("train", 1).short_id("test", "project"),
        "kind": "job",
        "trigger": "failed",
        "status": "failed",
        "reason": "exit code 1",
        "because": "its spec changed",
        "commit": "c" * 40,
        "at": "2026-11-23T06:00:00Z",
        "text": "project: train@g1 failed: exit code 1 (its spec changed), commit cccccccccc",
    }


EVIL = "<!channel> @all & <http://x|y>"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("slack", {"text": "project: train@g1 failed: &lt;!channel&gt; @all &amp; &lt;http://x|y&gt;"}),
        ("mattermost", {"text": "project: train@\u200bg1 failed: <!channel> @\u200ball & <http://x|y>"}),
        ("discord", {"content": f"project: train@g1 failed: {EVIL}", "allowed_mentions": {"parse": []}}),
    ],
)
async def test_what_a_program_wrote_mentions_nobody(served, kind: str, expected: Mapping[str, str]) -> None:
    await channel(f"{served.url}/taken", kind).send(notice(reason=EVIL), IDENTITY)
    ((_, _, body),) = served.seen
    for name, value in expected.items():
        assert body[name] == value or body[name].startswith(value)


async def test_teams_gets_a_card(served) -> None:
    await channel(f"{served.url}/taken", "teams").send(notice(), IDENTITY)
    ((_, _, body),) = served.seen
    assert body["attachments"][0]["content"]["body"][0]["text"].startswith("project: train@g1 failed")


def test_a_line_is_one_line_and_not_endless() -> None:
    text = line(notice(reason="a\nb" * 1000), IDENTITY)
    assert ("\n" in text, len(text)) == (False, 600)


async def test_secrets_come_from_files_and_variables(served, tmp_path) -> None:
    (tmp_path / "url").write_text(f"{served.url}/{SECRET}\n")
    await channel("", url_file=str(tmp_path / "url")).send(notice(), IDENTITY)
    hook = HttpChannel(
        "slack", Address(url_variable="HOOK", token_variable="TOKEN"), {"HOOK": f"{served.url}/x", "TOKEN": "t"}
    )
    await hook.send(notice(), IDENTITY)
    assert [(path, headers.get("authorization")) for path, headers, _ in served.seen] == [
        (f"/{SECRET}", None),
        ("/x", "Bearer t"),
    ]


@pytest.mark.parametrize(
    ("codes", "error", "words"),
    [
        ([503], Transient, "127.0.0.1 answers 503 Service Unavailable"),
        ([429], Transient, "127.0.0.1 answers 429 Too Many Requests"),
        ([404], Refused, "127.0.0.1 answers 404 Not Found"),
        ([401], Refused, "127.0.0.1 answers 401 Unauthorized"),
        ([400], Rejected, "127.0.0.1 answers 400 Bad Request"),
        ([413], Rejected, "127.0.0.1 answers 413 Request Entity Too Large"),
    ],
    ids=["down", "too often", "gone", "not allowed", "bad", "too large"],
)
async def test_an_answer_says_what_follows(served, codes, error, words) -> None:
    served.answers["/x"] = codes
    with pytest.raises(error) as caught:
        await channel(f"{served.url}/x").send(notice(), IDENTITY)
    assert caught.value.message == words


async def test_redirects_are_not_followed(served) -> None:
    with pytest.raises(Refused, match="redirects are not followed"):
        await channel(f"{served.url}/moved").send(notice(), IDENTITY)
    assert [path for path, _, _ in served.seen] == ["/moved"]


async def test_one_that_hangs_is_left(served) -> None:
    with pytest.raises(Transient, match="did not take it within"):
        await channel(f"{served.url}/hangs", seconds=0.2).send(notice(), IDENTITY)


@pytest.mark.parametrize(
    "made",
    [
        HttpChannel("slack", Address(url_variable="HOOK"), {}),
        HttpChannel("slack", Address(url_file="/nowhere/url"), {}),
        HttpChannel("slack", Address(url_file="/dev/null"), {}),
        HttpChannel("slack", Address(url=f"ftp://x/{SECRET}"), {}),
        HttpChannel("slack", Address(url=f"https:///{SECRET}"), {}),
        HttpChannel("slack", Address(url=f"http://127.0.0.1:1\n/{SECRET}"), {}),
        HttpChannel("slack", Address(), {}),
    ],
    ids=["no variable", "no file", "empty", "scheme", "no host", "two lines", "nothing"],
)
async def test_what_is_not_set_up_waits_for_a_person_and_shows_no_secret(made: HttpChannel) -> None:
    with pytest.raises(Refused) as caught:
        await made.send(notice(), IDENTITY)
    assert SECRET not in caught.value.message


async def test_an_error_shows_no_secret(caplog) -> None:
    with pytest.raises(Transient) as caught:
        await channel(f"http://127.0.0.1:1/{SECRET}").send(notice(), IDENTITY)
    assert SECRET not in f"{caught.value.message}{caught.value.__cause__}{caplog.text}"


# -- sending what is owed


class Clock:
    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at


class Core:
    """As much of the core as sending needs."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.clock = Clock()
        self.policy = type("Policy", (), {"identity": IDENTITY})()

    async def owe(self, *owed: Notice) -> None:
        await self.ledger.record([Noticed("train", one, AT) for one in owed])

    async def delivered(self) -> dict[str, str]:
        facts = [fact for _, fact in await self.ledger.facts()]
        return {fact.ident: fact.failure for fact in facts if isinstance(fact, Delivered)}

    async def until(self, count: int) -> dict[str, str]:
        """What was delivered, once there are so many."""
        with anyio.fail_after(60):
            while True:
                found = await self.delivered()
                if len(found) >= count:
                    return found
                await anyio.sleep(0.005)


async def eventually_seen(served: type[Answers], path: str) -> None:
    with anyio.fail_after(60):
        while True:
            if any(path == asked for asked, _, _ in served.seen):
                return
            await anyio.sleep(0.005)


class Quick(random.Random):
    """No pause is long."""

    def random(self) -> float:
        return -1.498


async def sending(core: Core, channels: Mapping[str, object], count: int) -> tuple[dict[str, str], Notifier]:
    made = Notifier(core, channels, Quick())  # type: ignore[arg-type]
    async with anyio.create_task_group() as group:
        group.start_soon(made.run)
        found = await core.until(count)
        group.cancel_scope.cancel()
    return found, made


async def test_what_is_owed_is_sent_once_and_in_order(served) -> None:
    core = Core()
    await core.owe(*(notice(str(number)) for number in range(120)))
    channels = {"chat": channel(f"{served.url}/taken")}
    assert set((await sending(core, channels, 120))[0].values()) == {""}
    assert [body["id"] for _, _, body in served.seen] == [str(number) for number in range(120)]
    # Another life sends nothing more.
    await core.owe(notice("last"))
    await sending(core, channels, 121)
    assert len(served.seen) == 121


async def test_what_comes_later_is_sent_when_it_comes(served) -> None:
    core = Core()
    made = Notifier(core, {"chat": channel(f"{served.url}/taken")}, Quick())  # type: ignore[arg-type]
    async with anyio.create_task_group() as group:
        group.start_soon(made.run)
        await anyio.wait_all_tasks_blocked()
        await core.owe(notice())
        made.wake()
        assert await core.until(1) == {"1": ""}
        group.cancel_scope.cancel()


async def test_what_fails_is_sent_again_until_it_is_taken(served) -> None:
    served.answers["/x"] = [503, 500, 404, 429]
    core = Core()
    await core.owe(notice("1"), notice("2"))
    found, made = await sending(core, {"chat": channel(f"{served.url}/x")}, 2)
    assert (found, made.stuck) == ({"1": "", "2": ""}, {})
    assert [body["id"] for _, _, body in served.seen] == ["1", "1", "1", "1", "1", "2"]


async def test_one_that_hangs_or_is_not_set_up_delays_no_other(served) -> None:
    core = Core()
    await core.owe(notice("1", "hangs"), notice("2", "nobody"), notice("3", "chat"), notice("4", "chat"))
    channels = {"hangs": channel(f"{served.url}/hangs", seconds=30.0), "chat": channel(f"{served.url}/taken")}
    found, made = await sending(core, channels, 2)
    assert found == {"3": "", "4": ""}
    assert made.stuck == {
        "nobody": "nobody is told through the connection `nobody`: daemon.yaml has no connection of that name "
        "through which somebody can be told"
    }


async def test_one_that_hangs_does_not_delay_what_comes_later(served) -> None:
    core = Core()
    await core.owe(notice("1", "hangs"))
    channels = {"hangs": channel(f"{served.url}/hangs", seconds=30.0), "chat": channel(f"{served.url}/taken")}
    made = Notifier(core, channels, Quick())  # type: ignore[arg-type]
    async with anyio.create_task_group() as group:
        group.start_soon(made.run)
        await eventually_seen(served, "/hangs")
        await core.owe(notice("2"))
        made.wake()
        assert await core.until(1) == {"2": ""}
        group.cancel_scope.cancel()
    assert [path for path, _, _ in served.seen] == ["/hangs", "/taken"]


async def test_what_is_never_taken_is_given_up_alone(served) -> None:
    served.answers["/x"] = [422]
    core = Core()
    await core.owe(notice("1"), notice("2"))
    found, _ = await sending(core, {"chat": channel(f"{served.url}/x")}, 2)
    assert found == {"1": "127.0.0.1 answers 422 Unprocessable Entity", "2": ""}


async def test_what_nobody_took_for_a_day_is_given_up(served) -> None:
    core = Core()
    core.clock.at = AT + notifier.GIVEN_UP_AFTER + timedelta(seconds=1)
    await core.owe(notice("old"), notice("new", at=core.clock.at))
    found, _ = await sending(core, {"chat": channel(f"{served.url}/taken")}, 2)
    assert found == {"old": "nobody took it for a day", "new": ""}
    assert [body["id"] for _, _, body in served.seen] == ["new"]


async def test_a_fault_of_ours_ends_nothing(served) -> None:
    class Broken:
        async def send(self, *_: object) -> None:
            raise ZeroDivisionError

    core = Core()
    await core.owe(notice("1", "broken"), notice("2", "chat"))
    found, _ = await sending(core, {"broken": Broken(), "chat": channel(f"{served.url}/taken")}, 1)
    assert found == {"2": ""}


async def test_after_a_crash_before_the_record_it_is_sent_again_under_its_id(served) -> None:
    core = Core()
    await core.owe(notice())

    async def crash(_: object) -> None:
        core.ledger.before = None
        raise Transient("the disk is full")

    core.ledger.before = crash
    await sending(core, {"chat": channel(f"{served.url}/taken")}, 1)
    assert [headers["idempotency-key"] for _, headers, _ in served.seen] == ["1", "1"]
