"""The agent in a run's pod: puts everything in place before the program starts, and carries away what it leaves.

    python3 plumbline-agent.py init       an init container: fills the pod's folder, and ends
    python3 plumbline-agent.py sidecar    a native sidecar: sends while the program runs, and the rest when it is over

One file, longer than the house likes, without anything but the standard library, as it is copied alone into an image.
What the entries of `init` mean the daemon knows: the agent asks for each of them by its number, and unpacks what it
gets. It trusts nothing of the program: it follows no symbolic link, and what it sends is cut at limits that the daemon
has too.

What it must never do: start the program with something missing, say that a run has succeeded, or be the reason that a
pod does not end.
"""

# ruff: noqa: E402 -- something comes before what takes long to load
from __future__ import annotations

import signal
import sys
import threading

TOLD = threading.Event()
if sys.argv[1:2] == ["sidecar"]:  # before all that takes long to load: the first process of a container misses a
    for number in (signal.SIGTERM, signal.SIGINT):  # TERM that it has no handler for yet, and there is no second one
        signal.signal(number, lambda *_: TOLD.set())

import contextlib
import gzip
import http.client
import itertools
import json
import math
import os
import re
import stat
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

# Where things are: as `layout` has it.
ROOT = Path("/plumbline")
ORDER = Path("/plumbline-order")
TOKEN = Path("/plumbline-token/token")
RUNS, WORK, LIB, LEFT = ROOT / "runs", ROOT / "workdir", ROOT / "lib", ROOT / "io"
NAME = re.compile(r"[-a-zA-Z0-9_]+")  # of an output
WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
BROUGHT = LIB / "brought.json"  # what its artifacts folder begins with, which the daemon has
MESSAGE = Path("/dev/termination-log")

MOST_MESSAGE = 4096  # bytes of a termination message that Kubernetes keeps
MOST_OUTPUT = 1 << 20
MOST_METRICS = 64 << 20
MOST_EVENTS = 4 << 20  # of one metric, as the tracking library of Polyaxon writes them
MOST_EVENT_FILES = 64
MOST_FILES = 100_000
MOST_BROUGHT = 16 << 20
CHUNK = 1 << 20
END = b"\0" * 1024  # of an archive
PERIOD = 1.0  # seconds between two looks at what the program wrote
PERIOD_OF_FILE = 0.001  # seconds more for each file that is looked at: it is beside a program that has work to do
SETTLED = 5.0  # seconds that a file has been as it is before it is sent while the program runs
PATIENCE = 600.0  # seconds that the daemon may be away before a pod gives up starting
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)


class Gone(Exception):  # noqa: N818  no error of anybody's
    """The daemon knows nothing of this attempt, or does not want it any more: there is nobody to work for."""


