"""Real repositories for tests, made by real git, with the moves of people who push."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.source.memory_remote import Content, File, Link, Module

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class GitRemote:
    """A bare repository whose commits have the ids that `MemoryRepository` gives them."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self._commits = 0
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@localhost",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@localhost",
        }
        self.run("init", "--quiet", "--bare", "--initial-branch=main", *options, str(path))

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git as a person would, outside of any repository."""
        outside = self.path.parent
        command = ["git", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, env=self.environment, cwd=outside)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the repository."""
        return self.run(f"--git-dir={self.path}", *arguments, stdin=stdin)

    def commit(
        self, files: Mapping[str, Content], subject: str = "change", *, branch: str = "main", orphan: bool = False
    ) -> str:
        """Commit exactly `files` on top of a branch."""
        self._commits += 1
        ref = f"refs/heads/{branch}"
        stamp = f"Ada <ada@localhost> {int((EPOCH + timedelta(minutes=self._commits)).timestamp())} +0000"
        exists = not orphan and bool(self.git("for-each-ref", ref))
        lines = [f"commit {ref}\nauthor {stamp}\ncommitter {stamp}\ndata {len(subject) + 1}\n{subject}\n\n".encode()]
        lines += [f"from {ref}^0\n".encode()] if exists else []
        lines += [b"deleteall\n", *(_change(path, content) for path, content in files.items()), b"done\n"]
        self.git("fast-import", "--quiet", "--force", "--done", stdin=b"".join(lines))
        return self.git("rev-parse", ref)

    def notes(self, ref: str) -> dict[str, str]:
        """The notes of a ref, by commit; none where there is no such ref."""
        if not self.git("for-each-ref", ref):
            return {}
        commits = [line.split()[1] for line in self.git("notes", f"--ref={ref}", "list").splitlines()]
        return {commit: self.git("notes", f"--ref={ref}", "show", commit) for commit in commits}

    def series(self, count: int) -> list[str]:
        """Make `count` empty commits at once, newest first."""
        lines = [f"commit refs/heads/main\ncommitter A <a@b> {n} +0000\ndata 1\nx\n" for n in range(count)]
        self.git("fast-import", "--quiet", stdin="".join(lines).encode())
        return self.git("rev-list", "refs/heads/main").splitlines()

    def point(self, commit: str | None, *, ref: str = "refs/heads/main") -> None:
        """Force-push or delete."""
        self.git("update-ref", *(["-d", ref] if commit is None else [ref, commit]))

    def collect(self) -> None:
        self.git("-c", "gc.reflogExpire=now", "gc", "--quiet", "--prune=now")


def _change(path: str, content: Content) -> bytes:
    name = b'"' + b"".join(b"\\%03o" % byte for byte in path.encode("utf-8", "surrogateescape")) + b'"'
    match content:
        case Module(commit):
            return b"M 160000 " + commit.encode() + b" " + name + b"\n"
        case Link(target):
            mode, data = b"120000", target.encode()
        case File(data, executable):
            mode = b"100755" if executable else b"100644"
        case _:
            mode, data = b"100644", content
    return b"M " + mode + b" inline " + name + b"\n" + f"data {len(data)}\n".encode() + data + b"\n"
