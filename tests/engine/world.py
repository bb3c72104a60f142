"""An engine as the surroundings of a backend: orders of shell scripts, and a count of programs that ever started."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from planner import keys
from planner.keys import Key
from planner.model.engine import EngineAllow, EngineRules
from planner.model.gang import Container, Gang, Lifetime, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.engine.backend import EngineBackend
from reconciler.backends.engine.settings import EngineSettings
from reconciler.ports import Order
from tests.cluster import images
from tests.contracts.backend import Script
from tests.engine.asked import Given
from tests.engine.podman import ULIMITS, Podman

OWNER = Stamp("ledger-1", 7, "default", "demo")
TALLY = "/tally"

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

    async def export(self, tree: Any, dest: Path) -> None:
        shutil.copytree(self.known[tree.object_id], dest, symlinks=True)


class EngineWorld:
    """`tests.contracts.backend.World` on one engine."""

    patience = 90.0

    def __init__(self, podman: Podman | Given, base: Path) -> None:
        self.podman = podman
        self.base = base
        self.boot = base / "boot_id"
        self.boot.write_text("boot-1\n")
        self.tally = base / "tally"
        self.tally.mkdir(mode=0o777)
        self.tally.chmod(0o777)
        self.trees = Folders()
        self.settings = EngineSettings(
            root=base / "state",
            runs=base / "runs",
            socket=podman.socket,
            allow_root=True,
            network="host",
            ulimits=ULIMITS,
            rules=EngineRules(frozenset({EngineAllow.HOST_PATH})),
            steady=0.1,
            boot_id=self.boot,
        )
        self.backends: list[EngineBackend] = []

    def open(self, owner: Stamp = OWNER, **changed: Any) -> EngineBackend:
        made = EngineBackend(replace(self.settings, **changed), owner, self.trees, SystemClock())
        self.backends.append(made)
        return made

    def order(self, name: str, script: Script, attempt: int = 1) -> Order:
        order = self.shell(name, SCRIPTS[script], attempt=attempt)
        if script is not Script.SERVICE:
            return order
        run = replace(order.run, kind="service", gang=replace(order.run.gang, lifetime=Lifetime.ALWAYS))
        return replace(order, run=run)

    def shell(self, name: str, text: str, *, attempt: int = 1, **run: Any) -> Order:
        """An order that counts its start, in a folder that its artifacts are beside, and then runs `text`."""
        key = keys.generation(name, 1).at_attempt(attempt)
        count = f'echo $$ >> "$TALLY"/{str(key).replace("/", "_")}'
        env = {"TALLY": TALLY}
        container = Container(images.BUSYBOX, ("/bin/sh", "-c", f"{count}\n{text}"), env=env)
        volume = {"name": "tally", "hostPath": {"path": str(self.tally)}}
        mount = {"name": "tally", "mountPath": TALLY}
        gang = Gang((Replica("main", 1, container, {"volumes": [volume], "container": {"volumeMounts": [mount]}}),))
        return Order(key, BoundRun(key.run, "job", "d1:0", gang, **run), Leases(), OWNER)

    async def intend(self, order: Order) -> None:
        """Nobody asks a daemon about it."""

    def starts(self, key: Key) -> int:
        path = self.tally / str(key).replace("/", "_")
        return len(path.read_text().splitlines()) if path.exists() else 0

    def claim(self, order: Order) -> Path:
        """The folder of an attempt's claim."""
        (found,) = (self.settings.root / "claims").glob(f"*/{order.key.dns_name(OWNER.instance, OWNER.project)}")
        return found

    def called(self, order: Order) -> str:
        """The name of an attempt's container."""
        return order.key.dns_name(OWNER.instance, OWNER.project)

    async def wait(self) -> None:
        await anyio.sleep(0.05)

    async def close(self) -> None:
        for backend in self.backends:
            await backend.close()
        self.podman.clear()
