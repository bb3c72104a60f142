"""Whom runs run as: the daemon's own user, or another one when the daemon is root."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Unusable

__all__ = ["Account", "resolve"]


@dataclass(frozen=True, slots=True)
class Account:
    """A user.

    Attributes:
        uid, gid, groups: as the kernel knows them.
        home: the home folder.
        switched: whether it is another than the daemon's own.
    """

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    switched: bool

    def owns(self, path: Path) -> None:
        """Give `path` itself to this user."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def owns_tree(self, root: Path) -> None:
        """Give `root` and all below it to this user: from below, so that it can enter only when all is done."""
        if not self.switched:
            return
        for folder, folders, files in os.walk(root, topdown=False):
            for name in (*folders, *files):
                self.owns(Path(folder, name))
        self.owns(root)

    def blocked(self, folder: Path) -> Path | None:
        """The first folder on the way to `folder` that this user cannot pass; None when all can be passed."""
        for step in reversed((folder, *folder.parents)):
            if not step.exists():
                return None
            facts = step.stat()
            shift = 6 if facts.st_uid == self.uid else 3 if facts.st_gid in self.groups else 0
            if not facts.st_mode >> shift & 1 and self.uid != 0:
                return step
        return None


def resolve(user: str | None, section: str, *, allow_root: bool) -> Account:
    """The account that runs run as.

    Args:
        user: its name; None for the daemon's own.
        section: of the configuration that says so.
        allow_root: whether it may be root.

    Raises:
        Unusable: it would be root without `allow_root`, is unknown, or cannot be changed to.
    """
    own = os.geteuid()
    if user is None:
        if own == 0 and not allow_root:
            raise Unusable(
                f"the daemon is root, so runs would be too; set {section}.user to the user that runs are to run "
                f"as, or {section}.allow_root: true"
            )
        return _own(own)
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Unusable(f"{section}.user names {user!r}, which is no user of this machine") from None
    if entry.pw_uid == own:
        return _own(own)
    if own != 0:
        raise Unusable(f"{section}.user is {user!r}, but only a daemon that is root can change the user")
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    return Account(entry.pw_uid, entry.pw_gid, tuple(sorted(groups)), entry.pw_dir, switched=True)


def _own(uid: int) -> Account:
    try:
        home = pwd.getpwuid(uid).pw_dir
    except KeyError:
        home = "/"
    return Account(uid, os.getegid(), tuple(os.getgroups()), home, switched=False)
