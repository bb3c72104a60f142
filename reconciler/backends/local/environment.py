"""What a program finds: its variables and its context file (docs/run-contract.md).

The variables are built from nothing. No variable of the daemon reaches a run unless the configuration names it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from planner.canon import Json
from reconciler.backends import contract
from reconciler.backends.contract import Where
from reconciler.backends.local.settings import LocalSettings
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.draft import Member
from reconciler.ports import Order

__all__ = ["GPU", "context", "programs", "variables"]

GPU = "nvidia.com/gpu"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def context(order: Order, member: Member) -> dict[str, Json]:
    """The context file of a member."""
    return contract.context(order, _where(order, member))


def _where(order: Order, member: Member) -> Where:
    return Where(
        role=member.role,
        index=member.index,
        count=member.count,
        runs=str(member.artifacts.parent.parent),
        artifacts=str(member.artifacts),
        context=str(member.base / "context.json"),
        output=str(member.base / "io" / "output"),
        metrics=str(member.base / "io" / "metrics"),
        ports=order.leases.ports,
        traces=str(member.base / "lib" / contract.TRACES),
    )


def variables(order: Order, member: Member, settings: LocalSettings, account: Account) -> dict[str, str]:
    """The whole environment of a member."""
    own = dict(member.container.env)
    paths = (str(member.base / "lib"), own.get("PYTHONPATH", ""), settings.env.get("PYTHONPATH", ""))
    return {
        "PATH": f"{programs(settings, member.container.image)}:{SYSTEM_PATH}",
        "HOME": account.home,
        "LANG": "C.UTF-8",
        **_slots(member, settings),
        **contract.traced_by(order, _where(order, member)),
        **settings.env,
        **own,
        "PYTHONPATH": ":".join(filter(None, paths)),
        **contract.variables(order, _where(order, member)),
    }


def programs(settings: LocalSettings, image: str) -> Path:
    """The folder that comes first on the PATH of runs of `image`."""
    folder = settings.environments.get(image)
    if folder is None:
        return Path(sys.executable).parent
    return folder / "bin" if (folder / "bin").is_dir() else folder


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
