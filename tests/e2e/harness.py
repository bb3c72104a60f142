"""One machine for each test: repositories, daemons as processes of their own, and a look at what is really there.

A `Place` is a scratch repository with a daemon's configuration, state and runs. Whatever a test does, `clear` ends
every process that has something of the place in its command line or environment.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from reconciler.backends.local import groups, supervisor
from tests.pauses import pauses

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds that are more than a busy machine ever needs: only what fails takes as long."""
LOOK = 0.01

T = TypeVar("T")
Tree = Mapping[str, str | None]
"""Texts by path; None removes the file."""


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + seconds
    waits = pauses()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(next(waits))


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_alive(pid: int) -> bool:
    """Whether a process exists that is no zombie."""
    found = supervisor.look(pid)
    return found is not None and found[1] not in "ZX"


def git(folder: Path, *words: str, check: bool = True) -> str:
    """Run git as nobody in particular, always at the same instant, so that the same content is the same commit."""
    who = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{who}_DATE": "2026-01-05T12:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **who, **when}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout


class Nursery:
    """The process that daemons are forked from (`nursery.py`)."""

    def __init__(self, root: Path = ROOT, module: str = "tests.e2e.nursery") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=root,
            env=environment(root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ends: dict[int, int | None] = {}

    def start(self, words: Sequence[str], log: Path) -> int:
        pid = int(self._ask({"start": list(words), "log": str(log)}))
        self._ends[pid] = None
        return pid

    def ended(self, pid: int) -> int | None:
        """The exit code of a daemon; None while it lives."""
        if self._ends[pid] is None:
            self._ends[pid] = self._ask({"ended": pid})
        return self._ends[pid]

    def close(self) -> None:
        """End with all daemons: without a parent that waits for them their pids would mean nothing."""
        for pid in self._ends:
            if self.ended(pid) is None:
                kill(pid)
                until(lambda: self.ended(pid) is not None, "a daemon ends")  # noqa: B023 -- called at once
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def _ask(self, request: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def environment(root: Path = ROOT) -> dict[str, str]:
    """The environment of our own programs, with the packages of `root`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"}


class Daemon:
    """One life of a daemon."""

    def __init__(self, place: Place, pid: int, ended: Callable[[], int | None]) -> None:
        self.place = place
        self.pid = pid
        self.code: int | None = None
        self._ended = ended

    def ended(self) -> bool:
        if self.code is None:
            self.code = self._ended()
        return self.code is not None

    def up(self) -> Daemon:
        """This one, once it answers."""
        until(lambda: self.ended() or self.place.answers(), "the daemon answers")
        assert not self.ended(), self.place.log.read_text()[-3000:]
        return self

    def send(self, number: int) -> None:
        kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.send(signal.SIGKILL)
        self.wait()

    def end(self) -> int:
        """End it as it should be; returns its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        until(self.ended, "the daemon ends", seconds)
        assert self.code is not None
        return self.code


class _Connection(http.client.HTTPConnection):
    """To a Unix socket in `folder`, through /proc, as a socket's path may have 107 characters only."""

    def __init__(self, folder: Path) -> None:
        super().__init__("plumbline", timeout=60.0)
        self._folder = folder

    def connect(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(60.0)
            self.sock.connect(f"/proc/self/fd/{folder}/plumbline.sock")
        finally:
            os.close(folder)


class ApiError(Exception):
    """The daemon answered with a problem."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class Place:
    """A repository and the daemons that follow it, one at a time."""

    def __init__(self, base: Path, nursery: Nursery, **settings: Any) -> None:
        self.base = base
        self.nursery = nursery
        self.instance = "default"
        self.bare = base / "repo.git"
        self.work = base / "work"
        self.state = base / "state"
        self.runs = base / "runs"
        self.tally = base / "tally"
        self.log = base / "daemon.log"
        self.config = base / "daemon.yaml"
        self.daemons: list[Daemon] = []
        base.mkdir(exist_ok=True)
        git(base, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(base, "clone", "-q", str(self.bare), str(self.work))
        git(self.work, "symbolic-ref", "HEAD", "refs/heads/main")
        self.settings: dict[str, Any] = {}
        self.configure(**settings)

    # --- the daemon ---

    def configure(self, **changes: Any) -> None:
        """Write the configuration, with `changes` to what it was; `local` changes `backends.local`."""
        local = {
            "runs": str(self.runs),
            "allowRoot": os.geteuid() == 0,
            "env": {"TALLY": str(self.tally), "PLACE": str(self.base)},
            **self.settings.get("backends", {}).get("local", {}),
            **changes.pop("local", {}),
        }
        self.settings = {
            "repository": {"url": str(self.bare), "branch": "main", "poll": 1},
            "state": str(self.state),
            "log": "json",
            **self.settings,
            **changes,
            "backends": {**self.settings.get("backends", {}), **changes.get("backends", {}), "local": local},
        }
        self.config.write_text(json.dumps(self.settings, indent=1))

    def launch(self, nursery: Nursery | None = None) -> Daemon:
        """Start a daemon, without waiting for anything."""
        nursery = nursery or self.nursery
        pid = nursery.start(["daemon", "-c", str(self.config)], self.log)
        made = Daemon(self, pid, lambda: nursery.ended(pid))
        self.daemons.append(made)
        return made

    def start(self, nursery: Nursery | None = None) -> Daemon:
        """Start a daemon, and wait until it answers."""
        return self.launch(nursery).up()

    def settled_start(self, files: Tree) -> Daemon:
        """Push `files`, start a daemon, and wait until all of it is final."""
        commit = self.push(files)
        made = self.start()
        self.settled(commit)
        return made

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.get("/v1/status")
            return True
        return False

    def said(self) -> list[dict[str, Any]]:
        """What its daemons logged."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{")]

    # --- the API ---

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", f"{path}?{urlencode(params)}" if params else path)

    def ask(self, verb: str, target: str = "", **args: Any) -> Any:
        """A person's command; returns its answer."""
        return self._call("POST", "/v1/commands", {"verb": verb, "target": target, "args": args, "by": "ada"})

    def _found(self, path: str, **params: Any) -> Any:
        try:
            return self.get(path, **params)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        link = _Connection(self.state)
        with contextlib.closing(link):
            link.request(method, path, body=None if body is None else json.dumps(body))
            answer = link.getresponse()
            text = answer.read().decode()
        if answer.status >= 400:
            raise ApiError(answer.status, str(json.loads(text).get("detail")))
        return json.loads(text) if answer.headers["content-type"].startswith("application/json") else text

    def operation(self, name: str) -> Any:
        """An operation as the daemon shows it; None when it is not there."""
        return next((item for item in self.get("/v1/status")["operations"] if item["operation"] == name), None)

    def run(self, name: str) -> Any:
        """A run with its attempts; None when there is none."""
        return self._found("/v1/run", run=name)

    def state_of(self, name: str) -> str:
        """The one word on an operation, "" when it is not there."""
        found = self.operation(name)
        return found["state"] if found else ""

    def commit_view(self, commit: str) -> Any:
        """A commit as the daemon shows it; pending before it was planned."""
        return self._found(f"/v1/commits/{commit}") or {"state": "pending", "statuses": []}

    def settled(self, commit: str, seconds: float = PATIENCE) -> Any:
        """The commit, once all of it is final and told."""

        def look() -> Any:
            view = self.commit_view(commit)
            told = all(status["posted"] for status in view["statuses"])
            return view if told and view["state"] != "pending" else None

        return until(look, f"the commit {commit[:10]} is final", seconds)

    # --- the repository ---

    def push(self, files: Tree, message: str = "change") -> str:
        """Commit `files` over what there is, and push; returns the commit."""
        return self.release(self.commit(files, message))

    def commit(self, files: Tree, message: str = "change") -> str:
        for path, text in files.items():
            target = self.work / path
            if text is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.work, "rev-parse", "HEAD").strip()

    def release(self, commit: str) -> str:
        git(self.work, "push", "-q", "--force", str(self.bare), f"{commit}:refs/heads/main")
        return commit

    def notes(self) -> dict[str, dict[str, tuple[str, str]]]:
        """State and description by context by commit, as `git log` shows them to everybody."""
        form = "--format=%x01%H%n%N"
        text = git(self.bare, "log", form, "--notes=plumbline/*", "refs/heads/main")
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for part in text.split("\x01")[1:]:
            commit, *lines = part.splitlines()
            notes = [json.loads(line) for line in lines if line.startswith("{")]
            found[commit] = {note["context"]: (note["state"], note["description"]) for note in notes}
        return found

    # --- what ran ---

    def starts(self) -> list[tuple[str, int]]:
        """Attempt and pid of every start of a program, in order."""
        lines = self.tally.read_text().splitlines() if self.tally.exists() else []
        return [(key, int(pid)) for key, pid in (line.split() for line in lines)]

    def pids(self, prefix: str) -> list[int]:
        """Live processes of programs whose attempt begins with `prefix`."""
        return [pid for key, pid in self.starts() if key.startswith(prefix) and is_alive(pid)]

    def parents_that_serve(self) -> list[int]:
        """The warm parents of this state folder, of all versions."""
        return [pid for pid in self.ours() if (supervisor.look(pid) or ("",))[0] == "plumbline"]

    def of_runs(self) -> set[int]:
        """What is there of programs and their supervisors: neither daemons with their gits, nor warm parents.

        Nor who stands by for the next start, and belongs to no run yet.
        """
        lives = [daemon.pid for daemon in self.daemons]
        below = {pid for life in lives for pid, _ in supervisor.descendants(life)}
        ready = {pid for pid in self.ours() if (supervisor.look(pid) or ("",))[0] == "plumbline-ready"}
        return {*self.ours()} - {*lives, *below, *ready, *self.parents_that_serve()}

    def supervisor_of(self, attempt: str) -> int:
        """The supervisor of a live attempt."""
        found = (supervisor.read(path) for path in (self.state / "local/claims").glob("*/*/claim.json"))
        (claim,) = (record["token"] for record in found if record and record["key"] == attempt)
        titles = {pid: supervisor.look(pid) for pid in self.ours()}
        (pid,) = (pid for pid, seen in titles.items() if seen and seen[0] == f"pl-{claim[:12]}")
        return pid

    def ours(self) -> list[int]:
        """Every process that has something of this place in its command line or environment."""
        return sorted(pid for pid in _pids() if pid != os.getpid() and is_alive(pid) and _mentions(pid, self.base))

    def clear(self) -> list[int]:
        """End everything of this place; returns what would not end."""
        for daemon in self.daemons:
            if not daemon.ended():
                daemon.kill()
        made = [Path(name) for name in groups.candidates(self.instance, self.state / "local") if Path(name).exists()]
        for group in made:
            with contextlib.suppress(OSError):
                (group / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + 10.0
        while (left := self.ours()) and time.monotonic() < deadline:
            for pid in left:
                kill(pid)
            time.sleep(LOOK)
        for group in made:
            supervisor.cgroup_remove(group)
        return left


def _pids() -> list[int]:
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in entries if entry.name.isdigit()]


