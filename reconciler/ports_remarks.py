"""What people write on pull requests, and who they are: an ability that not every forge has.

Nothing here decides who may do what: a forge says what it knows of a person, and the configuration what that is worth.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol, runtime_checkable

__all__ = ["Level", "Remark", "Remarks"]


class Level(IntEnum):
    """What a person may do in the repository, as its forge has it."""

    NONE = 0
    READ = 1
    WRITE = 2
    MAINTAIN = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment on a pull request. Its body is a stranger's.

    Attributes:
        ident: by which the forge knows it.
        pull: number of the pull request.
        body: as it is now.
        login: of who wrote it.
        account: number of that account, which it keeps under another name.
        at: when it was written.
        changed: when it was changed last; others than its author may have done so.
        is_program: whether a program wrote it, or the account that we are ourselves: it is never obeyed.
    """

    ident: str
    pull: str
    body: str
    login: str
    account: str
    at: datetime
    changed: datetime
    is_program: bool = False


@runtime_checkable
class Remarks(Protocol):
    """Comments on pull requests of the repository that is followed.

    Every method raises Transient where the forge cannot be asked now, and Refused where a person must change something
    first: the message says what.
    """

    @property
    def name(self) -> str:
        """Of the kind of forge, for people."""
        ...

    async def remarks(self, since: datetime, pulls: Collection[str]) -> Sequence[Remark]:
        """What was written or changed since, on those of `pulls`, oldest first; what is as old may be among it.

        In requests that do not grow with the number of pull requests, where the forge has such a list.
        """
        ...

    async def level(self, remark: Remark) -> Level:
        """What the person may do who wrote it. Whom the forge does not know may do nothing."""
        ...

    async def belongs(self, remark: Remark, team: str) -> bool:
        """Whether that person is a member of a team, `organization/team`; of GitLab, of a group by its full path."""
        ...

    async def caused(self, commit: str) -> frozenset[str]:
        """Logins of who opened pull requests that brought a commit, and of who wrote it, as far as they are known."""
        ...

    async def react(self, pull: str, ident: str, *, good: bool) -> None:
        """Mark a comment as heard, once or again; one that was deleted meanwhile needs no mark."""
        ...
