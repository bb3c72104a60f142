"""The command line against a daemon in memory, which answers on a real socket."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import anyio.from_thread
import uvicorn
from typer.testing import CliRunner, Result

from reconciler.cli.app import app
from tests.reconciler.api.support import World

RUNNER = CliRunner()


class Shell:
    """Runs commands for one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def __call__(self, *args: str, code: int = 0) -> Result:
        """What `plumbline ARGS` says; it must end with `code`."""
        result = RUNNER.invoke(app, ["--state", str(self.state), *args])
        assert result.exit_code == code, f"{result.exit_code}: {result.output}{result.exception!r}"
        return result


@contextlib.contextmanager
def daemon(world: World, state: Path) -> Iterator[Shell]:
    """A shell whose daemon is `world`."""
    state.mkdir(mode=0o700, exist_ok=True)
    with anyio.from_thread.start_blocking_portal("asyncio") as portal, _listener(state) as listener:
        config = uvicorn.Config(world.app, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        running = portal.start_task_soon(_serve, world, server, listener)
        try:
            yield Shell(state)
        finally:
            server.should_exit = True
            running.result(20)


@contextlib.contextmanager
def _listener(state: Path) -> Iterator[socket.socket]:
    with contextlib.chdir(state), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("plumbline.sock")
        listener.listen(16)
        yield listener


async def _serve(world: World, server: uvicorn.Server, listener: socket.socket) -> None:
    async with world.running():
        await server.serve(sockets=[listener])


def until(shell: Shell, words: str, *args: str) -> Result:
    """What a command says once it contains `words`."""
    for _ in range(500):
        result = RUNNER.invoke(app, ["--state", str(shell.state), *args])
        if words in result.output:
            return result
        anyio.run(anyio.sleep, 0.02)
    raise AssertionError(f"{words!r} never appeared in {result.output}")


def git(folder: Path, *args: str) -> str:
    """What git says; settings of the machine do not count."""
    options = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *options, *args],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into a folder."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def repository(folder: Path, files: Mapping[str, bytes]) -> str:
    """A repository with one commit; gives its id."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet")
    return commit(folder, files)


def commit(folder: Path, files: Mapping[str, bytes]) -> str:
    """One more commit."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD")
