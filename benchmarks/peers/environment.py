"""The environment of a peer: made once per content under the cache folder, and asked line by line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "scripts/setup"


class UnavailableError(Exception):
    """The environment could not be made: the message says why."""


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is not there yet.

    Raises:
        UnavailableError: it cannot be made here.
    """
    requirements = Path(__file__).parent / peer / "requirements.txt"
    content = hashlib.sha256(requirements.read_bytes() + SETUP.read_bytes()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    venv = base / "plumbline" / f"peer-{peer}-{content}"
    done = subprocess.run([SETUP, venv, requirements], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"the environment of {peer} cannot be made:\n{done.stdout}{done.stderr}")
    return venv / "bin/python"


class Peer:
    """A running peer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer.

        Raises:
            RuntimeError: it ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask_all(self, questions: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Its answers in turn; it works on the next ones meanwhile. Ask it no more if they are not taken to the end."""
        assert self._process.stdin
        assert self._process.stdout
        pipe = self._process.stdin

        def write() -> None:
            with contextlib.suppress(OSError, ValueError):  # it ended: the reader says so
                for question in questions:
                    pipe.write(json.dumps(question) + "\n")
                pipe.flush()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        for _ in questions:
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the peer ended with {self._process.wait()}")
            yield json.loads(line)
        writer.join()


@contextlib.contextmanager
def running(peer: str) -> Iterator[Peer]:
    """A peer that answers until the end of the block."""
    serve = Path(__file__).parent / peer / "serve.py"
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    process = subprocess.Popen(
        [python_of(peer), "-X", "utf8", serve],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield Peer(process)
    finally:
        process.kill()  # it keeps nothing, and it may have questions and answers on their way
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe
                pipe.close()