def _mentions(pid: int, base: Path) -> bool:
    needle = f"{base}".encode()
    with contextlib.suppress(OSError):
        here = Path(f"/proc/{pid}")
        return needle in (here / "cmdline").read_bytes() or needle in (here / "environ").read_bytes()
    return False


# --- specs ---

TALLY = """\
A=$(sed -n 's/.*"attempt": *\\([0-9]*\\).*/\\1/p' "$PLUMBLINE_CONTEXT")
echo "$PLUMBLINE_RUN#$A $$" >> "$TALLY"
"""
"""Each program says first that it was started: run, attempt and pid, in one append."""


def job(name: str, script: str, **operation: Any) -> str:
    """An operation with one job that runs `script` in a shell."""
    return _operation(name, {"kind": "job", "container": _shell(script)}, operation)


def service(name: str, script: str, ports: Sequence[int] = (), probe: Any = None, **operation: Any) -> str:
    """An operation with one service."""
    container = _shell(script) | ({"readinessProbe": probe} if probe else {})
    return _operation(name, {"kind": "service", "ports": list(ports), "container": container}, operation)


def dag(name: str, nodes: Sequence[Mapping[str, Any]], **operation: Any) -> str:
    """An operation with a graph of `nodes`."""
    return _operation(name, {"kind": "dag", "operations": list(nodes)}, operation)


def node(name: str, script: str, **operation: Any) -> dict[str, Any]:
    """A node of a graph: a job."""
    component = {part: operation.pop(part, []) for part in ("inputs", "outputs")}
    container = _shell(script) | {"env": operation.pop("env", {})}
    return {"name": name, **operation, "component": {**component, "run": {"kind": "job", "container": container}}}


def _shell(script: str) -> dict[str, Any]:
    return {"image": "shell", "command": ["/bin/sh", "-c", f"{TALLY}{script}"]}


def _operation(name: str, run: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    value = {"version": 1.1, "kind": "operation", "name": name, **more, "component": {"run": run}}
    return json.dumps(value, indent=1)


def without_times(text: str) -> str:
    """A description without how long things took."""
    return re.sub(r" in \d+ (s|min)\b", "", text)


def health(address: str, path: str) -> tuple[int, str]:
    """What the health listener answers."""
    link = http.client.HTTPConnection(address, timeout=60.0)
    with contextlib.closing(link):
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read().decode()


def may_mount() -> bool:
    """Whether this process may mount file systems (CAP_SYS_ADMIN)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> 21 & 1)


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at `folder`."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
