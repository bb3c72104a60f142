"""Parameters of requests, as routes read them: each is known, or the request is refused."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request

from reconciler.api import problems

__all__ = ["flag", "instant", "needed", "number", "only"]


def only(request: Request, *known: str) -> None:
    """Refuse what is not known: a filter that is silently ignored shows the wrong thing."""
    for name in request.query_params:
        if name not in known:
            has = f"; it has {', '.join(known)}" if known else ""
            raise problems.bad(f"unknown parameter `{name[:40]}`{has}")


def needed(request: Request, name: str) -> str:
    """A parameter that must be there.

    Raises:
        ApiError: it is not so.
    """
    value = request.query_params.get(name, "")
    if not value or len(value) > 1024:
        raise problems.bad(f"the parameter `{name}` is needed")
    return value


def flag(request: Request, name: str) -> bool:
    """A parameter that is true or false; false where it is left out.

    Raises:
        ApiError: it is not so.
    """
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise problems.bad(f"`{name}` is true or false")
    return value in {"true", "1"}


def number(request: Request, name: str, most: int) -> int | None:
    """A whole number up to `most`; None where it is left out.

    Raises:
        ApiError: it is not so.
    """
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9 or not 0 <= int(value) <= most:
        raise problems.bad(f"`{name}` is a whole number from 0 to {most}")
    return int(value)


def instant(request: Request, name: str) -> datetime | None:
    """An instant, in UTC; None where it is left out.

    Raises:
        ApiError: it is not so.
    """
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise problems.bad(f"`{name}` is an instant in ISO 8601, such as 2026-11-23T06:00:00Z") from None
