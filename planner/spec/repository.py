"""`.plumbline.yaml`: what a repository says of itself (design: "What a repository means").

The project, which files are specs, how operations behave by glob, and what was renamed. For prune and budgets the
daemon's configuration is the ceiling; comparing the two is not done here. Every problem of the file's content is
PL-601; what the YAML reader finds keeps its own code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from planner.errors import Problem
from planner.spec import faults, globs
from planner.spec import yaml as reader
from planner.spec.clashes import Clash, beside
from planner.spec.places import Places
from planner.spec.plugins import Notification
from planner.spec.shape import Bool, Name, Section, Whole, fault
from planner.spec.times import Duration
from planner.spec.words import short

__all__ = [
    "Budgets",
    "LoadedRepository",
    "Paths",
    "Policy",
    "PolicyRule",
    "Repository",
    "Retention",
    "load_repository",
]

_CODE = "PL-601"


def _glob(value: str) -> str:
    if said := globs.fault_of(value):
        raise fault(_CODE, f"`{short(value)}`: {said}")
    return value


def _list_of_one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_T = TypeVar("_T", bound=Sized)

_MOST = 200


def _not_too_many(values: _T) -> _T:
    if len(values) > _MOST:
        raise fault(_CODE, f"{len(values):,} entries in {{field}}, more than {_MOST}", "name folders instead of files")
    return values


Glob = Annotated[str, AfterValidator(_glob)]
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_list_of_one), AfterValidator(_not_too_many)]
"""One glob or a list of globs; a path fits when one of them does."""


class Paths(Section):
    """Which files may be specs."""

    include: Globs = ("**/*.yaml", "**/*.yml", "**/*.json")
    exclude: Globs = ()

    def includes(self, path: str) -> bool:
        """Whether a file is included and not excluded."""
        return _fits(self.include, path) and not _fits(self.exclude, path)


class Budgets(Section):
    """How much one commit may newly cause, and one plan may remove; what is over is held. None says nothing."""

    starts: Whole | None = None
    trials: Whole | None = None
    gpus: Whole | None = None
    deletions: Whole | None = None


class Retention(Section):
    """Which runs are kept once they are over: those that satisfy all that is said. What is in use is kept whatever."""

    count: Whole | None = None
    """The newest so many of each operation."""
    age: Duration | None = None
    """Those that ended no longer ago."""


class Policy(Section):
    """How operations behave. None says nothing, so that the next rule or the daemon decides."""

    namespace: str | None = None
    queue: str | None = None
    backend: str | None = None
    run_policy: Literal["on-change", "on-commit", "manual"] | None = None
    on_change: Literal["finish", "stop"] | None = None
    """What happens to a run of a generation that is over."""
    update: Literal["rolling", "recreate"] | None = None
    """How a service goes to its next generation."""
    progress_deadline: Duration | None = None
    """How long a new service may take to be ready."""
    self_heal: Bool | None = None
    prune: Bool | None = None
    notifications: tuple[Notification, ...] | None = None
    """Who is told of runs of operations that name nobody themselves; an empty list for nobody."""
    retention: Retention | None = None
    """Which runs are kept once they are over; without it what the daemon's configuration says."""

    def over(self, other: Policy) -> Policy:
        """This policy where it says something, `other` elsewhere."""
        said = {name: getattr(self, name) for name in Policy.model_fields if getattr(self, name) is not None}
        return Policy.model_construct(**({name: value for name, value in other if value is not None} | said))


class PolicyRule(Policy):
    """A policy for the operations of some files."""

    match: Globs
    """Globs over the paths of spec files."""


def _bad_moves(moved: Any) -> Iterator[Clash]:
    taken: dict[str, str] = {}
    for old, new in moved.items() if isinstance(moved, dict) else ():
        if not isinstance(new, str):
            continue
        if old == new:
            yield (old,), fault(_CODE, f"`{short(old)}` is moved to itself", "remove the line", (old,))
        elif new in taken:
            message = f"`{short(taken[new])}` and `{short(old)}` are both moved to `{short(new)}`"
            yield (old,), fault(_CODE, message, "keep one of them", (old,))
        taken.setdefault(new, old)


class Repository(Section):
    """The whole file; the empty one says nothing."""

    project: Name | None = None
    """None for the last part of the remote's path."""
    paths: Paths = Paths()
    defaults: Policy = Policy()
    policies: Annotated[tuple[PolicyRule, ...], AfterValidator(_not_too_many)] = ()
    """Later rules win over earlier ones, field by field."""
    budgets: Budgets = Budgets()
    """What one commit may cause: where it is tighter than the daemon's own."""
    moved: Annotated[dict[Name, Name], beside(_bad_moves), AfterValidator(_not_too_many)] = Field(default_factory=dict)
    """New names of operations by old name."""

    def policy(self, path: str) -> Policy:
        """What holds for the operations of a file."""
        found = self.defaults
        for rule in self.policies:
            if _fits(rule.match, path):
                found = rule.over(found)
        return found


def _fits(patterns: tuple[str, ...], path: str) -> bool:
    return any(globs.matches(pattern, path) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class LoadedRepository:
    """A `.plumbline.yaml`.

    Attributes:
        settings: None when the file has an error.
        problems: in order of place.
        places: where its values stand, by JSON pointer.
    """

    settings: Repository | None
    problems: tuple[Problem, ...]
    places: Places


def load_repository(path: str, data: bytes) -> LoadedRepository:
    """The settings of a repository, and everything that is wrong with them. Never raises for bad input."""
    read = reader.read(path, data)
    places = read.documents[0].places if read.documents else Places(path)
    problems = [*read.problems, *_extra_documents(read)]
    settings = None
    value: Any = read.documents[0].value if read.documents else None
    try:
        settings = Repository.model_validate({} if value is None else value)
    except ValidationError as error:
        problems += _ours(faults.problems(error, Repository, value, places))
    problems.sort(key=lambda problem: problem.sort_key)
    return LoadedRepository(None if problems else settings, tuple(problems), places)


def _extra_documents(read: reader.Read) -> Iterator[Problem]:
    for document in read.documents[1:2]:
        yield Problem(_CODE, "a second document", document.places.value(""), hint="keep one")


def _ours(found: list[Problem]) -> Iterator[Problem]:
    return (replace(problem, code=_CODE) for problem in found)
