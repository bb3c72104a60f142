"""The mirror on disk: a bare repository of ours, made whole or not at all, and replaced when damaged.

It lies in the state directory and only git processes of this daemon write to it (it has the hold on that folder, which
its processes share: `hold`), so a lock file found where none of them runs is left over from a kill and is removed.
Blocking.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.git import Leash, Said

__all__ = ["Mirror"]

_LOCAL = 30.0


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare repository at `path`.

    Attributes:
        path: its folder, which may not exist yet.
        instance: whose refs below `refs/plumbline/` are meant.
        leash: runs git.
    """

    path: Path
    instance: str
    leash: Leash

    @property
    def head_ref(self) -> str:
        """Holds the newest fetched commit of the branch."""
        return f"refs/plumbline/{self.instance}/head"

    @property
    def notes_ref(self) -> str:
        """Holds the notes of a remote that is not on this machine, other notes with `-` and their name behind it."""
        return f"refs/plumbline/{self.instance}/notes"

    def pin_ref(self, name: str) -> str:
        """Holds the commit pinned as `name`."""
        return refs.check_ref(f"{self._pins}{name}")

    @property
    def _pins(self) -> str:
        return f"refs/plumbline/{self.instance}/pins/"

    @property
    def exists(self) -> bool:
        """Whether it was made. It appears by one rename, so it is never half made.

        Raises:
            Transient: the state folder cannot be read.
        """
        try:
            return refs.locate(self.path) is not None
        except OSError as error:
            raise Transient(f"cannot read {self.path}: {error.strerror}") from error

    @property
    def packs(self) -> int:
        """How many packs it has, as far as the folder can be read."""
        with contextlib.suppress(OSError):
            return sum(1 for _ in (self.path / "objects" / "pack").glob("*.pack"))
        return 0

    def discard(self) -> None:
        """Remove it; for one that was never in use."""
        shutil.rmtree(self.path, ignore_errors=True)

    def make(self, algorithm: str) -> None:
        """Make an empty one for ids of hash `algorithm`; one that is not a repository any more is set aside."""
        scratch = self.path.with_name(f"{self.path.name}.new")
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            said = self.leash.run(
                ["init", "--quiet", "--bare", f"--object-format={algorithm}", "--", str(scratch)], _LOCAL
            )
            if not said.ok:
                raise Transient(f"git cannot make a repository in {self.path.parent}: {last_line(said)}")
            self.set_aside()
            scratch.rename(self.path)
        except OSError as error:
            raise Transient(f"cannot write to {self.path.parent}: {error.strerror}") from error

    def set_aside(self) -> None:
        """Rename a damaged one; the one set aside last is kept for people to look at."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        if self.path.exists():
            shutil.rmtree(aside, ignore_errors=True)
            self.path.rename(aside)

    def replace_by(self, fresh: Mirror) -> None:
        """Put `fresh` in the place of this one, which is set aside."""
        try:
            self.set_aside()
            fresh.path.rename(self.path)
        except OSError as error:
            raise Transient(f"cannot write to {self.path.parent}: {error.strerror}") from error

    def clear_locks(self) -> None:
        """Remove lock files that a killed git left. Only while no git process of ours writes here."""
        for folder, pattern in ((self.path, "*.lock"), (self.path / "refs", "**/*.lock")):
            with contextlib.suppress(OSError):
                for lock in folder.glob(pattern):
                    with contextlib.suppress(OSError):
                        lock.unlink()

    def read_ref(self, ref: str) -> str | None:
        """The id that `ref` names here; None when it does not exist or cannot be read."""
        try:
            return refs.Reader(refs.GitDir(self.path, self.path)).read(ref)
        except (refs.UnreadableError, OSError):
            return None

    def pins(self) -> Mapping[str, str]:
        """Pinned commits by name."""
        said = self._run(["for-each-ref", "--format=%(objectname) %(refname)", "--", self._pins])
        pairs = (line.split(" ", 1) for line in said.out.decode("utf-8", "surrogateescape").splitlines())
        return {name.removeprefix(self._pins): ident for ident, name in pairs}

    def set_ref(self, ref: str, ident: str | None) -> None:
        """Point `ref` to `ident`, or remove it.

        Raises:
            Transient: git could not.
        """
        operands = ["--", ref, ident] if ident is not None else ["-d", "--", ref]
        said = self._run(["update-ref", "--no-deref", *operands])
        if not said.ok:
            raise Transient(f"git cannot write {ref} of the copy: {last_line(said)}")

    def adopt_pins(self, old: Mirror) -> None:
        """Bring over what `old` has pinned, as far as `old` can still be read."""
        everything = self.fetch(str(old.path), f"+{self._pins}*:{self._pins}*", 600.0)
        if everything.ok:
            return
        for name in old.pins():
            ref = self.pin_ref(name)
            if not self.fetch(str(old.path), f"+{ref}:{ref}", 600.0).ok and (ident := old.read_ref(ref)):
                with contextlib.suppress(Transient):
                    self.set_ref(ref, ident)

    def fetch(self, url: str, refspec: str, deadline: float) -> Said:
        """Run one fetch into this mirror."""
        return self._run(fetch_arguments(url, refspec), deadline)

    def _run(self, args: list[str], deadline: float = _LOCAL) -> Said:
        return self.leash.run([f"--git-dir={self.path}", *args], deadline)


def fetch_arguments(url: str, refspec: str) -> list[str]:
    """A fetch of one ref, and nothing besides: no tags, no submodules, no FETCH_HEAD, no clean-up."""
    options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"]
    return ["fetch", *options, "--", url, refspec]


def last_line(said: Said) -> str:
    """The line of git's errors that says most, cut to one sentence."""
    lines = [line.strip() for line in said.err.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    text = telling[-1] if telling else f"exit code {said.code}"
    return text.removeprefix("fatal:").removeprefix("error:").strip()[:200]
