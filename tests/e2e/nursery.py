"""Starts daemons by forking from a process that has imported everything: a start costs milliseconds, not a second.

Each line on standard input is a request, each line on standard output its answer. Ends with its standard input, also
when pytest is killed, and its daemons end with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from typing import NoReturn

from reconciler.backends.local import supervisor

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
IMPORTED = (
    "anyio._backends._asyncio",
    "reconciler.cli.daemon",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        answer = _start(request["start"], request["log"]) if "start" in request else _ended(request["ended"])
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _ended(pid: int) -> int | None:
    """The exit code of a daemon, None while it lives; a signal is its negative number."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _start(words: list[str], log: str) -> int:
    pid = os.fork()
    if not pid:
        _become(words, log)
    return pid


def _become(words: list[str], log: str) -> NoReturn:
    code = 70
    try:
        os.setsid()
        supervisor.prctl(DIE_WITH_PARENT, signal.SIGKILL)
        for path, flags, target in (
            (os.devnull, os.O_RDONLY, 0),
            (log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 1),
            (log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 2),
        ):
            opened = os.open(path, flags, 0o600)
            os.dup2(opened, target)
            os.close(opened)
        sys.argv = ["plumbline", *words]
        importlib.import_module("reconciler.cli.__main__").main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 -- a forked child must not unwind into the nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