def say(text: str) -> None:
    """A line in the log of the agent's container."""
    print(f"plumbline: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- its container's log is its only way


def order() -> dict[str, Any]:
    """What is to be done, from the attempt's config map."""
    packed = ORDER / "order.json.gz"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else (ORDER / "order.json").read_bytes()
    found: dict[str, Any] = json.loads(data)
    return found


# --- the daemon ------------------------------------------------------------------------------------------------------


class Daemon:
    """The daemon, as this attempt may ask it."""

    def __init__(self, contact: str) -> None:
        self._base = f"{contact}/v1/attempt"
        self.place = ""  # where it keeps what it is sent, as it last said
        self.moved = False  # whether that was another place before

    def ask(self, method: str, path: str, body: bytes | IO[bytes] | None = None, size: int | None = None) -> Any:
        """The open answer.

        Raises:
            Gone: there is nobody to work for.
            OSError: the daemon is away, or busy.
        """
        request = urllib.request.Request(f"{self._base}/{path}", data=body, method=method)  # noqa: S310 -- of our order
        request.add_header("Authorization", f"Bearer {TOKEN.read_text().strip()}")
        request.add_header("Content-Type", "application/octet-stream")
        if size is not None:
            request.add_header("Content-Length", str(size))
        try:
            answer = urllib.request.urlopen(request, timeout=60)  # noqa: S310 -- of our order
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace").strip()
            if error.code in {401, 403, 404, 410}:
                raise Gone(said or str(error.code)) from None
            if error.code in {400, 409, 413, 422}:
                raise ValueError(said or str(error.code)) from None
            raise OSError(f"{error.code} {said}") from None
        place = answer.headers.get("Plumbline-Place") or self.place
        self.moved |= self.place not in {"", place}
        self.place = place
        return answer

    def fetch(self, path: str, into: Path) -> None:
        """Unpack the archive at `path` into a folder, however often it takes.

        Raises:
            Gone: there is nobody to work for.
            TimeoutError: the daemon was away for too long.
        """
        until, tried, furthest = time.monotonic() + PATIENCE, 0, 0
        while True:
            whole: Any = Whole()
            try:
                with (
                    self.ask("GET", path) as whole.answer,
                    tarfile.open(fileobj=whole, mode="r|", bufsize=CHUNK) as archive,
                ):
                    unpack(archive, into)
                    whole.check()
            except (OSError, http.client.HTTPException, tarfile.TarError) as error:
                if whole.size > furthest:  # a large one may break off now and then, as long as it gets on
                    until, furthest = time.monotonic() + PATIENCE, whole.size
                if time.monotonic() > until:
                    raise TimeoutError(f"the daemon did not give {path}: {error!r}") from None
                tried = wait(tried, error)
            else:
                return


class Whole:
    """An answer that is read as an archive, and knows whether it had an end: HTTP and tar say that neither for sure."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.size = 0
        self._last = b""

    def read(self, most: int) -> bytes:
        """So many bytes, or fewer."""
        data: bytes = self.answer.read(most)
        self.size += len(data)
        self._last = (self._last + data if len(data) < len(END) else data)[-len(END) :]
        return data

    def check(self) -> None:
        """Pass what ends as an archive does.

        Raises:
            TarError: it was cut.
        """
        while self.read(CHUNK):
            pass
        if self._last != END:
            raise tarfile.ReadError(f"the archive was cut after {self.size} bytes")


def wait(tried: int, error: BaseException) -> int:
    """Say what is waited for, and wait: longer each time. Gives how often that was."""
    say(f"waits for the daemon: {error}")
    time.sleep(PAUSES[min(tried, len(PAUSES) - 1)])
    return tried + 1


def unpack(archive: tarfile.TarFile, into: Path) -> None:
    """Files and folders of an archive, below `into` and writable for whoever the program is."""
    into.mkdir(parents=True, exist_ok=True)
    memory: Any = archive
    for member in archive:
        memory.members = []  # it would remember each of a million
        path = Path(os.path.normpath(into / member.name))
        if into != path and into not in path.parents:
            raise tarfile.TarError(f"{member.name} leads out of the folder")
        if member.isdir():
            path.mkdir(mode=0o777, parents=True, exist_ok=True)
        elif member.issym():
            path.parent.mkdir(mode=0o777, parents=True, exist_ok=True)
            target = os.path.normpath(path.parent / member.linkname)
            if Path(target) != into and into not in Path(target).parents:
                raise tarfile.TarError(f"{member.name} leads out of the folder")
            path.unlink(missing_ok=True)
            path.symlink_to(member.linkname)
        elif member.isfile():
            path.parent.mkdir(mode=0o777, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            _write(path, archive.extractfile(member), executable=bool(member.mode & 0o111))
            if member.mtime:  # what is newest may mean something to its program
                os.utime(path, (member.mtime, member.mtime))


def _write(path: Path, source: IO[bytes] | None, *, executable: bool) -> None:
    assert source is not None
    with path.open("xb") as file:
        while data := source.read(CHUNK):
            file.write(data)
    path.chmod(0o777 if executable else 0o666)


# --- init ------------------------------------------------------------------------------------------------------------


def own(wanted: dict[str, Any]) -> Path:
    """The artifacts folder of the run."""
    return Path(wanted["context"]["artifacts"])


def init() -> int:
    """Put everything in place."""
    os.umask(0)
    wanted = order()
    artifacts = own(wanted)
    for folder in (WORK, ROOT / "home", LIB, artifacts / "outputs", LEFT):
        folder.mkdir(mode=0o777, parents=True, exist_ok=True)
    (LIB / "context.json").write_text(json.dumps(wanted["context"], ensure_ascii=False))
    tracking = Path(__file__).with_name("plumbline_tracking.py")
    if tracking.exists():
        (LIB / "plumbline_tracking.py").write_bytes(tracking.read_bytes())
    if wanted.get("traces"):  # where the tracking library of Polyaxon finds the folder of the run
        (LIB / "polyaxon" / "runs").mkdir(mode=0o777, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (LIB / "polyaxon" / "runs" / wanted["traces"]).symlink_to(artifacts)
    daemon = Daemon(wanted["contact"])
    for number, tree in enumerate(wanted.get("code", ())):
        target = tree.get("target", "")
        daemon.fetch(f"code/{number}", WORK / Path(target).parent if tree.get("is_file") else WORK / target)
    for number in range(len(wanted.get("init", ()))):
        daemon.fetch(f"init/{number}", WORK)
    for number in range(wanted.get("reads", 0)):
        daemon.fetch(f"runs/{number}", RUNS)
    if wanted.get("earlier") is not None:
        bring_back(daemon, artifacts, wanted["earlier"].get("places", ()))
    return 0


def bring_back(daemon: Daemon, artifacts: Path, places: list[str]) -> None:
    """Have a folder hold what its run left before, be found where earlier rounds had it, and not be sent again."""
    daemon.fetch("earlier", artifacts)
    for place in places:
        other = RUNS / place
        other.mkdir(mode=0o777, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # it reads that one's too
            (other / "artifacts").symlink_to(artifacts)
    found = {name: _looks(facts) for name, facts in files(artifacts / "outputs")}
    BROUGHT.write_text(json.dumps(found))


# --- sidecar ---------------------------------------------------------------------------------------------------------


class Sidecar:
    """What a program leaves, on its way to the daemon."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._daemon = Daemon(wanted["contact"]) if wanted["contact"] and TOKEN.exists() else None
        self._collects = wanted.get("plugins", {}).get("collectArtifacts") is not False
        self._outputs = own(wanted) / "outputs"
        self._metrics = 0
        self._events: dict[str, int] = {}
        self._looked_at = 0
        self._sent = brought()

    def run(self, told: threading.Event) -> None:
        """Send what there is until told to end, then the rest."""
        pause = PERIOD
        while not told.wait(max(pause, PERIOD_OF_FILE * self._looked_at)):
            pause = PERIOD if self._try(settled=time.time() - SETTLED) else min(2 * pause, PAUSES[-1])
        output = with_traced(read_capped(LEFT / "output", MOST_OUTPUT), self._outputs.parent)
        leave(output, self._outputs, self._unsent())  # first of all, as it needs nobody
        tried = 0
        while not self._try(settled=None, output=output):
            time.sleep(PAUSES[min(tried, len(PAUSES) - 1)])
            tried += 1

    def _try(self, *, settled: float | None, output: bytes | None = None) -> bool:
        """Send what is new; whether nothing has to be tried again."""
        try:
            self._send_metrics()
            self._send_files(settled)
            if self._daemon is not None and output is not None:
                self._daemon.ask("POST", "end", output).close()
        except Gone as error:
            say(f"the daemon does not want it any more: {error}")
            self._daemon = None
        except ValueError as error:
            say(f"the daemon does not take it: {error}")
        except (OSError, http.client.HTTPException) as error:
            say(f"waits for the daemon: {error}")
            return False
        return not self._is_elsewhere()

    def _is_elsewhere(self) -> bool:
        """Whether another daemon has taken over, without what the one before was sent: all of it is sent again."""
        if self._daemon is None or not self._daemon.moved:
            return False
        self._daemon.moved = False
        self._metrics = 0
        self._events.clear()
        self._sent.clear()
        return True

    def _send_metrics(self) -> None:
        self._metrics = self._send_rest(LEFT / "metrics", "", self._metrics, MOST_METRICS)
        for name, path in events(self._outputs.parent):
            of = f"&of={urllib.parse.quote(name, safe='')}"
            self._events[name] = self._send_rest(path, of, self._events.get(name, 0), MOST_EVENTS)

    def _send_rest(self, path: Path, of: str, offset: int, most: int) -> int:
        """Send what follows `offset` of a file; gives as far as the daemon has it."""
        while self._daemon is not None and offset < most:
            data = read_capped(path, CHUNK, offset)
            if not data:
                break
            with self._daemon.ask("POST", f"metrics?offset={offset}{of}", data) as answer:
                before, offset = offset, int(json.loads(answer.read())["offset"])
            if offset == before:
                break  # it wants no more
        return offset

    def _send_files(self, settled: float | None) -> None:
        if self._daemon is None or not self._collects:
            return
        for count, (name, facts) in enumerate(files(self._outputs), 1):
            self._looked_at = count
            seen = _looks(facts)
            if self._sent.get(name) == seen or (settled is not None and facts.st_mtime > settled):
                continue
            self._sent[name] = seen
            try:
                file = opened(self._outputs / name)
            except OSError as error:
                say(f"{name} cannot be read: {error.strerror or error}")
                continue
            with file:
                self._send_file(name, file)

    def _unsent(self) -> int:
        """How many files are still to be sent."""
        if self._daemon is None or not self._collects:
            return 0
        return sum(self._sent.get(name) != _looks(facts) for name, facts in files(self._outputs))

    def _send_file(self, name: str, file: IO[bytes]) -> None:
        assert self._daemon is not None
        facts = os.fstat(file.fileno())
        path = "/".join(urllib.parse.quote(part, safe="") for part in name.split("/"))
        query = f"modified={facts.st_mtime}&executable={int(bool(facts.st_mode & 0o111))}"
        try:
            self._daemon.ask("PUT", f"artifacts/{path}?{query}", file, facts.st_size).close()
        except ValueError as error:  # of this one: the others are sent
            say(f"the daemon does not take {name}: {error}")
        except (OSError, http.client.HTTPException):
            self._sent.pop(name)  # it comes again
            raise


# --- activity --------------------------------------------------------------------------------------------------------


def tell_activity(wanted: dict[str, Any], told: threading.Event) -> None:
    """Tell the daemon until when a service was in use, as often as it wants to know, until told to end."""
    said, daemon = wanted["activity"], Daemon(wanted["contact"])
    while not told.wait(said["period"]):
        at = last_activity(said)
        try:
            daemon.ask("POST", "activity" if at is None else f"activity?at={at}").close()
        except Gone:
            return
        except (OSError, ValueError, http.client.HTTPException) as error:
            say(f"cannot tell whether the service is idle: {error}")  # nobody ends it meanwhile


def last_activity(said: dict[str, Any]) -> float | None:
    """The instant that the service names, in seconds since the epoch; None where it cannot be asked."""
    link = http.client.HTTPConnection("127.0.0.1", said["port"], timeout=said["timeout"])
    try:
        link.request("GET", said["path"])
        at = datetime.fromisoformat(str(json.loads(link.getresponse().read(CHUNK))["last_activity"]))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (OSError, ValueError, LookupError, TypeError, OverflowError, http.client.HTTPException):
        return None
    finally:
        link.close()


def files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files below a folder by their path, links not followed; the first of very many."""
    count = 0
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode):
                count += 1
                if count > MOST_FILES:
                    return
                yield str(path.relative_to(folder)), facts


def events(artifacts: Path) -> Iterator[tuple[str, Path]]:
    """Files of events of the tracking library of Polyaxon, by the name of the metric."""
    folder = artifacts / "events" / "metric"
    found = ((name, facts) for name, facts in files(folder) if name.endswith(".plx") and "/" not in name)
    for name, _ in itertools.islice(found, MOST_EVENT_FILES):
        yield name[: -len(".plx")], folder / name


def with_traced(output: bytes, artifacts: Path) -> bytes:
    """An output file with the outputs that a program logged by that library, but for those that it wrote itself."""
    try:
        said = json.loads(read_capped(artifacts / "run.plx.json", MOST_OUTPUT))["outputs"].items()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return output
    own = set()
    for line in output.splitlines():
        own.add(line.partition(b"=")[0].decode(errors="replace"))
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            own.add(json.loads(line)["name"])
    told = ((name, value) for name, value in said if value is not None and name not in own)
    left = [json.dumps({"name": name, "value": value}) for name, value in told if NAME.fullmatch(name)]
    if not left:
        return output
    end = b"" if not output or output.endswith(b"\n") else b"\n"
    return (output + end + "".join(f"{line}\n" for line in left).encode())[:MOST_OUTPUT]


def _looks(facts: os.stat_result) -> tuple[int, int]:
    """What changes with the content of a file."""
    return facts.st_size, facts.st_mtime_ns


def opened(path: Path) -> IO[bytes]:
    """A regular file, and nothing that a link leads to."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no file")
    return os.fdopen(fd, "rb", 0)


