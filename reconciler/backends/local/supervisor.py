"""The local supervisor: one process for each replica, forked from one warm parent, outliving the daemon.

What it decides: when a program starts (at most once for a claim, whatever is killed and whenever), that nothing of
it outlives its end, and what is recorded of that end. What it must never do: import anything but the standard
library, start a program without having linked the claim's marker, or signal a process that it has not identified.

It is one file, longer than the house likes, because it runs as a copy named by its content: live runs keep the very
code they were started with, and an upgrade of Plumbline changes nothing under them. It avoids dataclasses and
typing because a supervisor must stay small in memory. The backend imports the same functions, so the claim format
has one reader and one writer.

Claim format 1. A claim is a folder that appears complete, by rename, and whose name is never free again:

    claim.json      what is to run, by the backend; the fields version, key and stamp mean the same in every version
    stop.json       a stop was asked for
    cleaned         forgotten by the daemon
    NAME.start      marker: who supervises the replica, in which control group; linked exclusively, and its name
                    synced, before anything is started
    NAME.started    the program's pid and start time; written before it executes
    NAME.active     when the service was last in use, where its claim has how to ask
    NAME.ready      exists while the replica's probe succeeds; of a service without one, once it lived `steady` seconds
    NAME.output     the program's output file as it was at the end, at most 1 MiB
    NAME.exit       the end; linked exclusively, by the supervisor or by whoever found it dead
    NAME.wake       a pipe that makes a live supervisor look for stop.json
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import math
import os
import resource
import select
import signal
import socket
import stat
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Record = dict[str, Any]
    Process = tuple[int, int]  # pid and start time: the pair never means two processes of one boot

FORMAT = 1
OUTPUT_CAP = 1 << 20
CHUNK = 1 << 16
LONGEST_WAIT = 3_600_000.0  # milliseconds; poll(2) cannot count to a month
SHORT = 0.05  # seconds before a start is told: the end of what is over sooner says both at once
IDLE = 600.0  # seconds that a parent without work stays warm
READY = 2.0  # seconds that a supervisor without a claim stands by after the last start

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 15, 36, 38
_libc = ctypes.CDLL(None, use_errno=True)


def point(name: str) -> None:
    """A named instant between two effects. Does nothing; crash tests run a copy of this file in which it kills."""


# --- durable records -------------------------------------------------------------------------------------------------


def make_durable(path: Path) -> None:
    """Make the content of a file, or the entries of a folder, survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_synced(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write `path`, readable by us only, and sync its content, unless nothing would be lost with it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _spilled(path: Path, record: Record, *, sync: bool = True) -> Iterator[Path]:
    spill = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        write_synced(spill, json.dumps(record).encode(), sync=sync)
        yield spill
    finally:
        spill.unlink(missing_ok=True)


def write_once(path: Path, record: Record, *, content: bool = True) -> bool:
    """Make `path` with its whole content, durably, unless it exists. Returns whether this call made it.

    Without `content` only that it exists survives a power cut; whoever reads it in the same boot finds it whole.
    """
    with _spilled(path, record, sync=content) as spill:
        try:
            path.hardlink_to(spill)
        except FileExistsError:
            return False
    make_durable(path.parent)
    return True


def write_over(path: Path, record: Record) -> None:
    """Replace `path` by `record`, durably: a reader sees the old or the new, never a mixture."""
    with _spilled(path, record) as spill:
        spill.replace(path)
        make_durable(path.parent)


def read(path: Path) -> Record | None:
    """The record at `path`, or None when there is none."""
    try:
        found: Record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found


def read_started(folder: Path, name: str) -> Record | None:
    """What is recorded of the start of replica `name`. It is not synced: after a power cut it may have no content."""
    try:
        return read(folder / f"{name}.started")
    except ValueError:
        return None


# --- processes -------------------------------------------------------------------------------------------------------


def prctl(option: int, argument: int | bytes) -> None:
    """`prctl(2)`.

    Raises:
        OSError: the kernel said no.
    """
    if _libc.prctl(option, argument, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def look(pid: int) -> tuple[str, str, int, int] | None:
    """Name, state, parent and start time (ticks since boot) of process `pid`; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = text.rpartition(b")")
    fields = tail.split()
    return head.partition(b"(")[2].decode(errors="replace"), fields[0].decode(), int(fields[1]), int(fields[19])


def title(claim: Record) -> str:
    """The process name of a claim's supervisors: carries the claim's token as far as the kernel keeps it."""
    return f"pl-{claim['token'][:12]}"


def boot_of(claim: Record) -> str:
    """The boot id now, where the claim says that it is to be read."""
    return Path(claim["boot_path"]).read_text().strip()


def supervised(claim: Record, marker: Record) -> bool:
    """Whether the supervisor that linked `marker` in this boot lives: pid, start time and token must match."""
    found = look(marker["pid"])
    return found is not None and found[0] == title(claim) and found[1] not in "ZX" and found[3] == marker["start"]


def signal_process(process: Process, number: int) -> None:
    """Send signal `number` to exactly this process: never to another one that got its pid."""
    pid, start = process
    with contextlib.suppress(ProcessLookupError, PermissionError):
        fd = os.pidfd_open(pid)
        try:
            found = look(pid)
            if found is not None and found[3] == start:
                signal.pidfd_send_signal(fd, number)
        finally:
            os.close(fd)


def fork_held() -> int:
    """Fork with all signals held back in the child, until it has handlers of its own.

    Otherwise one that comes before it executes would run our handlers, and be lost to the program.
    """
    before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def descendants(root: int) -> list[Process]:
    """All processes below `root`, zombies left out. With `root` a subreaper none can leave."""
    below: dict[int, list[tuple[int, str, int]]] = {}
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit() and (found := look(int(entry.name))) is not None:
                below.setdefault(found[2], []).append((int(entry.name), found[1], found[3]))
    tree: list[Process] = []
    todo = [root]
    while todo:
        for pid, state, start in below.get(todo.pop(), ()):
            todo.append(pid)
            if state not in "ZX":
                tree.append((pid, start))
    return tree


def tagged(tag: str) -> list[Process]:
    """All processes whose environment says that they belong to `tag`, a claim's token and replica."""
    wanted = b"\0PLUMBLINE_CLAIM=" + tag.encode() + b"\0"
    found: list[Process] = []
    with os.scandir("/proc") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and wanted in b"\0" + Path(entry.path, "environ").read_bytes():
                    seen = look(int(entry.name))
                    if seen is not None and seen[1] not in "ZX":
                        found.append((int(entry.name), seen[3]))
    return found


def cgroup_members(group: Path) -> list[Process]:
    """The processes of control group `group` and those below it; a group that goes meanwhile has none."""
    found: list[Process] = []
    for folder, _, files in os.walk(group):
        with contextlib.suppress(OSError):
            if "cgroup.procs" in files:
                for pid in map(int, Path(folder, "cgroup.procs").read_text().split()):
                    seen = look(pid) if pid else None
                    if seen is not None:
                        found.append((pid, seen[3]))
    return found


def oom_kills(group: Path) -> int:
    """How many processes of `group` were killed because its memory ran out; 0 where the kernel does not tell."""
    with contextlib.suppress(OSError):
        for line in (group / "memory.events").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def cgroup_remove(group: Path) -> None:
    """Remove an empty control group with what the program made below it."""
    for tried in range(20):
        try:
            if tried:  # few programs make groups below their own, so nobody looks for them at first
                for below in sorted((path for path in group.glob("**/") if path != group), reverse=True):
                    below.rmdir()
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.005 if tried else 0.0)
        else:
            return


# --- claims ----------------------------------------------------------------------------------------------------------


def request_stop(folder: Path, claim: Record, grace: float) -> None:
    """Ask durably for the end of all replicas; a shorter grace replaces a longer one."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    asked = read(folder / "stop.json")
    if asked is None or now + grace < asked["since_boot"] + asked["grace"]:
        write_over(folder / "stop.json", {"at": time.time(), "since_boot": now, "grace": grace})
    for replica in claim["replicas"]:
        wake(folder / f"{replica['name']}.wake")


def wake(pipe: Path) -> None:
    """Make the supervisor behind `pipe` look; nothing when it is not there."""
    with contextlib.suppress(OSError):  # no pipe or no reader: it looks by itself when it comes
        fd = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(fd, b"!")
        finally:
            os.close(fd)


def poke(folder: Path, claim: Record) -> None:
    """Tell every listening daemon that the claim in `folder` may have changed. A hint: failures are nothing."""
    with contextlib.suppress(OSError):
        listeners = os.open(claim["listen"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.scandir(listeners) as entries:
                for entry in entries:
                    _poke_one(listeners, entry.name, f"{folder.parent.name}\n{claim['key']}".encode())
        finally:
            os.close(listeners)


def _poke_one(listeners: int, name: str, text: bytes) -> None:
    # Through /proc/self/fd no path is too long for a socket address.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
        out.settimeout(0.1)
        try:
            out.connect(f"/proc/self/fd/{listeners}/{name}")
            out.send(text)
        except ConnectionRefusedError:
            os.unlink(name, dir_fd=listeners)


def ends_of(folder: Path, claim: Record) -> dict[str, Record | None]:
    """The exit record of each replica, in order."""
    return {replica["name"]: read(folder / f"{replica['name']}.exit") for replica in claim["replicas"]}


def record_end(folder: Path, claim: Record, name: str, end: Record) -> None:
    """Record the end of a replica unless one is recorded, end a gang that is decided by it, and tell."""
    write_once(folder / f"{name}.exit", {**end, "at": time.time()})
    point("recorded")
    conclude(folder, claim)
    poke(folder, claim)


def conclude(folder: Path, claim: Record) -> None:
    """Ask the rest of a gang to stop once its outcome is decided: by a failure, or by the end of the decider."""
    ends = ends_of(folder, claim)
    if all(ends.values()):
        return
    failed = any(end and not end["stopped"] and (claim["service"] or end["code"] != 0) for end in ends.values())
    decided = all(ends[replica["name"]] for replica in claim["replicas"] if replica["role"] == claim["decider"])
    if failed or decided:
        request_stop(folder, claim, claim["grace"])


def bury_lost(folder: Path, claim: Record, name: str, message: str) -> bool:
    """Settle a replica whose supervisor is dead without an exit record: end what is left of it, record it as lost.

    Returns whether nothing is left; when something is, nothing is recorded and the caller comes again.
    """
    started = read_started(folder, name) or {}
    marker = read(folder / f"{name}.start") or {}
    group = Path(marker["cgroup"]) if marker.get("cgroup") else None
    deadline = time.monotonic() + 1.0
    while left := _leftovers(f"{claim['token']}/{name}", group, started):
        if time.monotonic() > deadline:
            return False
        for process in left:
            signal_process(process, signal.SIGKILL)
        time.sleep(0.002)
    if group is not None:
        cgroup_remove(group)
    record_end(folder, claim, name, {"code": None, "reason": "lost", "stopped": False, "message": message})
    return True


def _leftovers(tag: str, group: Path | None, started: Record) -> list[Process]:
    found = set(tagged(tag))
    if group is not None:
        found |= set(cgroup_members(group))
    program = look(started["pid"]) if started else None
    if program is not None and program[3] == started["start"] and program[1] not in "ZX":
        found.add((started["pid"], started["start"]))
    return [*found, *(below for pid, _ in found for below in descendants(pid))]


# --- one replica -----------------------------------------------------------------------------------------------------


class Log:
    """The captured output: raw bytes, in a file and the one before it, each at most `cap` bytes."""

    def __init__(self, path: Path, cap: int) -> None:
        self.path = path
        self.cap = cap
        self.fd = self._open()
        self.size = os.fstat(self.fd).st_size

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> None:
        """Append; on a full disk output is lost, the run is not."""
        with contextlib.suppress(OSError):
            if self.size and self.size + len(data) > self.cap:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
                os.close(self.fd)
                self.fd = self._open()
                self.size = 0
            self.size += os.write(self.fd, data)


def begin_look(spec: Record, enter: Callable[[], None]) -> None:
    """Put this forked child where the program is, with nothing to read or write; one that looks by a command is it."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    enter()
    command = spec["command"]
    if command:
        os.execvpe(command[0], command, spec["env"])  # noqa: S606  the probe that the user declared


def reach(link: socket.socket, spec: Record) -> None:
    """Connect `link` to the port that is looked at."""
    link.settimeout(spec["timeout"])
    link.connect(("127.0.0.1", spec["port"]))  # a name would need imports of its own


def send_get(link: socket.socket, path: str) -> None:
    """Ask for `path`."""
    link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())


