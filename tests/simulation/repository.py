"""The simulated repository: what was pushed, and the ports that the daemon reads it through.

`Remote` is the truth. `SimSource` and `SimCompiler` keep the laws of their ports: a failure is an exception, never a
smaller answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from planner.errors import Place, Problem
from planner.model.desired import CompiledOperation, DesiredState
from reconciler.errors import Transient
from reconciler.source.model import Commit, Entry, Tree
from tests.simulation.specs import Broken, Content, operation, roots_of

__all__ = ["Pushed", "Remote", "SimCompiler", "SimSource"]

_AT = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A commit: its tree, and the commit before it."""

    ident: str
    content: Content
    parent: str

    @property
    def empty(self) -> bool:
        """Whether its tree has no file at all."""
        return not self.content

    @property
    def bad_files(self) -> frozenset[str]:
        """Spec files with a problem."""
        return frozenset(path for path, file in self.content.items() if isinstance(file, Broken))

    def operations(self) -> dict[str, CompiledOperation]:
        """What its tree asks for."""
        return {name: operation(spec, path, self.ident) for name, (path, spec) in roots_of(self.content).items()}


@dataclass(slots=True)
class Remote:
    """The repository at the other end.

    Attributes:
        commits: everything that was ever pushed.
        head: the branch; "" while it does not exist.
        reachable: whether it answers.
        torn: reads of a tree that fail before the next one succeeds.
    """

    commits: dict[str, Pushed] = field(default_factory=dict)
    head: str = ""
    reachable: bool = True
    torn: int = 0

    def push(self, content: Content) -> Pushed:
        """Commit `content` on top of the branch."""
        text = f"{len(self.commits)}:{self.head}"
        ident = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.commits[ident] = Pushed(ident, dict(content), self.head)
        self.head = ident
        return self.commits[ident]

    @property
    def content(self) -> Content:
        """The tree at the branch."""
        return dict(self.commits[self.head].content) if self.head else {}


class SimSource:
    """The part of a `Source` that the core uses."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._pins: dict[str, str] = {}
        self.kept: set[str] | None = None

    def has(self, commit: str) -> bool:
        """Whether the copy still has `commit`."""
        return self.kept is None or commit in self.kept or commit in self._pins.values()

    async def fetch(self) -> Commit | None:
        remote = self._remote
        if not remote.reachable:
            raise Transient("the remote does not answer")
        if not remote.head:
            return None
        if self.kept is not None:
            self.kept |= _history(remote)
        return Commit(remote.head, f"tree-{remote.head}", _AT, "change")

    async def tree(self, commit: str) -> Tree:
        if not self._remote.reachable:
            raise Transient("the remote does not answer")
        paths = self._remote.commits[commit].content
        return Tree(f"tree-{commit}", {path: Entry(path, "blob", "0" * 40) for path in paths})

    async def pin(self, commit: str, name: str) -> None:
        self._pins[name] = commit

    async def unpin(self, name: str) -> None:
        self._pins.pop(name, None)

    async def tidy(self) -> None:
        """What no pin names and the branch does not need is gone: a run of it could not be given its code."""
        self.kept = {*self._pins.values(), *_history(self._remote)}

    async def pins(self) -> Mapping[str, str]:
        return dict(self._pins)


def _history(remote: Remote) -> set[str]:
    """The branch's commits: what a fetch brings and a tidy keeps."""
    found, ident = set(), remote.head
    while ident:
        found.add(ident)
        ident = remote.commits[ident].parent
    return found


class SimCompiler:
    """A `Compiler` over what was pushed."""

    def __init__(self, remote: Remote, project: str) -> None:
        self._remote = remote
        self._project = project

    async def compile(self, commit: Commit, in_force: Mapping[str, str]) -> DesiredState:
        remote = self._remote
        if remote.torn:
            remote.torn -= 1
            raise Transient("the tree cannot be read whole")
        pushed = remote.commits[commit.id]
        bad = pushed.bad_files
        return DesiredState(
            commit=commit.id,
            tree=commit.tree,
            project=self._project,
            roots=pushed.operations(),
            problems=tuple(Problem(CODE, "does not parse", Place(path, 1, 1)) for path in sorted(bad)),
            bad_files=bad,
            files=tuple(sorted(path for path, file in pushed.content.items() if file is not None)),
        )


CODE = "PL-101"
"""Any code of an error in a file."""
