"""Keeps one cluster: `python -m tests.cluster.keeper`, a process of its own that ends when the cluster has.

It takes the first free instance, gives it a network, control groups and the first process of its node, says which it is
(a line of JSON on standard output), waits for the end of that process, and then tidies. So a test process that is
killed leaves nothing: its connections close, the node ends, the keeper tidies. When the keeper itself is killed the
kernel kills the node (`--pdeathsig`, `--kill-child`); control groups and the folder then stay until the next start,
which tidies first.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster import tidy
from tests.cluster.control import Control, ControlError
from tests.cluster.layout import INSTANCES, ROOT, Instance, cache

PATIENCE = 20.0
"""Seconds for the first process to listen."""
KEEP = "PLUMBLINE_CLUSTER_LOGS"
"""Environment variable: a folder that gets the logs before they are removed."""


def main() -> int:
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # a terminal's; the cluster ends when nobody holds it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of the tidying
    if any(Instance(0).folder.is_relative_to(place) for place in ("/var", "/run")):
        say(problem=f"the cache folder {cache()} must not be below /var or /run: a node has its own")
        return 1
    tidy.leftovers()
    for instance in map(Instance, range(INSTANCES)):
        if not taken(instance):
            with tidy.locked(instance) as held:
                if held:
                    return keep(instance)
    say(problem=f"{INSTANCES} clusters run, or their networks are taken")
    return 1


def taken(instance: Instance) -> bool:
    """Whether the machine has a route into its network, of whatever origin."""
    routes = json.loads(run("ip", "-json", "route", "show", "root", instance.network) or "[]")
    return bool(routes)


def keep(instance: Instance) -> int:
    """From the first folder to the last."""
    tidy.tidy(instance)
    instance.logs.mkdir(parents=True)
    process = None
    try:
        with (instance.logs / "init.log").open("ab") as log:
            process = subprocess.Popen(node(instance), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        tidy.make_groups(instance)
        join(instance, first(instance, process))
        say(number=instance.number)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        process.wait()
    except (ControlError, subprocess.CalledProcessError) as error:
        log_text = (instance.logs / "init.log").read_text(errors="replace")[-2000:]
        detail = getattr(error, "stderr", "") or ""
        say(problem=f"{error} {detail}\n{log_text}".strip())
        return 1
    finally:
        if process is not None:
            process.kill()
            process.wait()
        if where := os.environ.get(KEEP):
            shutil.copytree(instance.logs, Path(where) / instance.name, dirs_exist_ok=True, symlinks=True)
        tidy.tidy(instance)
    return 0


def node(instance: Instance) -> list[str]:
    """The first process, in namespaces of its own, killed with whoever starts it."""
    spaces = ["--pid", "--fork", "--kill-child=KILL", "--mount", "--mount-proc", "--net", "--ipc", "--uts"]
    program = [sys.executable, "-m", "tests.cluster.init", str(instance.folder)]
    return ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces, *program]


def first(instance: Instance, process: subprocess.Popen[bytes]) -> int:
    """The number of the first process, once it listens."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            control = Control(instance.control)
        except ControlError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            pid = control.pid
            control.close()
            return pid


def join(instance: Instance, pid: int) -> None:
    """A pair of links between the machine and the node, and the ways through it."""
    inside = ["nsenter", "--target", str(pid), "--net", "ip"]
    run("ip", "link", "add", instance.name, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    run(*inside, "address", "add", f"{instance.node}/30", "dev", "eth0")
    run(*inside, "link", "set", "eth0", "up")
    # A process on the node needs some way to a service's address before the rules can send it on.
    run(*inside, "route", "add", instance.services, "dev", "eth0")
    run("ip", "address", "add", f"{instance.host}/30", "dev", instance.name)
    run("ip", "link", "set", instance.name, "up")
    run("ip", "route", "add", instance.network, "via", instance.node)


def say(**answer: object) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201 -- whoever started it reads this line


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