def read_capped(path: Path, most: int, offset: int = 0) -> bytes:
    """So many bytes of a file; none where there is none."""
    try:
        with opened(path) as file:
            file.seek(offset)
            return file.read(most) or b""
    except OSError:
        return b""


def brought() -> dict[str, tuple[int, int]]:
    """Size and time of each file that the daemon gave. A program that writes over the list keeps back its own files."""
    try:
        said = json.loads(read_capped(BROUGHT, MOST_BROUGHT) or b"{}")
        return {str(name): (int(size), int(changed)) for name, (size, changed) in said.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def leave(output: bytes, outputs: Path, unsent: int = 0) -> None:
    """Have the pod itself carry what the program left, as far as it fits in a container's last words.

    Args:
        output: its output file.
        outputs: the folder whose files are kept.
        unsent: how many of them the daemon does not have yet.
    """
    said: dict[str, Any] = {
        "schema": "plumbline.left/1",
        "artifacts": summary(outputs),
        "metrics": latest(outputs.parent),
    }
    if unsent:
        said["unsent"] = unsent
    if said["artifacts"]["files"] >= MOST_FILES:
        said["message"] = f"of its files under outputs/ no more than {MOST_FILES:,} are kept"
    said["output"] = output.decode(errors="replace")
    for surplus in ("", "metrics", "artifacts", "output"):
        said = {name: value for name, value in said.items() if name != surplus}
        said |= {"more": True} if surplus else {}
        text = json.dumps(said, ensure_ascii=False).encode()
        if len(text) <= MOST_MESSAGE:
            break
    with contextlib.suppress(OSError):
        MESSAGE.write_bytes(text)


def summary(outputs: Path) -> dict[str, Any]:
    """How much there is under `outputs/`, and what is at its top."""
    found = list(files(outputs))
    names = sorted({name.partition("/")[0] for name, _ in found})
    size = sum(facts.st_size for _, facts in found)
    return {"folder": str(outputs.parent), "names": names[:50], "files": len(found), "size": size}


def latest(artifacts: Path) -> dict[str, Any]:
    """The last value of each metric, as far as they are near the end of a file."""
    path, found = LEFT / "metrics", {}
    with contextlib.suppress(OSError):
        for line in read_capped(path, CHUNK, max(0, path.lstat().st_size - CHUNK)).splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                point = json.loads(line)
                found[str(point["name"])] = point["value"]
    for name, path in events(artifacts):
        with contextlib.suppress(OSError):
            for line in reversed(read_capped(path, CHUNK, max(0, path.lstat().st_size - CHUNK)).splitlines()):
                with contextlib.suppress(ValueError):
                    value = float(line.rpartition(b"|")[2])
                    found.setdefault(name, value if math.isfinite(value) else WORDS[str(value)])
                    break
    return found


def sidecar() -> int:
    """Send until told to end."""
    wanted = order()
    if wanted.get("activity") and TOKEN.exists():
        # It ends with the process, in the middle of a question too.
        threading.Thread(target=tell_activity, args=(wanted, TOLD), daemon=True).start()
    Sidecar(wanted).run(TOLD)
    return 0


def main(words: list[str]) -> int:
    """What the container is for."""
    try:
        return {"init": init, "sidecar": sidecar}[words[0] if words else ""]()
    except KeyError:
        say("say what to do: init or sidecar")
    except Gone as error:
        say(f"the daemon does not know this attempt: {error}")
    except (OSError, ValueError, http.client.HTTPException, tarfile.TarError) as error:
        say(f"cannot go on: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
