"""What a forge of the tests knows: statuses, comments, pull requests; and what it was asked. No forge's spelling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Asked", "Person", "Reply", "Shown", "State", "paged"]


@dataclass(frozen=True)
class Shown:
    """A status as a forge shows it, in its own words."""

    state: str
    description: str
    url: str = ""


@dataclass(frozen=True)
class Asked:
    """A request as a forge gets it; names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """What it answers; `pause` seconds pass after each half of the body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Person:
    """An account; `level` is what it may do in the repository, in GitHub's words."""

    login: str
    level: str = "none"
    teams: tuple[str, ...] = ()
    is_program: bool = False


def paged(all_of: list[Any], asked: Asked, size: str, most: int) -> list[Any]:
    """One page of a list, without links to others."""
    length, number = min(int(asked.query.get(size, "30")), most), int(asked.query.get("page", "1"))
    return all_of[(number - 1) * length : number * length]


@dataclass
class State:
    """One repository of a forge.

    Attributes:
        commits: that it has; None for any.
        statuses: what each commit's context showed, oldest first.
        comments: body by id, by pull request.
        pulls: as its API spells them, by number.
        tokens: that it takes.
        asked: every request that came, faulty ones too.
        writes: requests that changed something, by what they changed.
        most: statuses that one context of a commit may have.
        page: items of a page at most.
        people: accounts by their numbers; others are nobody's.
        reactions: what was set on comments, by their numbers.
        causes: login of who opened the pull request of a commit.
        refs: commits by their refs, as far as its API lists them.
        trains: entries of merge trains, as its API spells them; None where it has no trains.
        now: when it is.
    """

    commits: set[str] | None = None
    statuses: dict[tuple[str, str], list[Shown]] = field(default_factory=dict)
    comments: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    pulls: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {"canary-token"})
    asked: list[Asked] = field(default_factory=list)
    writes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    most: int = 1000
    page: int = 100
    last: int = 0
    people: dict[int, Person] = field(default_factory=dict)
    reactions: set[tuple[int, str]] = field(default_factory=set)
    causes: dict[str, str] = field(default_factory=dict)
    refs: Callable[[], Mapping[str, str]] = dict
    trains: list[dict[str, Any]] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0)

    def shown(self) -> dict[tuple[str, str], Shown]:
        """What people see: the newest of each context."""
        return {name: all_of[-1] for name, all_of in self.statuses.items()}

    def say(self, commit: str, context: str, shown: Shown) -> None:
        """A status is set."""
        self.statuses.setdefault((commit, context), []).append(shown)
        self.writes["status", commit, context] += 1

    def comment(self, pull: str, body: str, author: int) -> int:
        """A comment is made; its id."""
        self.last += 1
        at = self.now().isoformat().replace("+00:00", "Z")
        self.comments.setdefault(pull, {})[self.last] = {"body": body, "author": author, "at": at, "changed": at}
        self.writes["comment", pull] += 1
        return self.last

    def edit(self, ident: int, body: str) -> bool:
        """A comment is edited; whether it is there."""
        for found in self.comments.values():
            if ident in found:
                found[ident] |= {"body": body, "changed": self.now().isoformat().replace("+00:00", "Z")}
                self.writes["edit", str(ident)] += 1
                return True
        return False

    def person(self, author: object) -> Person:
        """Who has an account; somebody whom nobody knows."""
        return self.people.get(int(str(author)), Person("somebody"))

    def named(self, login: str) -> tuple[int, Person] | None:
        """The account of a login, with its number."""
        return next(((ident, one) for ident, one in self.people.items() if one.login == login), None)

    def since(self, since: str) -> list[tuple[str, int, dict[str, Any]]]:
        """Comments of all pull requests that were written or changed since, with their pull requests and numbers."""
        return [
            (pull, ident, one)
            for pull, comments in self.comments.items()
            for ident, one in comments.items()
            if one["changed"] >= since
        ]
