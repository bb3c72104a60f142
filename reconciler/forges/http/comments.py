"""The one comment of ours on a pull request, where a forge has comments by their numbers. Finds none."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.pulls import Comment
from reconciler.errors import Refused
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.fields import is_number, number_of

__all__ = ["Commented"]

_NOT_FOUND = frozenset({404})
_NOT_OURS = frozenset({403, 404})


@dataclass(frozen=True, slots=True)
class Commented:
    """How a forge has comments on pull requests, in its words.

    Attributes:
        forge: its name.
        pull: what it calls a pull request.
        comment: what it calls a comment.
        edit: the method by which one is edited.
    """

    forge: str
    pull: str = "pull request"
    comment: str = "comment"
    edit: str = "PATCH"

    def check(self, number: str) -> None:
        """Pass what may be part of a path.

        Raises:
            Refused: no pull request has this number.
        """
        if not is_number(number):
            raise Refused(f"a {self.pull} of {self.forge} has a number")

    async def put(self, client: Client, comment: Comment, posted: str, edited: str) -> str:
        """Edit the comment in place, or post it where it is not there or another account's; its id.

        Args:
            client: of the forge.
            comment: what it says, and its id where it has one.
            posted: path at which comments on this pull request are posted.
            edited: path below which each has its number.

        Raises:
            Transient, Refused: see `Pulls.put_comment`.
        """
        body = {"body": comment.body}
        if is_number(comment.ident):
            request = Request(self.edit, f"{edited}/{comment.ident}", body=body, means=_NOT_OURS)
            if (await client.write(request)).good:
                return comment.ident
        answer = await client.write(Request("POST", posted, body=body, means=_NOT_FOUND))
        ident, where = number_of(answer.value, "id"), f"{self.pull} {comment.pull}"
        if not answer.good:
            raise Refused(f"{self.forge} has no {where} any more, or the token may not see it")
        if not ident:
            raise Refused(f"{self.forge} took a {self.comment} on {where} and did not say under which id")
        return ident
