"""What a program finds: its variables and its context file (docs/run-contract.md).

The variables are built from nothing. No variable of the daemon reaches a run unless the configuration names it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.canon import Json
from planner.model.gang import Container
from reconciler.backends.local.account import Account
from reconciler.backends.local.settings import LocalSettings
from reconciler.ports import Order

__all__ = ["GPU", "Member", "attempt_globals", "context", "programs", "variables"]

GPU = "nvidia.com/gpu"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a gang, with its place on disk.

    Attributes:
        role, index, count: which one of how many of its role.
        container: what it runs.
        base: its own folder, with `work`, `io`, `lib` and `context.json`.
        artifacts: the run's folder, the same for all members and attempts.
        slots: indexes of countable resources that are its own.
    """

    role: str
    index: int
    count: int
    container: Container
    base: Path
    artifacts: Path
    slots: Mapping[str, tuple[int, ...]]

    @property
    def name(self) -> str:
        """Its name in the claim: role and index."""
        return f"{self.role}-{self.index}"


def attempt_globals(order: Order, artifacts: Path) -> dict[str, Json]:
    """What of `globals.*` only this backend knows: paths and ports. Services answer at the root of their port."""
    ports = order.leases.ports
    found: dict[str, Json] = {
        "artifacts_path": str(artifacts.parent.parent),
        "run_artifacts_path": str(artifacts),
        "run_outputs_path": str(artifacts / "outputs"),
    }
    if ports:
        found |= {"ports": list(ports), "base_url": "/", "base_urls": ["/"] * len(ports)}
    return found


def context(order: Order, member: Member) -> dict[str, Json]:
    """The context file of a member: what the run brought, completed."""
    brought = order.run.context
    sections: dict[str, Json] = {name: brought.get(name, {}) for name in ("params", "inputs", "upstream")}
    return {
        **brought,
        "schema": "plumbline.context/1",
        "run": {**_section(brought, "run"), **_run(order)},
        "globals": {**_section(brought, "globals"), **attempt_globals(order, member.artifacts)},
        **sections,
        "replica": {"role": member.role, "index": member.index, "count": member.count},
        "ports": list(order.leases.ports),
        "artifacts": str(member.artifacts),
    }


def _run(order: Order) -> dict[str, Json]:
    stamp, key = order.stamp, order.key
    return {
        "key": str(key.run),
        "id": key.short_id(stamp.instance, stamp.project),
        "project": stamp.project,
        "instance": stamp.instance,
        "commit": order.run.commit,
        "root": key.root,
        "attempt": max(key.attempt, 1),
        "kind": order.run.kind,
    }


def _section(context: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = context.get(name)
    return found if isinstance(found, Mapping) else {}


def variables(order: Order, member: Member, settings: LocalSettings, account: Account) -> dict[str, str]:
    """The whole environment of a member."""
    own = dict(member.container.env)
    paths = (str(member.base / "lib"), own.get("PYTHONPATH", ""), settings.env.get("PYTHONPATH", ""))
    return {
        "PATH": f"{programs(settings, member.container.image)}:{SYSTEM_PATH}",
        "HOME": account.home,
        "LANG": "C.UTF-8",
        **_slots(member, settings),
        **settings.env,
        **own,
        "PYTHONPATH": ":".join(filter(None, paths)),
        **_contract(order, member),
    }


def programs(settings: LocalSettings, image: str) -> Path:
    """The folder that comes first on the PATH of runs of `image`."""
    folder = settings.environments.get(image)
    if folder is None:
        return Path(sys.executable).parent
    return folder / "bin" if (folder / "bin").is_dir() else folder


def _contract(order: Order, member: Member) -> dict[str, str]:
    found = {
        "PLUMBLINE_RUN": str(order.key.run),
        "PLUMBLINE_PROJECT": order.stamp.project,
        "PLUMBLINE_COMMIT": order.run.commit,
        "PLUMBLINE_CONTEXT": str(member.base / "context.json"),
        "PLUMBLINE_ARTIFACTS": str(member.artifacts),
        "PLUMBLINE_OUTPUT": str(member.base / "io" / "output"),
        "PLUMBLINE_METRICS": str(member.base / "io" / "metrics"),
    }
    if order.leases.ports:
        found["PLUMBLINE_PORT"] = str(order.leases.ports[0])
    return found


def _slots(member: Member, settings: LocalSettings) -> dict[str, str]:
    """Leased slots. Where GPUs are declared, a run without one sees none."""
    found = {"CUDA_VISIBLE_DEVICES": ""} if GPU in settings.slots else {}
    for name, indexes in member.slots.items():
        text = ",".join(map(str, indexes))
        if name == GPU:
            found["CUDA_VISIBLE_DEVICES"] = text
        else:
            found[f"PLUMBLINE_SLOT_{re.sub('[^A-Z0-9]', '_', name.upper())}"] = text
    return found
