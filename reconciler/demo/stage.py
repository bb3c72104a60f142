"""The stage: a scratch folder with a bare repository, a clone to push from, and the configuration of a daemon."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from reconciler.errors import Unusable
from reconciler.settings import cache_folder, environment

__all__ = ["SOURCE", "Stage", "make_environment", "prepare"]

SOURCE = Path(__file__).parents[2]
"""The checkout that holds sample-repo and the lock of its environment."""

LATER = ("compare.yaml", "announce.yaml", "tune.yaml")
"""Operations of the sample that the demo begins without."""

_IMAGE = "plumbline/sample:1"
_DAEMON = """\
instance: demo
state: {state}
repository: {{url: {bare}, branch: main}}
forge: notes
previews: {{branches: ["feature/*"]}}
backends:
  local:
    runs: {runs}
    allowRoot: {allow_root}
    environments: {{"{image}": {environment}}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is."""

    folder: Path
    python: Path

    @property
    def bare(self) -> Path:
        """The repository that people push to and the daemon follows."""
        return self.folder / "digits.git"

    @property
    def clone(self) -> Path:
        """The clone to push from."""
        return self.folder / "clone"

    @property
    def state(self) -> Path:
        """The daemon's state."""
        return self.folder / "state"

    @property
    def runs(self) -> Path:
        """Working folders, logs and artifacts of runs."""
        return self.folder / "runs"

    @property
    def log(self) -> Path:
        """What the daemon logs."""
        return self.folder / "daemon.log"

    @property
    def config(self) -> Path:
        """The daemon's configuration."""
        return self.folder / "daemon.yaml"

    def client(self) -> httpx.Client:
        """A client of the daemon's socket."""
        transport = httpx.HTTPTransport(uds=str(self.state / "plumbline.sock"))
        return httpx.Client(transport=transport, base_url="http://plumbline", timeout=10.0)

    def git(self, *arguments: str) -> str:
        """Run git in the clone; the demo's own identity, nobody's configuration."""
        return _git(self.clone, *arguments)

    def add_later(self, *names: str) -> None:
        """Put some of those operations of the sample into the clone that the demo begins without."""
        for name in names:
            shutil.copy(SOURCE / "sample-repo" / "ops" / name, self.clone / "ops" / name)

    def commit(self, message: str) -> str:
        """Commit everything; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, branch: str = "main") -> None:
        """Push the newest commit as `branch`."""
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def preview(self, commit: str) -> str:
        """What the note of a preview says on `commit`; "" for none."""
        return _git(self.bare, "log", "-1", "--format=%N", "--notes=plumbline-preview/*", commit).strip()


def make_environment(say: Callable[[str], None]) -> Path:
    """The Python environment of the sample: made once per lock, outside of the demo's folder.

    Raises:
        Unusable: it cannot be made; the message ends with what pip said.
    """
    lock, setup = SOURCE / "requirements" / "demo.txt", SOURCE / "scripts" / "setup"
    if not lock.exists() or not setup.exists():
        raise Unusable("the demo needs a checkout of Plumbline: it uses sample-repo and its locked environment")
    name = hashlib.sha256(lock.read_bytes() + setup.read_bytes()).hexdigest()[:16]
    venv = cache_folder() / f"venv-{name}"
    if not (venv / ".complete").exists():
        say(f"making the Python environment of the sample (numpy, scikit-learn): {venv}")
        _install([str(setup), str(venv), str(lock)], say)
    return venv


def _install(command: list[str], say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        # A group of its own, so that what pip started goes with it when the demo is ended.
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env=_plain_environment(), start_new_session=True
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                    break
                say(f"  still installing, {time.monotonic() - begun:.0f} s")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if process.returncode:
        raise Unusable(f"the environment of the sample cannot be made:\n{words[-2000:]}")
    say(f"  ready after {time.monotonic() - begun:.0f} s")


def _plain_environment() -> Mapping[str, str]:
    return {**environment(), "PYTHON": sys.executable}


def prepare(folder: Path, venv: Path) -> Stage:
    """Make the bare repository and the clone with the sample's files in it, nothing pushed yet.

    Raises:
        Unusable: git is missing, or the folder cannot be used.
    """
    if shutil.which("git") is None:
        raise Unusable("git is not installed, and the demo pushes with it: install git")
    try:
        return _prepare(folder.absolute(), venv)
    except OSError as error:
        raise Unusable(f"the demo cannot use {folder}: {error.strerror or error}") from None


def _prepare(folder: Path, venv: Path) -> Stage:
    stage = Stage(folder, venv / "bin" / "python")
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(stage.bare))
    _git(folder, "clone", "--quiet", str(stage.bare), str(stage.clone))
    shutil.copytree(
        SOURCE / "sample-repo",
        stage.clone,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", *LATER),
    )
    places = {"state": stage.state, "bare": stage.bare, "runs": stage.runs, "environment": venv}
    # As JSON, which is YAML, whatever characters a folder's name has.
    quoted = {name: json.dumps(str(path)) for name, path in places.items()}
    stage.config.write_text(_DAEMON.format(**quoted, allow_root=str(os.geteuid() == 0).lower(), image=_IMAGE))
    return stage


def _git(folder: Path, *arguments: str) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    kept = {name: value for name, value in environment().items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**kept, **identity}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unusable(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
