"""Pull requests, as a forge says them, and what is said on them. Merge requests of GitLab are the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["QUEUED", "Comment", "Heard", "Owed", "Part", "Pull", "PullRecord", "PullState", "is_queued"]

QUEUED = "queue:"
"""What the number of an entry of a merge queue begins with, and no number of a forge, nor any name of a branch."""


def is_queued(number: str) -> bool:
    """Whether it is the number of an entry of a merge queue, whose commit is a merge already."""
    return number.startswith(QUEUED)


class PullState(StrEnum):
    """Whether a pull request may still be merged."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. All words of it are a stranger's.

    Attributes:
        number: by which its forge knows it; of a branch without a forge its name; of an entry of a merge queue `QUEUED`
            and what tells it from the others.
        head: full id of its newest commit.
        ref: where the forge itself has that commit, such as `refs/pull/7/head`: nothing else is ever fetched.
        base: the branch that it would be merged into.
        fork: whether its head is of another repository.
        author: the login of who opened it.
        url: its page; "" where there is none.
        files: address below which the files of its head are shown; "" where there is none.
        state: whether it may still be merged.
        merged: full id of the commit on `base` that merged it; "" while it is not, or where the forge does not know.
    """

    number: str
    head: str
    ref: str
    base: str
    fork: bool = False
    author: str = ""
    url: str = ""
    state: PullState = PullState.OPEN
    merged: str = ""
    files: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """The one comment of an instance on a pull request.

    Attributes:
        pull: number of the pull request.
        body: Markdown, within the forge's limit.
        ident: by which the forge knows it; "" before it was posted.
    """

    pull: str
    body: str
    ident: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A comment with commands that was heard: it is never heard again.

    Attributes:
        ident: by which the forge knows the comment.
        account: number of who wrote it.
        at: when it was written, as the forge has it.
        allowed: whether its author may give commands.
    """

    ident: str
    account: str
    at: datetime
    allowed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a comment, and what is to be answered.

    Attributes:
        text: as it was written; a stranger's words.
        words: the answer, where there is nothing to wait for; "" else.
        good: whether it is obeyed.
        commands: whose answers are waited for.
        plans: whether a plan is waited for.
    """

    text: str
    words: str = ""
    good: bool = True
    commands: tuple[str, ...] = ()
    plans: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """A comment that was heard and not answered yet.

    Attributes:
        ident: by which the forge knows it.
        login: of who wrote it.
        at: when it was heard.
        parts: its commands.
    """

    ident: str
    login: str
    at: datetime
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PullRecord:
    """What was said on a pull request, and of what: so that nothing is read before it is written, or said twice.

    Attributes:
        number: by which its forge knows it.
        head: the commit that it was said of.
        at: when it was said.
        state: of the pull request as it was then.
        base: the commit of the branch that its plan is of; "" where there is no plan.
        looked: the commit of the branch that it was compared with last: its plan is the same there, or marked as stale.
        delta: digest of what the merge changes of its base; "" where it does not merge.
        world: digest of what the plan counted with of the operations that it is about.
        roots: the operations that its plan is about.
        comment: id of its comment; "" where it has none.
        text: digest of the comment, which is kept by it; "" where it has none.
        marked: whether the comment says that the base has moved.
        asked: whether a comment may have been posted whose id nobody knows: it is looked for before anything is posted.
        refused: whether its head cannot be planned at all, whatever the branch is: another head is waited for.
        earlier: heads before, on which a status may still wait to be told.
        since: comments that are older are not heard; None for a record from before any were.
        heard: comments with commands that were heard, as long as they could be heard again.
        owed: of these, those that were not answered yet.
        check: digest of the check that was put last; "" where none was.
        unchecked: whether a check is owed.
    """

    number: str
    head: str
    at: datetime
    state: PullState = PullState.OPEN
    base: str = ""
    looked: str = ""
    delta: str = ""
    world: str = ""
    roots: tuple[str, ...] = ()
    comment: str = ""
    text: str = ""
    marked: bool = False
    asked: bool = False
    refused: bool = False
    earlier: tuple[str, ...] = ()
    since: datetime | None = None
    heard: tuple[Heard, ...] = ()
    owed: tuple[Owed, ...] = ()
    check: str = ""
    unchecked: bool = False
