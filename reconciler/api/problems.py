"""What the API says when it cannot do what it was asked: values with a status, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.responses import JSONResponse

from planner.canon import Json
from planner.errors import Problem
from planner.render.json import problem_json

__all__ = ["MEDIA_TYPE", "ApiError", "answer", "bad", "conflict", "invalid", "missing"]

MEDIA_TYPE = "application/problem+json"

_TITLES: Mapping[int, str] = {
    400: "bad request",
    401: "not allowed",
    404: "not found",
    405: "method not allowed",
    408: "too slow",
    409: "not possible now",
    413: "too large",
    422: "not valid",
    429: "too often",
    500: "our own fault",
    503: "try again later",
}


class ApiError(Exception):
    """A request that gets no answer but a problem.

    Attributes:
        status: the HTTP status.
        detail: one sentence for people: what is wrong and what to do.
        extra: further members of the answer.
    """

    def __init__(self, status: int, detail: str, extra: Mapping[str, Json] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.extra = dict(extra or {})


def bad(detail: str) -> ApiError:
    """The request makes no sense."""
    return ApiError(400, detail)


def missing(detail: str) -> ApiError:
    """There is no such thing."""
    return ApiError(404, detail)


def conflict(detail: str, extra: Mapping[str, Json] | None = None) -> ApiError:
    """It makes sense, and the state of things does not allow it."""
    return ApiError(409, detail, extra)


def invalid(problems: Iterable[Problem]) -> ApiError:
    """What was given does not compile: every problem at once."""
    found = list(problems)
    detail = found[0].message if len(found) == 1 else f"{len(found)} problems; the first: {found[0].message}"
    return ApiError(422, detail, {"problems": [problem_json(problem) for problem in found], "code": found[0].code})


def answer(error: ApiError) -> JSONResponse:
    """The response of `error`."""
    title = _TITLES.get(error.status, "error")
    body = {"title": title, "status": error.status, "detail": error.detail, **error.extra}
    return JSONResponse(body, error.status, media_type=MEDIA_TYPE)
