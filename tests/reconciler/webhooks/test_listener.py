"""What a webhook does: it wakes a poll if it is signed and about our repository, and nothing else ever."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from reconciler.webhooks.listener import LARGEST
from reconciler.webhooks.senders import Forge
from reconciler.webhooks.signatures import Secret, claim_of, proves
from tests.reconciler.webhooks.deliveries import (
    AT,
    FORGES,
    KEY,
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

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

DAYS = 3 * 24 * 3600
SEEN_AS = {"gitlab-signed": "gitlab", "forgejo": "gitea"}


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize(("topic", "polls"), [("push", 1), ("pull", 0), ("comment", 0)])
async def test_what_is_signed_has_somebody_look(forge: str, topic: str, polls: int) -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(delivery(forge, topic)) == 202
        assert (hearing.polls, hearing.looks) == (polls, 1)
        assert hearing.counted("woken", SEEN_AS.get(forge, forge)) == 1
        assert (hearing.hints.heard_of, hearing.hints.heard_at) == (SEEN_AS.get(forge, forge), hearing.clock.now())


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitlab-signed"])
async def test_a_merge_queue_has_somebody_look_and_a_forged_one_nobody(forge: str) -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(delivery(forge, "queue", OTHERS[forge], ident="d-0")) == 401
        assert (hearing.polls, hearing.looks) == (0, 0)
        assert await hearing.send(delivery(forge, "queue")) == 202
        assert await hearing.send(delivery(forge, "queue")) == 200
        assert (hearing.polls, hearing.looks) == (0, 1)


async def test_where_nobody_handles_pull_requests_nobody_is_woken_for_them() -> None:
    async with Hearing(handled=("source",)).open() as hearing:
        assert await hearing.send(delivery("github", "pull")) == 202
        assert await hearing.send(delivery("github", "push", ident="d-2")) == 202
        assert (hearing.polls, hearing.looks) == (1, 0)


NAMED = [
    ("gitea", "pull_request_label", 202),
    ("gitea", "pull_request_review_request", 202),
    ("gitea", "create", 202),
    ("gitea", "wiki", 204),
    ("github", "merge_group", 202),
    ("github", "star", 204),
    ("github", "ping", 200),
    ("gitlab", "Tag Push Hook", 204),
    ("gitlab", "Pipeline Hook", 202),
    ("gitlab", "Job Hook", 204),
    ("gitlab", "Confidential Note Hook", 202),
]


@pytest.mark.parametrize(("forge", "event", "status"), NAMED, ids=[f"{forge}-{event}" for forge, event, _ in NAMED])
async def test_events_by_name(forge: str, event: str, status: int) -> None:
    body = json.dumps(PAYLOADS[forge]["push"][1]).encode()
    async with Hearing().open() as hearing:
        assert await hearing.send(signed(forge, event, body)) == status
        assert hearing.looks == (1 if status == 202 else 0)


async def test_a_ping_of_an_organisation_names_no_repository() -> None:
    async with Hearing().open() as hearing:
        body = json.dumps({"zen": "Keep it simple.", "hook_id": 1, "organization": {"login": "team"}}).encode()
        assert await hearing.send(signed("github", "ping", body)) == 200
        assert (hearing.polls, hearing.looks) == (0, 0)


def _wrongly(forge: str) -> dict[str, Delivery]:
    good = delivery(forge)
    (name, value) = next((name, value) for name, value in good.headers.items() if name in SIGNATURES[forge])
    cases = {
        "none": {name: None},
        "empty": {name: ""},
        "short": {name: value[:-1]},
        "long": {name: f"{value}0"},
        "other-letter": {name: value[:-2] + ("00" if value[-2:] != "00" else "11")},
        "upper": {name: value.upper()},
        "not-ascii": {name: "schl\u00fcssel" + value},
        "scheme": {name: f"sha512={value}"},
        "twice-in-one": {name: f"{value},{value}"},
    }
    made = {
        case: good.with_headers(**{key.replace("-", "_"): new for key, new in changed.items()})
        for case, changed in cases.items()
    }
    made["another-secret"] = delivery(forge, secret=OTHERS[forge])
    made["another-body"] = Delivery(good.body.replace(b"models", b"models "), good.headers)
    if forge == "gitlab":
        # It signs nothing: the secret is all that there is to get wrong.
        del made["another-body"]
    return made


SIGNATURES = {
    "github": ("x-hub-signature-256",),
    "gitea": ("x-gitea-signature",),
    "forgejo": ("x-forgejo-signature",),
    "gitlab": ("x-gitlab-token",),
    "gitlab-signed": ("webhook-signature",),
}
OTHERS = dict.fromkeys(FORGES, "another secret, as long as the first") | {"gitlab-signed": "whsec_" + "A" * 43 + "="}
WRONG = [(forge, case) for forge in FORGES for case in _wrongly(forge) if not (forge == "forgejo" and case == "none")]


@pytest.mark.parametrize(("forge", "case"), WRONG, ids=[f"{forge}-{case}" for forge, case in WRONG])
async def test_what_is_not_signed_right_wakes_nobody_and_is_told_nothing(forge: str, case: str) -> None:
    async with Hearing().open() as hearing:
        sent = _wrongly(forge)[case]
        headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.headers.items()]
        answer = await hearing.client.post("/webhook", content=sent.body, headers=headers)
        nothing = await hearing.client.post("/webhook", content=b"{}", headers={"content-type": "application/json"})
        assert (answer.status_code, answer.text) == (401, nothing.text)
        assert (hearing.polls, hearing.looks, hearing.hints.heard_at) == (0, 0, None)


async def test_a_sha1_alone_is_no_signature() -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(delivery("github").with_headers(x_hub_signature_256=None)) == 401


async def test_a_signature_that_is_there_twice_is_none() -> None:
    good = delivery("github")
    headers = [*good.headers.items(), ("x-hub-signature-256", f"sha256={'0' * 64}")]
    async with Hearing().open() as hearing:
        answer = await hearing.client.post("/webhook", content=good.body, headers=headers)
        assert (answer.status_code, hearing.polls) == (401, 0)


async def test_a_gitea_without_its_own_signature_is_not_taken_for_github() -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(delivery("gitea").with_headers(x_gitea_signature=None)) == 401


async def test_of_gitlab_a_wrong_signature_is_not_made_good_by_the_plain_token() -> None:
    both = delivery("gitlab-signed", secret=OTHERS["gitlab-signed"]).with_headers(x_gitlab_token=SECRET)
    async with Hearing().open() as hearing:
        assert await hearing.send(both) == 401


TIMES = {
    "now": (AT, 202),
    "4-minutes-late": (AT - 240, 202),
    "4-minutes-early": (AT + 240, 202),
    "6-minutes-late": (AT - 360, 401),
    "6-minutes-early": (AT + 360, 401),
    "3-days-late": (AT - DAYS, 401),
    "no-time": (-1, 401),
    "after-all-time": (10**15, 401),
}


@pytest.mark.parametrize(("at", "status"), TIMES.values(), ids=TIMES)
async def test_a_signed_time_has_a_window(at: int, status: int) -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(delivery("gitlab-signed", at=at)) == status


async def test_one_of_several_signatures_is_enough() -> None:
    good = delivery("gitlab-signed")
    (right,) = (value for name, value in good.headers.items() if name == "webhook-signature")
    async with Hearing().open() as hearing:
        assert await hearing.send(good.with_headers(webhook_signature=f"v2,abc v1,{'A' * 44} {right}")) == 202


@pytest.mark.parametrize("forge", FORGES)
async def test_while_a_secret_is_rotated_both_are_right(forge: str) -> None:
    async with Hearing().open() as hearing:
        old = delivery(forge)
        key = bytes(32)
        hearing.secrets = [*hearing.secrets, Secret(OTHERS[forge].encode(), key)]
        assert await hearing.send(old) == 202
        assert await hearing.send(delivery(forge, secret=OTHERS[forge], ident="d-2")) == 202
        hearing.secrets = hearing.secrets[2:]
        assert await hearing.send(delivery(forge, ident="d-3")) == 401


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no-json": b"{",
    "a-list": b"[]",
    "a-word": b'"push"',
    "null": b"null",
    "not-a-number": b"NaN",
    "deep": b'{"repository":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "no-utf-8": b'{"repository": "\xff\xfe"}',
    "huge-number": b'{"repository": ' + b"9" * 10_000 + b"}",
    "nul": b'{"repository": {"full_name": "\x00"}}',
    "no-repository": b'{"ref": "refs/heads/main"}',
    "repository-is-a-word": b'{"repository": "team/models", "project": "team/models"}',
    "name-is-a-number": b'{"repository": {"full_name": 7}, "project": {"path_with_namespace": 7}}',
    "name-is-empty": b'{"repository": {"full_name": ""}, "project": {"path_with_namespace": ""}}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea"])
async def test_what_is_signed_and_makes_no_sense_is_said_to(forge: str, body: bytes) -> None:
    async with Hearing().open() as hearing:
        assert await hearing.send(signed(forge, PAYLOADS[forge]["push"][0], body)) == 400
        assert (hearing.polls, hearing.looks) == (0, 0)


@pytest.mark.parametrize("name", ["team/other", "models", "other/team/models", "team/models.git", "team/models\u200b"])
@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea"])
async def test_another_repository_wakes_nobody(forge: str, name: str) -> None:
    payload = gitlab("push", **pushed()) if forge == "gitlab" else github(**pushed())
    section, key = ("project", "path_with_namespace") if forge == "gitlab" else ("repository", "full_name")
    payload[section][key] = name
    async with Hearing().open() as hearing:
        assert await hearing.send(signed(forge, PAYLOADS[forge]["push"][0], json.dumps(payload).encode())) == 200
        assert (hearing.polls, hearing.looks) == (0, 0)
        assert hearing.counted("elsewhere", forge) == 1


async def test_names_of_repositories_are_the_same_in_capitals() -> None:
    payload = github(**pushed())
    payload["repository"]["full_name"] = "Team/Models"
    async with Hearing().open() as hearing:
        assert await hearing.send(signed("github", "push", json.dumps(payload).encode())) == 202


async def test_a_form_is_answered_with_what_to_choose() -> None:
    form = delivery("github").with_headers(content_type="application/x-www-form-urlencoded; charset=utf-8")
    async with Hearing().open() as hearing:
        answer = await hearing.client.post("/webhook", content=form.body, headers=form.headers)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize("announced", [str(LARGEST + 1), "52428800", "9" * 30, "-1", "x"])
async def test_a_body_that_says_that_it_is_too_large_is_not_read(announced: str) -> None:
    sent = delivery("github").with_headers(content_length=announced)
    async with Hearing().open() as hearing:
        assert await hearing.send(sent) == 413
        assert hearing.counted("large", "github") == 1


async def test_the_largest_body_is_taken_and_one_byte_more_is_not() -> None:
    body = json.dumps(github(**pushed())).encode()
    async with Hearing().open() as hearing:
        assert await hearing.send(signed("github", "push", body + b" " * (LARGEST - len(body)))) == 202
        assert await hearing.send(signed("github", "push", body + b" " * (LARGEST - len(body) + 1))) == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_else_is_answered(method: str) -> None:
    async with Hearing().open() as hearing:
        assert (await hearing.client.request(method, "/webhook")).status_code == 405
        assert (await hearing.client.post("/v1/events")).status_code == 404
        assert (await hearing.client.get("/metrics")).status_code == 404


async def test_a_delivery_counts_once_however_often_it_comes() -> None:
    async with Hearing().open() as hearing:
        answers = [await hearing.send(delivery("github")) for _ in range(100)]
        assert answers == [202, *[200] * 99]
        assert (hearing.polls, hearing.looks) == (1, 1)
        assert await hearing.send(delivery("gitea")) == 202, "an id is its forge's"


async def test_one_without_an_id_is_another_one_each_time() -> None:
    async with Hearing().open() as hearing:
        sent = delivery("github").with_headers(x_github_delivery=None)
        assert [await hearing.send(sent) for _ in range(3)] == [202] * 3
        assert hearing.counted("woken", "github") == 3


async def test_a_burst_is_one_look_now_and_one_later() -> None:
    async with Hearing().open() as hearing:
        for number in range(1_000):
            assert await hearing.send(delivery("github", ident=f"d-{number}")) == 202
        assert hearing.looks == 1, "the next one is promised for when the least pause is over"
        assert hearing.polls < 60, "no more than one a second"


async def test_many_wrong_ones_are_told_to_wait_and_right_ones_are_still_heard() -> None:
    async with Hearing().open() as hearing:
        wrong = delivery("github", secret=OTHERS["github"])
        answers = [await hearing.send(wrong) for _ in range(60)]
        assert answers[:20] == [401] * 20
        assert answers[-10:] == [429] * 10
        assert await hearing.send(delivery("github")) == 202
        assert (await hearing.client.post("/webhook")).headers["retry-after"] == "10"


HEADER_NAMES = (
    "x-github-event",
    "x-gitlab-event",
    "x-gitea-event",
    "x-forgejo-event",
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-forgejo-signature",
    "x-gitlab-token",
    "webhook-signature",
    "webhook-id",
    "webhook-timestamp",
)
HEADERS = st.dictionaries(
    st.sampled_from(HEADER_NAMES),
    st.one_of(
        st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=80),
        st.binary(min_size=32, max_size=32).map(lambda data: f"sha256={data.hex()}"),
        st.binary(min_size=32, max_size=32).map(bytes.hex),
        st.sampled_from([f"v1,{'A' * 43}=", str(AT), "push", "Push Hook", SECRET[:-1], SECRET + "0", SIGNING[6:]]),
    ),
    max_size=11,
)
SECRETS = (Secret(SECRET.encode()), Secret(SIGNING.encode(), KEY))


@given(st.binary(max_size=200), HEADERS, st.sampled_from(Forge))
def test_no_guess_is_a_signature(body: bytes, headers: dict[str, str], forge: Forge) -> None:
    claim = claim_of(forge, Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()]))
    assert claim is None or not proves(claim, SECRETS, body, AT)


@given(st.sampled_from(FORGES), st.binary(max_size=200), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_another_body(forge: str, body: bytes, where: int, by: int) -> None:
    sent = signed(forge, "push", body + b".")
    changed = bytearray(sent.body)
    changed[where % len(changed)] ^= by
    headers = Headers(raw=[(name.encode(), value.encode()) for name, value in sent.headers.items()])
    claim = claim_of(Forge(SEEN_AS.get(forge, forge)), headers)
    assert claim is not None
    assert proves(claim, SECRETS, sent.body, AT)
    assert proves(claim, SECRETS, bytes(changed), AT) is (forge == "gitlab"), "its plain token says nothing of a body"


@given(st.integers(0, len(SECRET) - 1), st.sampled_from(["github", "gitlab", "gitea"]))
def test_no_beginning_of_a_secret_is_the_secret(length: int, forge: str) -> None:
    sent = signed(forge, "push", b"{}", secret=SECRET[:length] or " ")
    headers = Headers(raw=[(name.encode(), value.encode()) for name, value in sent.headers.items()])
    claim = claim_of(Forge(forge), headers)
    assert claim is None or not proves(claim, SECRETS, sent.body, AT)