class Probe:
    """Readiness of a replica: a child process looks, so that a look that hangs holds nothing up."""

    def __init__(self, spec: Record) -> None:
        self.spec = spec
        self.pid = 0
        self.failures = 0
        self.due = time.monotonic() + spec["delay"]
        self.kill_at = math.inf

    def launch(self, enter: Callable[[], None]) -> None:
        """Begin a look. `enter` puts the child where the program is."""
        self.due = math.inf
        self.kill_at = time.monotonic() + self.spec["timeout"]
        self.pid = fork_held()
        if self.pid == 0:
            try:
                self._look(enter)
            finally:
                os._exit(1)

    def _look(self, enter: Callable[[], None]) -> None:
        begin_look(self.spec, enter)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
            reach(link, self.spec)
            os._exit(0 if self.spec["path"] is None or self._answers(link) else 1)

    def _answers(self, link: socket.socket) -> bool:
        send_get(link, self.spec["path"])
        head = b""
        while b"\n" not in head and len(head) < 4096:
            data = link.recv(4096)
            if not data:
                break
            head += data
        words = head.split(None, 2)
        return len(words) > 1 and words[1].isdigit() and 200 <= int(words[1]) < 400

    def ended(self, *, well: bool, ready: bool) -> bool:
        """Take the result of a look; returns whether the replica is ready now."""
        self.pid = 0
        self.kill_at = math.inf
        self.due = time.monotonic() + self.spec["period"]
        self.failures = 0 if well else self.failures + 1
        return well or (ready and self.failures < self.spec["failures"])


