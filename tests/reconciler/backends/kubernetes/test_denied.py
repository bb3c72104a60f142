"""What follows from what an API server says instead of what was asked for."""

import json

import pytest

from reconciler.backends.kubernetes.denied import Denied, answer_of, items_of
from reconciler.errors import Refused, Transient

pytestmark = pytest.mark.unit


def status(code: int, reason: str, message: str) -> bytes:
    return json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "reason", "message", "follows"),
    [
        (403, "Forbidden", 'jobs.batch is forbidden: User "x" cannot create resource "jobs"', Transient),
        (403, "Forbidden", 'pods "a" is forbidden: exceeded quota: small', Transient),
        (403, "Forbidden", "unable to create new content in namespace ml because it is being terminated", Transient),
        (404, "NotFound", 'namespaces "ml" not found', Transient),
        (403, "Forbidden", 'admission webhook "policy.example.org" denied the request: no', Refused),
        (403, "Forbidden", "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: no", Refused),
        (400, "BadRequest", 'admission webhook "policy.example.org" denied the request: no', Refused),
        (422, "Invalid", "spec.template.spec.containers[0].image: Required value", Refused),
        (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", Refused),
    ],
)
def test_what_a_person_of_the_cluster_can_grant_is_waited_for(code, reason, message, follows):
    with pytest.raises(Denied) as denied:
        answer_of(code, status(code, reason, message))
    settled = denied.value.settled("job train-1 cannot be made")
    assert type(settled) is follows
    assert settled.message == f"job train-1 cannot be made: {message}"


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [b"", b"<html>bad gateway</html>", status(500, "InternalError", "etcdserver: no leader")]
)
def test_a_server_that_is_not_well_is_waited_for(code, body):
    with pytest.raises(Transient, match="the API server is busy: "):
        answer_of(code, body)


@pytest.mark.parametrize(
    ("details", "after"),
    [
        ({"retryAfterSeconds": 3}, 3.0),
        ({"retryAfterSeconds": 9999}, 60.0),
        ({"retryAfterSeconds": "x"}, None),
        (7, None),
    ],
)
def test_it_is_left_alone_for_as_long_as_it_says(details, after):
    body = json.dumps({"kind": "Status", "code": 429, "message": "too many requests", "details": details}).encode()
    with pytest.raises(Transient) as busy:
        answer_of(429, body)
    assert busy.value.after == after


@pytest.mark.parametrize(
    ("code", "reason", "message", "known"),
    [
        (410, "Expired", "too old resource version", "expired"),
        (410, "Gone", "The provided continue parameter is too old", "expired"),
        (504, "Timeout", "Too large resource version: 9, current: 4", "expired"),
        (409, "AlreadyExists", 'jobs.batch "a" already exists', "taken"),
        (409, "Conflict", "the object has been modified", "changed"),
        (404, "NotFound", "no", ""),
    ],
)
def test_words_that_a_caller_knows(code, reason, message, known):
    with pytest.raises(Denied) as denied:
        answer_of(code, status(code, reason, message))
    assert [word for word in ("expired", "taken", "changed") if getattr(denied.value, word)] == [known][: bool(known)]


def test_an_answer_is_an_object():
    assert answer_of(200, b'{"kind": "Job"}') == {"kind": "Job"}
    assert answer_of(200, b"") == {}


@pytest.mark.parametrize("text", [b"<html>sign in</html>", b'{"kind": "Jo', b"[]", b"null", b"[" * 100_000])
def test_an_answer_that_is_none(text):
    with pytest.raises(Transient, match=r"did not answer: what came \(200\) is no object"):
        answer_of(200, text)


def test_a_list_without_a_list_is_none():
    assert items_of({"items": None}) == []
    assert items_of({"items": [{"a": 1}]}) == [{"a": 1}]
    with pytest.raises(Transient, match="what came is no list"):
        items_of({"kind": "Status"})
