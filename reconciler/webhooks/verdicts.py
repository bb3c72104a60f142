"""What becomes of a delivery, and what its forge is told: a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from starlette.responses import JSONResponse, Response

from reconciler.api import problems
from reconciler.api.problems import ApiError

__all__ = ["Verdict", "answer"]


class Verdict(StrEnum):
    """What became of a delivery."""

    WOKEN = "woken"
    PING = "ping"
    IGNORED = "ignored"
    ELSEWHERE = "elsewhere"
    REPEATED = "repeated"
    FORM = "form"
    MALFORMED = "malformed"
    WRONG = "wrong"
    OFTEN = "often"
    LARGE = "large"
    SLOW = "slow"


_ANSWERS: Mapping[Verdict, tuple[int, str]] = {
    Verdict.WOKEN: (202, "noted: the forge is asked soon"),
    Verdict.PING: (200, "the secret fits"),
    Verdict.IGNORED: (204, ""),
    # A success, as forges turn off a hook of a whole group for the failures of one repository.
    Verdict.ELSEWHERE: (200, "this daemon follows another repository: nothing follows from this"),
    Verdict.REPEATED: (200, "this delivery was seen before"),
    Verdict.FORM: (415, "choose `application/json` as the content type of the webhook"),
    Verdict.MALFORMED: (400, "the body is no JSON object that names a repository"),
    Verdict.WRONG: (401, "this is not signed as a webhook of this daemon has to be"),
    Verdict.OFTEN: (429, "too many webhooks were not signed as they have to be; wait"),
    Verdict.LARGE: (413, "the body is larger than a webhook may be; the next poll finds what is new"),
    Verdict.SLOW: (408, "the body took too long"),
}
_CLOSING = frozenset({Verdict.WRONG, Verdict.OFTEN, Verdict.LARGE, Verdict.SLOW, Verdict.FORM})
"""Answers before the whole body was read, or to a stranger: the connection is not used again."""


def answer(verdict: Verdict) -> Response:
    """What the sender is told."""
    status, words = _ANSWERS[verdict]
    if status == 204:
        return Response(status_code=status)
    response = (
        JSONResponse({"verdict": str(verdict), "detail": words}, status)
        if status < 400
        else problems.answer(ApiError(status, words))
    )
    if verdict in _CLOSING:
        response.headers["connection"] = "close"
    if verdict is Verdict.OFTEN:
        response.headers["retry-after"] = "10"
    return response
