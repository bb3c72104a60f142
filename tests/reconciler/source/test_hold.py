"""Git that outlives a daemon which was killed: nobody takes what it does for left-overs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from reconciler.errors import Transient
from reconciler.source.follow import Deadlines

pytestmark = [pytest.mark.process, pytest.mark.anyio]

ROOT = Path(__file__).parents[3]
DAEMON = """
import sys, anyio
from pathlib import Path
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
anyio.run(GitSource(Origin(parse(sys.argv[1]), "main"), Path(sys.argv[2]), "test").head)
"""


@contextlib.contextmanager
def killed_while_asking(folder: Path) -> Iterator[str]:
    """A remote that never answers, while git of a daemon that was killed waits for it."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server.settimeout(30)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/models"
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        daemon = subprocess.Popen([sys.executable, "-c", DAEMON, url, str(folder)], env=env)
        stack.enter_context(server.accept()[0])
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        yield url


async def test_what_a_killed_daemon_left_is_waited_for(remote, follow, tmp_path):
    tip = remote.commit({"a": b"1"})
    state = tmp_path / "state"
    with killed_while_asking(state):
        lock = state / "mirror.git" / "refs" / "head.lock"
        lock.parent.mkdir(parents=True)
        lock.write_bytes(b"")
        source = follow(deadlines=Deadlines(left=0.2))
        with pytest.raises(Transient, match=rf"git of a daemon that was killed \(pid \d.*still works on {state}"):
            await source.head()
        assert lock.exists(), "it is not stale"
        with pytest.raises(Transient, match="must end first"):
            await source.fetch()
    with anyio.fail_after(20):
        while True:
            with contextlib.suppress(Transient):
                assert (await source.fetch()).id == tip
                break
    assert not lock.exists()


async def test_it_goes_on_at_once_when_they_end(remote, follow, tmp_path):
    tip = remote.commit({"a": b"1"})
    source = follow(deadlines=Deadlines(left=60))
    async with anyio.create_task_group() as tasks:
        with killed_while_asking(tmp_path / "state"):
            tasks.start_soon(source.head)
            await anyio.wait_all_tasks_blocked()
    assert (await source.fetch()).id == tip


async def test_a_source_that_is_closed_leaves_the_folder_to_the_next(remote, follow):
    tip = remote.commit({"a": b"1"})
    first, second = follow(deadlines=Deadlines(left=0)), follow(deadlines=Deadlines(left=0))
    assert (await first.fetch()).id == tip
    with pytest.raises(Transient, match="must end first"):
        await second.head()
    await first.close()
    assert (await second.fetch()).id == tip
    await second.close()
    assert (await first.fetch()).id == tip
