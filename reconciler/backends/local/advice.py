"""What a person should know of this machine before trusting runs to it: where adoption cannot work, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator

from reconciler.backends.local import groups
from reconciler.backends.local.account import Account
from reconciler.backends.local.settings import Containment, LocalSettings

__all__ = ["warnings"]


def warnings(settings: LocalSettings, account: Account, group: str | None) -> list[str]:
    """One sentence for each weakness.

    Args:
        settings: of the backend.
        account: whom runs run as.
        group: the control group that the parent could make.
    """
    return [*_adoption(group), *_containment(settings, group), *_reach(settings, account)]


def _adoption(group: str | None) -> Iterator[str]:
    if os.getpid() == 1:
        yield "the daemon is process 1: when it ends its runs end with it, and none can be adopted"
    unit = groups.killing_unit(group)
    if unit is not None:
        yield (
            f"restarting {unit} may kill its runs, which then count as lost; set KillMode=process in that unit "
            "so that they are adopted instead"
        )


def _containment(settings: LocalSettings, group: str | None) -> Iterator[str]:
    if group is None and settings.containment is Containment.AUTO:
        yield "no control group may be made here: what runs leave behind is found by sweeping /proc"


def _reach(settings: LocalSettings, account: Account) -> Iterator[str]:
    blocked = account.blocked(settings.runs) if account.switched else None
    if blocked is not None:
        yield f"user {settings.user} cannot enter {blocked}, so runs cannot reach their working folders"
