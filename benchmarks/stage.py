"""What the benchmarks share: a scratch repository, a daemon on it, and rows of results."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure and what it is held against."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"  limit {self.limit:g} {self.unit} (x{self.value / self.limit:.2f})"
        return f"{'ok  ' if self.holds else 'OVER'} {self.name:<52} {self.value:10.2f} {self.unit}{limit}  {self.note}"


class Scratch:
    """A bare repository that a daemon follows. Commits are made straight in it, as a push would leave them."""

    def __init__(self, folder: Path, extra: str = "", poll: int = 30) -> None:
        self.folder = folder
        self.bare = folder / "repo.git"
        self.state = folder / "state"
        self.work = folder / "work"
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=folder)
        self.git("clone", "-q", str(self.bare), str(self.work), cwd=folder)
        (folder / "daemon.yaml").write_text(
            f"repository: {{url: {self.bare}, branch: main, poll: {poll}}}\nstate: {self.state}\nlog: json\n"
            f"backends: {{local: {{allowRoot: true, runs: {folder / 'runs'}}}}}\n{extra}"
        )

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        identity = {
            f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.work, env={**os.environ, **identity}, capture_output=True, check=True
        )
        return done.stdout.decode()

    def write(self, path: str, text: str) -> None:
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def commit(self) -> str:
        """Commit everything and bring the objects to the bare repository, without moving its branch yet."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        head = self.git("rev-parse", "HEAD").strip()
        self.git("push", "-q", "origin", f"{head}:refs/staged/next", "--force")
        return head

    def release(self, commit: str) -> float:
        """Move the branch: the moment at which a push is done. Returns the wall clock before it."""
        begun = time.time()
        self.git("update-ref", "refs/heads/main", commit, cwd=self.bare)
        return begun

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.state / "plumbline.sock"))
        return httpx.Client(transport=transport, base_url="http://plumbline", timeout=60.0)

    def get(self, path: str) -> Any:
        with self.client() as client:
            return client.get(path).raise_for_status().json()

    def commit_view(self, commit: str) -> Any:
        """The commit as the daemon shows it; pending without statuses before it was planned."""
        with self.client() as client:
            answer = client.get(f"/v1/commits/{commit}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {"state": "pending", "statuses": []}
        return answer.raise_for_status().json()


@contextlib.contextmanager
def scratch(extra: str = "", poll: int = 30) -> Iterator[Scratch]:
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-", ignore_cleanup_errors=True) as name:
        yield Scratch(Path(name), extra, poll)


@contextlib.contextmanager
def daemon(place: Scratch, under: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon for the block; `under` is a command that starts it, such as a tracer."""
    command = [*under, sys.executable, "-m", "reconciler.cli", "daemon", "-c", str(place.folder / "daemon.yaml")]
    with (place.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stderr=log, stdout=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    try:
        wait(lambda: process.poll() is not None or _answers(place), 60)
        if process.poll() is not None:
            raise SystemExit((place.folder / "log").read_text())
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        stop_leftovers(place)


def stop_leftovers(place: Scratch) -> None:
    """End supervisors and the warm parent of this scratch folder: they outlive daemons on purpose."""
    needle = str(place.folder).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if needle in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)


def wait(condition: Callable[[], object], seconds: float, pause: float = 0.005) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing happened within {seconds} s")
        time.sleep(pause)


def _answers(place: Scratch) -> bool:
    with contextlib.suppress(httpx.HTTPError, OSError):
        place.get("/v1/status")
        return True
    return False


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def report(rows: list[Row], path: Path | None) -> int:
    for row in rows:
        print(row, flush=True)
    if path:
        path.write_text(
            json.dumps([{"name": row.name, "value": row.value, "unit": row.unit} for row in rows], indent=2)
        )
    return 0 if all(row.holds for row in rows) else 1
