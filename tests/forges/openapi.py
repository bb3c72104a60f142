"""GitHub's own description of its API, which a server of this machine answers by and holds each request against.

Prism refuses what the description does not know: a path, a parameter of another type, a body without a required
field, a word that is none of those listed. What it answers are the description's examples. It comes from
`scripts/forges-setup`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pauses import pauses
from tests.ports import free_port

__all__ = ["Described", "described", "operations"]

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


def setup() -> Path:
    """The folder of Prism and the description; what cannot be tested is said, and is a failure where nobody looks."""
    done = subprocess.run([ROOT / "scripts" / "forges-setup"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return Path(done.stdout.splitlines()[-1])
    message = "NO REQUEST TO A FORGE IS HELD AGAINST ITS DESCRIPTION: see above; run scripts/forges-setup"
    if os.environ.get("CI") or done.returncode != 3:
        pytest.fail(message)
    pytest.skip(message)


class Described:
    """A server that answers by a description.

    Attributes:
        address: where it answers.
    """

    def __init__(self, address: str, log: Path, folder: Path) -> None:
        self.address = address
        self._log = log
        self._operations = operations(folder)

    def used(self) -> dict[str, str]:
        """What was asked, as the description calls it, and what came of it: "" where it is as described."""
        found: dict[str, str] = {}
        name = ""
        for line in self._log.read_text().splitlines():
            plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
            asked = re.search(r"\[HTTP SERVER\] (\w+) (/\S*) .*Request received", plain)
            if asked:
                name = self._name(asked[1].upper(), asked[2].partition("?")[0])
                found.setdefault(name, "")
            elif re.search(r"terminated with error|did not pass the validation|error +Request ", plain):
                found[name] += plain.rpartition("error ")[2].strip() + "; "
        return found

    def _name(self, method: str, path: str) -> str:
        fitting = [name for pattern, verb, name in self._operations if verb == method and pattern.fullmatch(path)]
        return fitting[0] if fitting else f"unknown: {method} {path}"


def operations(folder: Path) -> list[tuple[re.Pattern[str], str, str]]:
    """Path, method and name of each operation; literal paths before those with a parameter."""
    paths: dict[str, dict[str, Any]] = json.loads((folder / "github.json").read_bytes())["paths"]
    found = []
    for path in sorted(paths, key=lambda one: one.count("{")):
        pattern = re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(path)))
        found += [(pattern, method.upper(), body["operationId"]) for method, body in paths[path].items()]
    return found


@contextlib.contextmanager
def described() -> Iterator[Described]:
    """A server of GitHub's description, until the end of the block."""
    folder = setup()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="plumbline-forges-") as place:
        log = Path(place) / "log"
        prism = [str(folder / "node_modules/.bin/prism"), "mock", "-h", "127.0.0.1", "-p", str(port)]
        with log.open("wb") as out:
            server = subprocess.Popen([*prism, str(folder / "github.json")], stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(server, log)
            yield Described(f"http://127.0.0.1:{port}", log, folder)
        finally:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], log: Path) -> None:
    deadline, waits = time.monotonic() + PATIENCE, pauses()
    while "Prism is listening" not in log.read_text():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"Prism does not answer: {log.read_text()}"
        time.sleep(next(waits))
