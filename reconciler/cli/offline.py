"""Compiling without a daemon: files of a folder or of a commit, through the same functions as in the daemon.

What only a daemon can know (its environments, its connections, its hubs) comes from its configuration file where one is
named, and is left open otherwise: then nothing is refused for the lack of it. Nothing is fetched from anywhere.
A daemon that is asked what it pinned says so through `Project.look`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from planner.compile import (
    SETTINGS,
    Cache,
    CompileConfig,
    CompileInput,
    FileRow,
    Outside,
    ls_files,
    references,
    wanted,
)
from planner.desire.view import Identity
from planner.model.desired import DesiredState
from reconciler.cli import folder
from reconciler.cli.failure import Code, Failure
from reconciler.cli.repository import Repository, around
from reconciler.cli.session import Session
from reconciler.compiling import calmly, compiled
from reconciler.hubs import FolderHub
from reconciler.outside import offline
from reconciler.settings import DaemonSettings, load_settings
from reconciler.shares import Shares
from reconciler.source.model import Tree
from reconciler.source.remote import parse

__all__ = ["Files", "Look", "Project", "config_of", "project_at"]

_MOST_ROUNDS = 64
_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's id of a tree without entries."""

Reader = Callable[[Collection[str]], Mapping[str, bytes]]
Look = Callable[[Collection[str]], Mapping[str, Outside]]
"""Gives what references lead to, by key; those that it leaves out are not looked up."""


@dataclass(frozen=True, slots=True)
class Files:
    """One state of the files of a project.

    Attributes:
        commit: full id; "" for the folder as it is.
        tree: all of them.
        read: gives contents by id.
        cache: what was read and compiled of them.
        look: looks up what they refer to out of the repository.
    """

    commit: str
    tree: Tree
    read: Reader
    cache: Cache = field(default_factory=Cache)
    look: Look = offline

    def given(
        self, config: CompileConfig, in_force: Mapping[str, str] | None = None, named: frozenset[str] = frozenset()
    ) -> CompileInput:
        """All that compile may know; of a large tree, what comes of it is in the cache already."""
        start = replace(self._nothing(config), in_force=dict(in_force or {}), named=named)
        with Shares() as shares:
            given = self._gather(start, shares)
            calmly(shares.compile, given, self.cache)
        return given

    def _nothing(self, config: CompileConfig) -> CompileInput:
        return CompileInput(self.commit, self.tree.id, self.tree.entries, config)

    def _gather(self, given: CompileInput, shares: Shares | None = None) -> CompileInput:
        """The input with every content that compile wants."""
        for _ in range(_MOST_ROUNDS):
            if shares is not None:
                calmly(shares.read, given, self.cache)
            missing = calmly(wanted, given, self.cache)
            if missing:
                given = replace(given, blobs={**given.blobs, **self.read(missing)})
                continue
            found = self.look(references(given, self.cache) - given.outside.keys())
            if not found:
                return given
            given = replace(given, outside={**given.outside, **found})
        raise RuntimeError("compile never has all that it wants")

    def compile(self, config: CompileConfig, in_force: Mapping[str, str] | None = None) -> DesiredState:
        """What these files ask for."""
        return compiled(self.given(config, in_force), self.cache)

    def rows(self, config: CompileConfig) -> tuple[FileRow, ...]:
        """Which of them are spec files, and why."""
        return ls_files(self._gather(self._nothing(config)), self.cache)


@dataclass(slots=True)
class Project:
    """A folder that is looked at as a repository.

    Attributes:
        top: its root.
        repository: the git repository that it is or lies in, or None.
        hubs: those of the configuration in order, None for each that is no folder; None without a configuration.
            `config_of` says it.
        look: looks up what files refer to out of the repository; None to look in these hubs.
    """

    top: Path
    repository: Repository | None
    hubs: Sequence[FolderHub | None] | None = None
    look: Look | None = None

    def now(self) -> Files:
        """The files as they are.

        Raises:
            Failure: there is no working folder, or a file cannot be read.
        """
        if self.repository is not None and self.repository.bare:
            raise Failure(Code.INPUT, f"{self.top} is a bare repository, without files: name a commit with --head")
        found = folder.read(self.top, self.repository)
        return Files("", found.tree, found.blobs, look=self._look())

    def at(self, commit: str) -> Files:
        """The files of a commit, by its full id."""
        repository = self.repository
        assert repository is not None
        tree = self._part(repository.tree(repository.commit(commit)))
        return Files(commit, tree, repository.blobs, look=self._look())

    def _look(self) -> Look:
        return self.look or partial(offline, folders=self.hubs)

    def _part(self, tree: Tree) -> Tree:
        """What of a repository's tree is this project's: all, unless it has its own settings further down."""
        assert self.repository is not None
        below = self.top.relative_to(self.repository.top).as_posix()
        if below == ".":
            return tree
        root = tree.at(below)
        if root is None or root.kind != "tree":
            return Tree(_EMPTY, {})
        head = f"{below}/"
        inside = {path.removeprefix(head): entry for path, entry in tree.entries.items() if path.startswith(head)}
        return Tree(root.id, {path: replace(entry, path=path) for path, entry in inside.items()})


@contextmanager
def project_at(path: Path) -> Iterator[Project]:
    """The project that `path` lies in: the nearest folder upwards with `.plumbline.yaml` or git, else its own.

    Raises:
        Failure: there is nothing at `path`.
    """
    here = path.absolute()
    if not here.exists():
        raise Failure(Code.INPUT, f"there is nothing at {path}")
    start = here if here.is_dir() else here.parent
    marked = next((folder for folder in (start, *start.parents) if (folder / SETTINGS).is_file()), None)
    with around(start) as repository:
        if repository is None:
            yield Project(marked or start, None)
        elif marked is not None and marked.is_relative_to(repository.top):
            yield Project(marked, repository)
        else:
            yield Project(repository.top, repository)


def config_of(session: Session, project: Project) -> tuple[CompileConfig, DaemonSettings | None]:
    """What compile may know of the configuration, and the settings that it comes from. Tells the project its hubs.

    Raises:
        Unusable: the configuration file is wrong.
    """
    name = project.top.name.removesuffix(".git") or "project"
    if session.config is None:
        return CompileConfig(project=name), None
    settings = load_settings(session.config)
    # Only here, as it brings all that a daemon is made of.
    from reconciler.configured import config_of as compiled_by  # noqa: PLC0415

    project.hubs = tuple(
        FolderHub(hub.name, hub.path.expanduser().absolute()) if hub.path else None for hub in settings.hubs
    )
    called = settings.repository.project or parse(settings.repository.url).name or name
    return compiled_by(settings, Identity(settings.instance, called)), settings
