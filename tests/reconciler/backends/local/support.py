"""A machine for tests of the local backend: its folders, orders of shell scripts, and a look at real processes."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from planner import keys
from planner.keys import Key
from planner.model.gang import Container, Gang, Lifetime, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.local import Containment, LocalBackend, LocalSettings, groups, supervisor, warm
from reconciler.ports import Order
from tests.contracts.backend import Script

OWNER = Stamp("ledger-1", 7, "default", "demo")

SCRIPTS = {
    Script.SUCCEED: """echo hello; echo '{"name": "answer", "value": 42}' >> "$PLUMBLINE_OUTPUT" """,
    Script.FAIL: "exit 3",
    Script.FOREVER: "exec sleep 1000",
    Script.SERVICE: "exec sleep 1000",
    Script.REPORT: """for step in 1 2; do
        echo "{\\"name\\": \\"loss\\", \\"value\\": $((50 / step))e-2, \\"step\\": $step}" >> "$PLUMBLINE_METRICS"
        done; exec sleep 1000""",
    Script.STUBBORN: "trap '' TERM; while :; do sleep 0.05; done",
}


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Folders:
    """Trees that are folders of this machine, by object id."""

    def __init__(self) -> None:
        self.known: dict[str, Path] = {}
        self.exports = 0

    async def export(self, tree, dest) -> None:
        self.exports += 1
        source = self.known[tree.object_id]
        if source.is_dir():
            shutil.copytree(source, dest, symlinks=True, ignore=shutil.ignore_patterns(*tree.exclude))
        else:
            shutil.copy(source, dest)


class Machine:
    """One machine with one state folder; `open` is what a daemon that starts would do."""

    def __init__(self, base: Path, containment: Containment) -> None:
        self.base = base
        self.boot = base / "boot_id"
        self.boot.write_text("boot-1\n")
        self.trees = Folders()
        self.settings = LocalSettings(
            root=base / "state",
            runs=base / "runs",
            allow_root=True,
            containment=containment,
            steady=0.1,
            boot_id=self.boot,
        )
        self.tally = base / "tally"
        self.tally.mkdir(mode=0o777)
        self.tally.chmod(0o777)
        self.backends: list[LocalBackend] = []
        (base / "machine").write_bytes(pickle.dumps({**self.__dict__, "backends": None}))

    @classmethod
    def again(cls, base: Path) -> "Machine":
        """The machine that another process made at `base`."""
        found = cls.__new__(cls)
        found.__dict__.update(pickle.loads((base / "machine").read_bytes()), backends=[])
        return found

    def open(self, **changed) -> LocalBackend:
        made = LocalBackend(replace(self.settings, **changed), OWNER, self.trees, SystemClock())
        self.backends.append(made)
        return made

    def order(self, name: str, script: Script, attempt: int = 1) -> Order:
        order = self.shell(name, SCRIPTS[script], attempt=attempt)
        if script is Script.SERVICE:
            order = replace(order, run=replace(order.run, kind="service"))
            order = regang(order, lifetime=Lifetime.ALWAYS)
        return order

    def shell(self, name: str, text: str, *, attempt: int = 1, **run) -> Order:
        """An order that counts its start and then runs `text`."""
        key = keys.generation(name, 1).at_attempt(attempt)
        container = Container(command=("/bin/sh", "-c", f"echo $$ >> {self.tally}/'{key}'\n{text}"))
        gang = Gang((Replica("main", 1, container),))
        return Order(key, BoundRun(key.run, "job", "d1:0", gang, **run), Leases(), OWNER)

    async def intend(self, order: Order) -> None:
        """Nobody asks a daemon about it."""

    def python(self, name: str, text: str, **run) -> Order:
        """An order that counts its start and then runs a program in Python."""
        program = self.base / f"{name}.py"
        program.write_text(text)
        return self.shell(name, f"exec {sys.executable} -I -S {program}", **run)

    def starts(self, key: Key) -> int:
        tally = self.tally / str(key)
        return len(tally.read_text().splitlines()) if tally.exists() else 0

    async def wait(self) -> None:
        await anyio.sleep(0.005)

    # --- the world behind it ---

    def claim(self, order: Order) -> Path:
        return next((self.settings.root / "claims").glob(f"*/{self.name(order)}"))

    def name(self, order: Order) -> str:
        return order.key.dns_name(OWNER.instance, OWNER.project)

    def record(self, order: Order, suffix: str, replica: str = "main-0"):
        return supervisor.read(self.claim(order) / f"{replica}.{suffix}")

    def supervisor_of(self, order: Order, replica: str = "main-0") -> int:
        return self.record(order, "start", replica)["pid"]

    def parents(self) -> list[int]:
        """The warm parents of this machine: processes that run a copy of the supervisor for our state folder."""
        found = []
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
            words = _read_of(pid, "cmdline").split("\0")
            looked = supervisor.look(pid)
            if str(self.settings.root) in words and looked is not None and looked[0] == "plumbline":
                found.append(pid)
        return found

    def alive(self, mark: str = "") -> list[int]:
        """Processes of this machine, zombies left out, whose command line contains `mark`.

        Its own are those that name its folder in their command line or environment: tests run side by side.
        """
        found = []
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
            looked = supervisor.look(pid)
            if pid == os.getpid() or looked is None or looked[1] in "ZX":
                continue
            line, environment = (_read_of(pid, name) for name in ("cmdline", "environ"))
            if mark in line.replace("\0", " ") and any(str(self.base) in text for text in (line, environment)):
                found.append(pid)
        return found

    def shut_down(self) -> list[int]:
        """End everything of this machine; returns what would not end within the deadline."""
        deadline = time.monotonic() + 5.0
        for pid in self.parents():
            kill(pid)
        while (left := self.alive()) and time.monotonic() < deadline:
            for pid in left:
                kill(pid)
        while (groups_left := self.groups()) and time.monotonic() < deadline:
            for group in groups_left:
                supervisor.cgroup_remove(group)
        return left

    def groups(self) -> list[Path]:
        """The control groups of this machine, with what is below them removed by whoever made them."""
        return [Path(group) for group in groups.candidates("default", self.settings.root) if Path(group).exists()]


def _read_of(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def regang(order: Order, **changed) -> Order:
    """`order` with fields of its gang changed."""
    return replace(order, run=replace(order.run, gang=replace(order.run.gang, **changed)))


def crashing(base: Path, name: str, then: str = "os.kill(os.getpid(), 9)") -> Path:
    """A copy of the supervisor that runs `then` at the first process that reaches point `name`, once."""
    flag = base / f"crashed-{name}"
    stub = f"""
def point(name):
    if name == {name!r}:
        try:
            os.close(os.open({str(flag)!r}, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        {then}
"""
    source = warm.SOURCE.read_text()
    start = source.index("def point(")
    end = source.index("\n\n\n", start)
    copy = base / f"supervisor-{name}.py"
    copy.write_text(source[:start] + stub.strip() + source[end:])
    return copy


def run_daemon(code: str, *words: str) -> subprocess.CompletedProcess:
    """Run `code` as a daemon of its own process."""
    env = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, "-c", code, *words], env=env, check=False, timeout=30, cwd="/")
