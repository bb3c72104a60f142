"""What a page is made of: its template and values; and which part of a long list it shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from reconciler.api import problems

__all__ = ["Made", "Pager", "page_of"]

_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Made:
    """A page that is to be rendered.

    Attributes:
        template: its file.
        values: what the template shows.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pager:
    """A part of a long list.

    Attributes:
        page: its number, from 1.
        size: how many of the list it has at most.
        more: whether the list goes on.
        total: how long the list is; None where nobody has counted.
    """

    page: int
    size: int
    more: bool = False
    total: int | None = None

    @property
    def begin(self) -> int:
        """How many are before it."""
        return (self.page - 1) * self.size

    @property
    def window(self) -> slice:
        """It, as a slice of the list."""
        return slice(self.begin, self.begin + self.size)

    def of(self, total: int) -> Pager:
        """The same, of a list of that length."""
        return Pager(self.page, self.size, more=self.begin + self.size < total, total=total)

    def cut(self, found: Sequence[Any]) -> tuple[Sequence[Any], Pager]:
        """What is shown of `found`, which was asked for with one more than is shown."""
        return found[: self.size], Pager(self.page, self.size, more=len(found) > self.size)


def page_of(request: Request, size: int) -> Pager:
    """The part that was asked for.

    Raises:
        ApiError: `page` is no number of a page.
    """
    value = request.query_params.get("page", "1")
    if not value.isascii() or not value.isdigit() or len(value) > 6 or not 1 <= int(value) <= _MOST_PAGES:
        raise problems.bad(f"`page` is a whole number from 1 to {_MOST_PAGES}")
    return Pager(int(value), size)
