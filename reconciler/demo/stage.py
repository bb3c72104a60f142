"""The stage: a scratch folder with a bare repository, a clone to push from, and a daemon that follows it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from reconciler.errors import Unusable
from reconciler.settings import cache_folder, environment

__all__ = ["SOURCE", "Stage", "daemon", "make_environment", "prepare"]

SOURCE = Path(__file__).parents[2]
"""The checkout that holds sample-repo and the lock of its environment."""

_IMAGE = "plumbline/sample:1"
_START_SECONDS = 60.0
_DAEMON = """\
instance: demo
state: {state}
repository: {{url: {bare}, branch: main}}
forge: notes
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

    def push(self, message: str) -> str:
        """Commit everything and push; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()


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
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_plain_environment()
    ) as process:
        while process.poll() is None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                say(f"  still installing, {time.monotonic() - begun:.0f} s")
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise Unusable(f"the environment of the sample cannot be made:\n{said.strip()[-2000:]}")
    say(f"  ready after {time.monotonic() - begun:.0f} s")


def _plain_environment() -> Mapping[str, str]:
    return {**environment(), "PYTHON": sys.executable}


def prepare(folder: Path, venv: Path) -> Stage:
    """Make the bare repository and the clone with the sample's files in it, nothing pushed yet."""
    stage = Stage(folder, venv / "bin" / "python")
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(stage.bare))
    _git(folder, "clone", "--quiet", str(stage.bare), str(stage.clone))
    shutil.copytree(
        SOURCE / "sample-repo", stage.clone, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    stage.config.write_text(
        _DAEMON.format(
            state=stage.state,
            bare=stage.bare,
            runs=stage.runs,
            allow_root=str(os.geteuid() == 0).lower(),
            image=_IMAGE,
            environment=venv,
        )
    )
    return stage


@contextmanager
def daemon(stage: Stage, *, keep: bool) -> Iterator[int]:
    """A daemon of its own session that follows the stage's repository; ended at exit unless `keep`.

    Raises:
        Unusable: it does not come up; the message ends with its log.
    """
    command = [sys.executable, "-m", "reconciler.cli", "daemon", "-c", str(stage.config)]
    with stage.log.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=stage.folder
        )
    try:
        _wait_until_up(stage, process)
        yield process.pid
    finally:
        if not keep and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_up(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with stage.client() as client:
                client.get("/v1/status").raise_for_status()
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    tail = stage.log.read_text(errors="replace")[-2000:]
    raise Unusable(f"the daemon did not come up; its log ends with:\n{tail}")


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
