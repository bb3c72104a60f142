"""A repository of the user's, read for planning before anything is pushed: commits by ref, and the files as they are.

Reads objects by id like the daemon's own source; runs git on the same leash. Never writes to the repository.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.failure import Code, Failure
from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.batch import Batch
from reconciler.source.git import LateError, Leash, Said, leash
from reconciler.source.model import Commit, Limits, Tree
from reconciler.source.objects import DamagedError, MissingError, TreeReader, blob_data, parse_commit
from reconciler.source.remote import ANONYMOUS, Remote

__all__ = ["Repository", "around"]

_DEADLINE = 120.0
_LIMITS = Limits()


@dataclass(slots=True)
class Repository:
    """A git repository of this machine.

    Attributes:
        top: its working folder; the repository itself when it is bare.
        bare: whether it has no working folder.
        git_dir: where it keeps its things.
    """

    top: Path
    bare: bool
    git_dir: Path
    leash: Leash
    batch: Batch
    trees: TreeReader = field(default_factory=lambda: TreeReader(_LIMITS))

    def resolve(self, ref: str) -> str:
        """The commit that `ref` names: anything that git understands.

        Raises:
            Failure: it names none.
        """
        found = self.find(ref)
        if found is None:
            raise Failure(Code.INPUT, f"`{ref}` names no commit in {self.top}")
        return found

    def find(self, ref: str) -> str | None:
        """The commit that `ref` names, or None."""
        if ref.startswith("-") or "\0" in ref or "\n" in ref:
            return None
        said = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return said.out.decode("ascii", "replace").strip() if said.ok else None

    def commit(self, ident: str) -> Commit:
        """A commit by its full id."""
        with _readable(self.top):
            return parse_commit(ident, self.batch.read([ident])[ident].data)

    def tree(self, commit: Commit) -> Tree:
        """The whole tree of a commit."""
        with _readable(self.top):
            return self.trees.read(self.batch, commit.tree)

    def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`."""
        wanted = sorted(ids)
        with _readable(self.top):
            _LIMITS.check_blobs(self.batch.sizes(wanted))
            return {ident: blob_data(item) for ident, item in self.batch.read(wanted).items()}

    def listed(self, below: str = "") -> list[str]:
        """Paths of all files that git has or would add, ignored ones left out; those in the folder `below`, from it."""
        said = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", below=below)
        if not said.ok:
            raise Failure(Code.ENVIRONMENT, f"git cannot list the files of {self.top}: {said.err.strip()[-200:]}")
        return [os.fsdecode(path) for path in said.out.split(b"\0") if path]

    def submodules(self, below: str = "") -> Mapping[str, str]:
        """The commit that each submodule in the folder `below` is recorded at, by its path from there."""
        found = {}
        for line in self._git("ls-files", "-z", "--stage", below=below).out.split(b"\0"):
            head, _, path = line.partition(b"\t")
            if head.startswith(b"160000 "):
                found[os.fsdecode(path)] = head.split()[1].decode("ascii")
        return found

    @property
    def algorithm(self) -> str:
        """The hash of its ids."""
        said = self._git("rev-parse", "--show-object-format")
        return said.out.decode("ascii", "replace").strip() or "sha1"

    @property
    def remotes(self) -> tuple[str, ...]:
        """The addresses of its remotes."""
        said = self._git("config", "--get-regexp", r"^remote\..*\.url$")
        return tuple(line.split(None, 1)[1] for line in said.out.decode("utf-8", "replace").splitlines() if " " in line)

    def _git(self, *args: str, below: str = "") -> Said:
        place = [f"--git-dir={self.git_dir}"]
        if not self.bare:
            place += [f"--work-tree={self.top}", "-C", str(self.top / below)]
        try:
            return self.leash.run([*place, *args], _DEADLINE)
        except LateError:
            raise Failure(Code.ENVIRONMENT, f"git {args[0]} in {self.top} took longer than {_DEADLINE:g} s") from None


@contextlib.contextmanager
def around(path: Path) -> Iterator[Repository | None]:
    """The repository that `path` lies in; None when there is none.

    Raises:
        Unusable: git is missing or too old.
    """
    here = path.absolute()
    for folder in (here, *here.parents):
        place = refs.locate(folder)
        if place is not None:
            with _opened(folder, place) as repository:
                yield repository
            return
    yield None


@contextlib.contextmanager
def _opened(folder: Path, place: refs.GitDir) -> Iterator[Repository]:
    with tempfile.TemporaryDirectory(prefix="plumbline-git-") as scratch:
        held = leash(Path(scratch), Remote(str(folder), "file", folder), ANONYMOUS)
        batch = Batch(held, place.own)
        try:
            yield Repository(folder, place.own == folder, place.own, held, batch)
        finally:
            batch.close()


@contextlib.contextmanager
def _readable(top: Path) -> Iterator[None]:
    try:
        yield
    except (DamagedError, MissingError, LateError) as error:
        raise Transient(f"{top} cannot be read whole ({error}): check it with git fsck") from None
