"""A real Podman for tests: its service on a socket, storage and images in a folder of its own, gone at the end.

What Podman needs to run where tests do is here: its storage copies files (no overlay on overlay), it asks no systemd,
and limits are those that a container of the test machines may set. The program comes from `scripts/engine-setup`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.cluster import images
from tests.engine.asked import PATIENCE, Asked

ULIMITS = {"nofile": (1024, 4096), "nproc": (1000, 4000)}
"""Podman asks for more than the machines of the tests give."""


def missing() -> str:
    """Why no Podman can be had here, or ""."""
    if os.geteuid() != 0:
        return "Podman is tested as root only"
    lacks = [name for name in ("podman", "conmon", "runc", "catatonit", "busybox") if shutil.which(name) is None]
    return f"no {', '.join(lacks)} here; run scripts/engine-setup, or install Podman" if lacks else ""


def demand() -> None:
    """What cannot be tested is said, and is a failure where nobody looks."""
    if why := missing():
        message = f"NOTHING OF THE CONTAINER ENGINE IS TESTED: {why}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


class Podman(Asked):
    """One engine. `start`, `stop` and `reboot` as often as wanted: containers outlive its service."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plumbline-podman-"))
        self.socket = self.folder / "podman.sock"
        self.env = {**os.environ, "CONTAINERS_CONF": str(self._conf()), "CONTAINERS_STORAGE_CONF": str(self._storage())}
        self.env["CONTAINERS_REGISTRIES_CONF"] = str(self._registries())
        self._process: subprocess.Popen[bytes] | None = None

    def _conf(self) -> Path:
        path = self.folder / "containers.conf"
        engine = ['runtime = "runc"', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"']
        tmp = f'tmp_dir = "{self.folder / "tmp"}"'
        # Of its own, as engines beside each other do not know which addresses the other one gave away.
        number = os.getpid()
        subnet = f'default_subnet = "10.{170 + number % 60}.{number // 60 % 250}.0/24"'
        parts = ["[containers]", 'cgroupns = "host"', "[network]", subnet, "[engine]", *engine, tmp]
        path.write_text("\n".join([*parts, ""]))
        return path

    def _storage(self) -> Path:
        path = self.folder / "storage.conf"
        places = [f'graphroot = "{self.folder / "graph"}"', f'runroot = "{self.folder / "run"}"']
        path.write_text("\n".join(["[storage]", 'driver = "vfs"', *places, ""]))
        return path

    def _registries(self) -> Path:
        """Those of this machine have no TLS."""
        path = self.folder / "registries.conf"
        path.write_text('unqualified-search-registries = []\n[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n')
        return path

    def start(self) -> Podman:
        """Have it answer."""
        self.socket.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", "podman", "system", "service", "--time=0"]
            self._process = subprocess.Popen(
                [*command, f"unix://{self.socket}"], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            if self._answers():
                return self
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
            link.connect(str(self.socket))
            return bool(self.get("/version"))
        return False

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def load(self, *names: str) -> None:
        """Have images of the tests."""
        for name in names:
            with images.archive(name).open("rb") as file, self._http() as http:
                answer = http.post("/v1.41/images/load", content=file, timeout=PATIENCE * 5)
            assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        """End the service: what runs goes on, and nobody can ask for it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def reboot(self) -> None:
        """As if the machine had lost its power: nothing runs any more, and nobody noted an end."""
        self.stop()
        self._kill_all()
        (self.folder / "tmp" / "alive").unlink(missing_ok=True)  # Podman's mark of this boot
        self.start()

    def pids(self) -> list[int]:
        """Processes of its containers, and those that watch them."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                of_ours = str(self.folder) in (path / "cmdline").read_text(errors="replace")
                inside = any(ident in (path / "cgroup").read_text() for ident in self._idents())
                if of_ours or inside:
                    found.append(int(path.name))
        return [pid for pid in found if self._process is None or pid != self._process.pid]

    def _idents(self) -> list[str]:
        folder = self.folder / "graph" / "vfs-containers"
        return [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []

    def _kill_all(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while pids := self.pids():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, pids
            time.sleep(0.02)

    def close(self) -> None:
        """End it and leave nothing: no container, no mount, no file."""
        with contextlib.suppress(AssertionError, httpx.HTTPError):
            self.clear()
        self.stop()
        self._kill_all()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            where = line.split()[1]
            if where.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", where], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
