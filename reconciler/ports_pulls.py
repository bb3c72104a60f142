"""Pull requests: an ability that not every forge has. One Protocol; its values are in `planner.model.pulls`.

Nothing here plans, and nothing here fetches: what a pull request is, and where its comment goes, is all that is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from planner.model.pulls import Comment, Pull
from planner.render.budget import Limit

__all__ = ["Pulls"]


@runtime_checkable
class Pulls(Protocol):
    """Pull requests of the repository that is followed."""

    @property
    def limit(self) -> Limit:
        """How long a comment may be, as this forge counts."""
        ...

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """All that are open against branch `base`, and what became of those of `known` that are not any more.

        All pages are followed. One of `known` that is not found any more is left out.

        Raises:
            Transient: not now. `after` says how long the forge wants to be left alone.
            Refused: a person must change something first; the message says what.
        """
        ...

    def ident(self, comment: Comment) -> str:
        """The id to keep `comment` by before it is posted: all there is of it after a crash.

        Law: where `put_comment` is given that id, one comment is left, whichever of those before it were posted.
        """
        ...

    async def put_comment(self, comment: Comment) -> str:
        """Post a comment, or edit the one that is there; its id.

        Law: one with an id is edited in place. Where somebody deleted that, it is posted anew and has another id.

        Raises:
            Transient, Refused: as `pulls`. After Transient it may have been posted all the same.
        """
        ...

    async def find_comment(self, pull: str, marker: str) -> str:
        """The id of our own comment that contains `marker`, where its id was lost with the ledger; "" for none.

        Only comments of the account that posts count. Asked once a pull request, at first contact.

        Raises:
            Transient, Refused: as `pulls`.
        """
        ...
