"""Folders of an attempt that its `emptyDir` volumes are: made with its claim, gone when it is cleaned."""

from __future__ import annotations

from pathlib import Path

from reconciler.backends.engine.mounts import VOLUMES, folders_of
from reconciler.backends.machine import folders
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.draft import Draft
from reconciler.backends.machine.removal import remove_tree
from reconciler.ports import Order

__all__ = ["fill", "forget"]


def fill(drafted: Draft, order: Order, account: Account) -> None:
    """Make them.

    Raises:
        OSError: the disk says no.
    """
    groups = {group.role: group for group in order.run.gang.replicas}
    for member in drafted.members:
        names = folders_of(groups[member.role].pod)
        if names:
            (member.base / VOLUMES).mkdir(mode=0o711)
        for name in names:
            (member.base / VOLUMES / name).mkdir(mode=0o700)
            account.owns(member.base / VOLUMES / name)


def forget(attempt: str) -> None:
    """Remove what of an ended attempt nobody needs: its working folder and volumes. "" is none."""
    if not attempt:
        return
    folders.forget_scratch(Path(attempt))
    for left in Path(attempt).glob(f"*/{VOLUMES}"):
        remove_tree(left)