class Activity:
    """When a service was last in use: a child process asks, as for its readiness."""

    def __init__(self, spec: Record, path: Path) -> None:
        self.spec = spec
        self.path = path
        self.pid = 0
        self.due = time.monotonic() + spec["delay"]
        self.kill_at = math.inf
        self.told = -1
        self.at = 0.0

    def launch(self, enter: Callable[[], None]) -> None:
        """Begin to ask. `enter` puts the child where the program is."""
        self.due = math.inf
        self.kill_at = time.monotonic() + self.spec["timeout"]
        self.told, told_in = os.pipe()
        os.set_blocking(self.told, False)
        self.pid = fork_held()
        if self.pid == 0:
            try:
                self._ask(enter, told_in)
            finally:
                os._exit(127)  # it could not be asked
        os.close(told_in)

    def _ask(self, enter: Callable[[], None], told: int) -> None:
        # Here, as few runs need it, and before the child becomes a user who may not read where it is.
        from datetime import UTC, datetime  # noqa: PLC0415

        begin_look(self.spec, enter)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
            reach(link, self.spec)
            send_get(link, self.spec["path"])
            answer = b""
            while len(answer) < CHUNK and (data := link.recv(CHUNK)):
                answer += data
        at = datetime.fromisoformat(str(json.loads(answer.split(b"\r\n\r\n", 1)[1])["last_activity"]))
        os.write(told, str((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()).encode())
        os._exit(0)

    def ended(self, status: int) -> None:
        """Take the answer. Whoever could not be asked counts as in use: an error must stop nobody's work."""
        self.pid = 0
        self.kill_at = math.inf
        self.due = time.monotonic() + self.spec["period"]
        now = time.time()
        said = self._said()
        idle = self.spec["command"] and os.WIFEXITED(status) and 0 < os.WEXITSTATUS(status) < 126
        self.at = max(self.at, self.at if idle else min(said, now) if said is not None else now)
        spill = self.path.with_name(f"{self.path.name}~")
        with contextlib.suppress(OSError):
            # Not synced: after a power cut the service is gone.
            spill.write_text(json.dumps({"at": self.at}))
            spill.replace(self.path)

    def _said(self) -> float | None:
        try:
            return float(os.read(self.told, 64)) if not self.spec["command"] else None
        except (OSError, ValueError):
            return None
        finally:
            os.close(self.told)


class Program:
    """The process of a program, forked before it is known what it is to run: it waits at a gate, in its control group.

    To move a process into a control group takes the kernel 10 ms. Nobody waits for that where it is done ahead.
    """

    def __init__(self, group: Path | None) -> None:
        self.out, out_in = os.pipe()
        self.errors, errors_in = os.pipe()
        gate, self.gate = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(self.out, fcntl.F_SETPIPE_SZ, 4 * CHUNK)
        supervisor = os.getpid()
        self.pid = fork_held()
        if self.pid == 0:
            os.close(self.gate)
            _become_program(gate, out_in, errors_in, supervisor)
        for fd in (gate, out_in, errors_in):
            os.close(fd)
        os.set_blocking(self.errors, False)
        self.group = group if group is not None and self._join(group) else None

    def _join(self, group: Path) -> bool:
        try:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text(str(self.pid))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            return False  # the sweep alone contains it
        return True

    def waits(self) -> bool:
        """Whether it still waits at the gate: somebody may have killed it."""
        return os.waitpid(self.pid, os.WNOHANG)[0] == 0

    def execute(self, spec: Record, account: Record | None) -> None:
        """Open the gate: it executes what `spec` says. All that it says, or nothing, if we die meanwhile."""
        said = memoryview(json.dumps({**{name: spec[name] for name in ("argv", "env", "cwd")}, "as": account}).encode())
        with contextlib.suppress(BrokenPipeError):
            while said:
                said = said[os.write(self.gate, said) :]
        os.close(self.gate)

    def dismiss(self) -> None:
        """End it: there is nothing for it to run."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)  # our own child, not yet waited for
            os.waitpid(self.pid, 0)
        if self.group is not None:
            cgroup_remove(self.group)


def _become_program(gate: int, out: int, errors: int, supervisor: int) -> NoReturn:
    code, what = 126, "the program"
    order: Record = {}
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        first = 3
        for keep in sorted((gate, errors)):  # both are closed where it executes
            os.closerange(first, keep)
            first = keep + 1
        os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        strip()
        said = b""
        while data := os.read(gate, CHUNK):
            said += data
        if said:
            order = json.loads(said)
            what = order["argv"][0]
            enter(order["as"], order["cwd"], supervisor)
            os.execvpe(what, order["argv"], order["env"])  # noqa: S606  the program that the user declared
    except BaseException as error:  # noqa: BLE001  a forked child must not unwind into its parent's code
        code = 127 if isinstance(error, FileNotFoundError) else 126
        text = f"cannot execute {what}: {getattr(error, 'strerror', None) or error}"
        if isinstance(error, OSError) and order and error.filename == order["cwd"]:
            text = f"cannot enter the working folder: {error.strerror}"
        os.write(errors, text.encode(errors="replace")[:1000])
        os.write(2, f"plumbline: {text}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def strip() -> None:
    """Take from this forked child what is ours: session, handlers of signals, umask, core files."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def enter(account: Record | None, cwd: str, supervisor: int) -> None:
    """Put this forked child where the program is: signals, rights, folder. It dies with `supervisor`."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if account:
        os.setgroups(account["groups"])
        os.setgid(account["gid"])
        os.setuid(account["uid"])
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(126)
    os.chdir(cwd)


class Supervisor:
    """One replica from its marker to its exit record."""

    def __init__(self, folder: Path, claim: Record, spec: Record, ahead: Program) -> None:
        self.folder = folder
        self.claim = claim
        self.spec = spec
        self.ahead = ahead
        self.group = ahead.group
        self.poll = select.poll()
        self.calls: dict[int, Callable[[], None]] = {}
        self.program = 0
        self.status: int | None = None
        self.why = ""
        self.kill_at = math.inf
        self.timeout_at = math.inf
        self.steady_at = math.inf
        self.tell_at = math.inf
        self.probe: Probe | None = None
        self.activity: Activity | None = None
        self.ready = False
        self.out = self.errors = -1
        self.supervisor = os.getpid()
        self.oom = 0

    def path(self, suffix: str) -> Path:
        """The file of this replica with `suffix`."""
        return self.folder / f"{self.spec['name']}.{suffix}"

    def run(self) -> Record:
        """Start the program, stay with it, and return its end once nothing of it is left."""
        self.log = Log(Path(self.spec["log"]), self.claim["log_cap"])
        self._listen()
        self._look_for_stop()
        if self.why:
            self.ahead.dismiss()
            return {"code": None, "reason": "exited", "stopped": True, "message": "stopped before it started"}
        self._launch()
        while self.status is None:
            for fd, _ in self.poll.poll(self._patience()):
                self.calls[fd]()
            self._tick()
        point("reaped")
        self.end_tree()
        self._drain()
        self._keep_output()
        return self._end(self.status)

    def record(self, end: Record) -> None:
        """Make the end durable, however long the disk is full, unless the claim is removed."""
        while True:
            try:
                record_end(self.folder, self.claim, self.spec["name"], end)
            except OSError as error:
                if error.errno in {errno.ENOENT, errno.ENOTDIR} and not self.folder.is_dir():
                    return  # somebody removed the state: there is nobody to tell
                time.sleep(1.0)
            else:
                break
        with contextlib.suppress(OSError):
            self.path("wake").unlink(missing_ok=True)
            self.path("ready").unlink(missing_ok=True)

    def _watch(self, fd: int, call: Callable[[], None]) -> None:
        os.set_blocking(fd, False)
        self.calls[fd] = call
        self.poll.register(fd, select.POLLIN)

    def _unwatch(self, fd: int) -> None:
        self.poll.unregister(fd)
        del self.calls[fd]
        os.close(fd)

    def _listen(self) -> None:
        pipe = self.path("wake")
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe, 0o600)
        self.bell = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._watch(self.bell, self._on_bell)
        self.alarm, alarm_in = os.pipe()
        os.set_blocking(alarm_in, False)
        signal.set_wakeup_fd(alarm_in, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._watch(self.alarm, self._on_signal)

    # --- start ---

    def _launch(self) -> None:
        self.program, self.out, self.errors = self.ahead.pid, self.ahead.out, self.ahead.errors
        self._watch(self.out, self._on_output)
        self._note_start()
        point("before-exec")
        self.ahead.execute(self.spec, self.claim["account"])
        point("executing")
        self._reap()  # one that ended before anybody listened
        self.tell_at = time.monotonic() + SHORT
        if self.claim["timeout"] is not None:
            self.timeout_at = time.monotonic() + self.claim["timeout"]
        if self.claim.get("steady") is not None:
            self.steady_at = time.monotonic() + self.claim["steady"]
        if self.spec["probe"]:
            self.probe = Probe({**self.spec["probe"], "env": self.spec["env"]})
        if self.spec.get("activity"):
            self.activity = Activity({**self.spec["activity"], "env": self.spec["env"]}, self.path("active"))

    def _note_start(self) -> None:
        found = look(self.program)
        record = {
            "pid": self.program,
            "start": found[3] if found else 0,
            "at": time.time(),
        }
        # Not synced: after a power cut the boot id alone says that the program is gone.
        spill = self.path("started~")
        spill.write_text(json.dumps(record))
        spill.replace(self.path("started"))

    def _enter_probe(self) -> None:
        if self.group is not None:
            (self.group / "cgroup.procs").write_text("0")
        strip()
        enter(self.claim["account"], self.spec["cwd"], self.supervisor)

    # --- events ---

    def _patience(self) -> float | None:
        times = [self.kill_at, self.timeout_at, self.steady_at, self.tell_at]
        for child in self._probes():
            times += [child.due, child.kill_at]
        soonest = min(times)
        return None if soonest == math.inf else min(LONGEST_WAIT, max(0.0, (soonest - time.monotonic()) * 1000 + 1))

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self.timeout_at:
            self.timeout_at = math.inf
            self._begin_stop("timeout", self.claim["grace"])
        if now >= self.kill_at:
            self.kill_at = now + 1.0
            self._kill_all()
        if now >= self.tell_at:
            self.tell_at = math.inf
            poke(self.folder, self.claim)
        if now >= self.steady_at:
            self.steady_at = math.inf
            if self.status is None and not self.why:
                self._set_ready(True)  # noqa: FBT003  one value, named by the method
        for child in self._probes():
            self._tick_probe(child, now)

    def _probes(self) -> list[Probe | Activity]:
        return [child for child in (self.probe, self.activity) if child is not None]

    def _tick_probe(self, probe: Probe | Activity, now: float) -> None:
        if now >= probe.kill_at:
            probe.kill_at = math.inf
            os.kill(probe.pid, signal.SIGKILL)  # our own child, not yet waited for
            with contextlib.suppress(ProcessLookupError):
                os.killpg(probe.pid, signal.SIGKILL)
        if now >= probe.due and not self.why:
            probe.launch(self._enter_probe)

    def _on_output(self) -> None:
        try:
            data = os.read(self.out, CHUNK)
        except BlockingIOError:
            return
        if data:
            self.log.write(data)
        else:
            self._unwatch(self.out)
            self.out = -1

    def _on_bell(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.bell, 4096)
        self._look_for_stop()

    def _on_signal(self) -> None:
        numbers = b""
        with contextlib.suppress(BlockingIOError):
            numbers = os.read(self.alarm, 4096)
        if any(number != signal.SIGCHLD for number in numbers):
            self._begin_stop("evicted", self.claim["grace"])
        self._reap()

    def _look_for_stop(self) -> None:
        asked = read(self.folder / "stop.json")
        if asked is not None:
            self._begin_stop("stop", asked["grace"])

    def _begin_stop(self, why: str, grace: float) -> None:
        first = not self.why
        self.why = self.why or why
        self.kill_at = min(self.kill_at, time.monotonic() + grace)
        if first and self.program:
            for process in self._members():
                signal_process(process, signal.SIGTERM)
                signal_process(process, signal.SIGCONT)

    def _reap(self) -> bool:
        """Take the ends of children; returns whether any child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.program:
                self.status = status
            elif self.probe is not None and pid == self.probe.pid:
                self._set_ready(self.probe.ended(well=status == 0, ready=self.ready))
            elif self.activity is not None and pid == self.activity.pid:
                self.activity.ended(status)

    def _set_ready(self, ready: bool) -> None:  # noqa: FBT001  one value, named by the method
        if ready == self.ready:
            return
        self.ready = ready
        with contextlib.suppress(OSError):
            if ready:
                self.path("ready").touch(mode=0o600)
            else:
                self.path("ready").unlink(missing_ok=True)
        poke(self.folder, self.claim)

    # --- end ---

    def _members(self) -> set[Process]:
        inside = set(cgroup_members(self.group)) if self.group is not None else set()
        return inside | set(descendants(os.getpid()))

    def _kill_all(self) -> None:
        if self.group is not None:
            with contextlib.suppress(OSError):
                (self.group / "cgroup.kill").write_text("1")
        for process in descendants(os.getpid()):
            signal_process(process, signal.SIGKILL)

    def end_tree(self) -> None:
        """Kill what the program left behind. As subreaper we have no child left exactly when nothing is left."""
        patience = 0.001
        while self._reap():
            self._kill_all()
            self._drain()
            time.sleep(patience)
            patience = min(patience * 2, 1.0)
        if self.group is not None:
            self.oom = oom_kills(self.group)
            cgroup_remove(self.group)

    def _drain(self) -> None:
        """Take what is in the pipe now. A writer that is not ours to wait for cannot hold this up."""
        taken = 0
        while self.out >= 0 and taken < 64 * CHUNK:
            try:
                data = os.read(self.out, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return
            taken += len(data)
            self.log.write(data)

    def _keep_output(self) -> None:
        """Copy the output file while nobody can write it. It lies where the program decides: trust nothing."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(self.spec["output"], flags)
        except OSError:
            return
        try:
            facts = os.fstat(fd)
            if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 and facts.st_size:
                write_synced(self.path("output"), _read_capped(fd))
        finally:
            os.close(fd)

    def _end(self, status: int) -> Record:
        code = os.waitstatus_to_exitcode(status)
        reason = self.why if self.why in {"timeout", "evicted"} else "exited"
        end = {"code": 128 - code if code < 0 else code, "reason": reason, "stopped": bool(self.why)}
        return {**end, "message": self._explain(code)}

    def _explain(self, code: int) -> str:
        failure = b""
        with contextlib.suppress(OSError):
            failure = os.read(self.errors, 4096)
        if failure:
            return failure.decode(errors="replace")
        if self.why == "timeout":
            return f"timed out after {self.claim['timeout']:g} s"
        if self.why == "evicted":
            return "its supervisor was told to end, as when the machine shuts down"
        if self.oom:
            return "killed: out of memory"
        if code < 0 and not self.why:
            return f"ended by signal {_signal_name(-code)}"
        return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _read_capped(fd: int) -> bytes:
    data = b""
    while len(data) <= OUTPUT_CAP and (more := os.read(fd, CHUNK)):
        data += more
    return data[: OUTPUT_CAP + 1]


def supervise(folder: Path, name: str, ahead: Program) -> None:
    """Supervise replica `name` of the claim in `folder`, whose process is `ahead`, unless somebody did or does."""
    claim = read(folder / "claim.json")
    if claim is None or claim["version"] != FORMAT or claim["boot"] != boot_of(claim):
        ahead.dismiss()
        return
    spec = next((replica for replica in claim["replicas"] if replica["name"] == name), None)
    if spec is None:
        ahead.dismiss()
        return
    prctl(_PR_SET_NAME, title(claim).encode())
    found = look(os.getpid())
    marker = {
        "pid": os.getpid(),
        "start": found[3] if found else 0,
        "boot": claim["boot"],
        "cgroup": str(ahead.group) if ahead.group else None,
    }
    point("before-mark")
    # After a power cut the boot id says all that the content could; that it was started, the name alone says.
    if not write_once(folder / f"{name}.start", marker, content=False):
        ahead.dismiss()
        return
    point("marked")
    replica = Supervisor(folder, claim, spec, ahead)
    try:
        end = replica.run()
    except Exception as error:  # noqa: BLE001  nobody else would say that the run is over
        replica.end_tree()
        end = {"code": None, "reason": "lost", "stopped": False, "message": f"its supervisor failed: {error}"}
    point("before-record")
    replica.record(end)


def stand_by(link: int, group: Path | None) -> None:
    """Prepare a supervisor in this forked child, and supervise what `link` says; nothing where it only closes."""
    if link != 3:
        os.dup2(link, 3)
    os.closerange(4, 64)
    os.setsid()
    prctl(_PR_SET_NAME, b"plumbline-ready")
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    ahead = Program(group)
    said = os.read(3, CHUNK)
    os.close(3)
    if not said:
        ahead.dismiss()
        return
    if not ahead.waits():
        ahead = Program(group)
    folder, name = json.loads(said)
    supervise(Path(folder), name, ahead)


# --- the warm parent -------------------------------------------------------------------------------------------------


class Parent:
    """Forks supervisors on demand, and buries those that die before their time.

    It holds nothing that matters: killed at any moment, its supervisors go on, and the daemon starts another one.
    """

    def __init__(self, root: Path, ident: str, groups: Path | None) -> None:
        self.root = root
        self.ident = ident
        self.groups = groups
        self.children: dict[int, tuple[Path, str]] = {}
        self.ready: tuple[int, socket.socket] | None = None
        self.unclaimed: dict[int, Path | None] = {}  # supervisors without a claim, with the control group of each
        self.bereft: list[tuple[Path, str]] = []
        self.leaving = False
        self.busy_at = time.monotonic()
        self.started_at = 0.0

    def bind(self) -> None:
        """Listen on the socket of this version. The caller holds the lock, so what is there is stale."""
        path = self.root / f"parent-{self.ident}.sock"
        path.unlink(missing_ok=True)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.door.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self.door.listen(256)
        self.inode = path.stat().st_ino

    def serve(self) -> None:
        """Work until there is none and none is to come."""
        alarm, alarm_in = os.pipe()
        for fd in (alarm, alarm_in):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(alarm_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        poll.register(self.door, select.POLLIN)
        poll.register(alarm, select.POLLIN)
        while not self._done():
            ready = {fd for fd, _ in poll.poll(1000 if self.bereft or self.ready else 10_000)}
            if alarm in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(alarm, 4096)
            if self.door.fileno() in ready:
                self._answer()
            self._reap()
            self._bury()
            if self.ready and time.monotonic() - self.started_at > READY:
                self._dismiss()
        self._dismiss()
        deadline = time.monotonic() + 2.0
        while self.unclaimed and time.monotonic() < deadline:
            time.sleep(0.005)
            self._reap()

    def _done(self) -> bool:
        if self.children or self.bereft:
            return False
        try:
            replaced = (self.root / f"parent-{self.ident}.sock").stat().st_ino != self.inode
        except OSError:
            replaced = True
        return self.leaving or replaced or time.monotonic() - self.busy_at > IDLE

    def _answer(self) -> None:
        link, _ = self.door.accept()
        with link, contextlib.suppress(OSError, ValueError, KeyError):
            link.settimeout(2.0)
            asked = json.loads(link.recv(CHUNK))
            self.busy_at = time.monotonic()
            if asked["do"] == "leave":
                self.leaving = True
            for name in asked.get("names", ()):
                self._start(Path(asked["claim"]), name)
                self.started_at = self.busy_at
            answer = {"pid": os.getpid(), "supervisors": len(self.children)}
            link.send(json.dumps({**answer, "cgroup": str(self.groups) if self.groups else None}).encode())
        if self.ready is None and self.started_at == self.busy_at and not self.leaving:
            self.ready = self._fork()  # starts follow each other: the next one finds everything prepared

    def _start(self, folder: Path, name: str) -> None:
        pid, link = self.ready or self._fork()
        self.ready = None
        with link:
            try:
                link.send(json.dumps([str(folder), name]).encode())
            except OSError:  # it was killed
                return self._start(folder, name)
        del self.unclaimed[pid]
        self.children[pid] = (folder, name)
        return None

    def _fork(self) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        group = self.groups / f"run-{os.urandom(8).hex()}" if self.groups else None
        with theirs:
            pid = os.fork()
            if pid:
                self.unclaimed[pid] = group
                return pid, ours
            code = 1
            try:
                signal.set_wakeup_fd(-1)
                stand_by(theirs.detach(), group)
                code = 0
            except BaseException as error:  # noqa: BLE001  a forked child must not unwind into the parent's loop
                os.write(2, f"a supervisor failed: {error!r}\n".encode(errors="replace"))
            finally:
                os._exit(code)

    def _dismiss(self) -> None:
        if self.ready:
            self.ready[1].close()  # it goes by itself
            self.ready = None

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                ended = self.children.pop(pid, None)
                if ended is not None and status != 0:
                    self.bereft.append(ended)
                group = self.unclaimed.pop(pid, None)
                if group is not None:
                    cgroup_remove(group)
                if self.ready and self.ready[0] == pid:
                    self._dismiss()

    def _bury(self) -> None:
        """End what dead supervisors left. Whoever is our child and no supervisor came to us by such a death."""
        if not self.bereft:
            return
        mine = os.getpid()
        for pid, start in descendants(mine):
            found = look(pid)
            if found is not None and found[2] == mine and pid not in self.children and pid not in self.unclaimed:
                for process in [*descendants(pid), (pid, start)]:
                    signal_process(process, signal.SIGKILL)
        self.bereft = [entry for entry in self.bereft if not self._settle(*entry)]

    @staticmethod
    def _settle(folder: Path, name: str) -> bool:
        try:
            claim = read(folder / "claim.json")
            if claim is None or not (folder / f"{name}.start").exists():
                return True  # never taken: the backend hands it to us again
            return bury_lost(folder, claim, name, "its supervisor was killed")
        except OSError:
            return False
        except (ValueError, LookupError):
            return True  # its records are damaged: the backend says so to people


def settle_in(groups: list[str]) -> tuple[Path | None, Path | None]:
    """Move this process out of the daemon's control group, to the first of `groups` where that is allowed.

    Returns:
        The folder for the runs' groups, and the one we came from; None and None when nothing was allowed.
    """
    for group in map(Path, groups):
        with contextlib.suppress(OSError):
            home = group / "supervisors"
            home.mkdir(parents=True, exist_ok=True)
            if (home / "cgroup.kill").exists():
                (home / "cgroup.procs").write_text("0")
                with contextlib.suppress(OSError):  # only for the reason in messages: who ran out of memory
                    (group / "cgroup.subtree_control").write_text("+memory")
                return group, group.parent
    return None, None


def _serve(root: Path, ident: str, groups: list[str], ready: int) -> None:
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(root / "parent.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    for source, target in ((null, 0), (null, 1), (log, 2)):
        os.dup2(source, target)
    lock = os.open(root / f"parent-{ident}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno != errno.EWOULDBLOCK:
            raise
        with contextlib.suppress(BrokenPipeError):
            os.write(ready, b"!")  # another one serves
        return
    group, outside = settle_in(groups)
    prctl(_PR_SET_NAME, b"plumbline")
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    parent = Parent(root, ident, group)
    parent.bind()
    gc.collect()
    gc.freeze()  # what the supervisors share with us stays shared
    with contextlib.suppress(BrokenPipeError):  # whoever waited is gone; the next one finds us
        os.write(ready, b"!")
    os.close(ready)
    parent.serve()
    if group is not None and outside is not None:
        with contextlib.suppress(OSError):
            (outside / "cgroup.procs").write_text("0")
            (group / "supervisors").rmdir()
            group.rmdir()


def main(root: str, ident: str, *groups: str) -> int:
    """Start the parent away from us; returns 0 once it listens."""
    ready, ready_in = os.pipe()
    if os.fork():
        os.close(ready_in)
        return 0 if os.read(ready, 1) else 1
    os.close(ready)
    _serve(Path(root), ident, list(groups), ready_in)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
