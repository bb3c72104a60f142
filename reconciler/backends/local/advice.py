"""What a person should know of this machine before trusting runs to it: where adoption cannot work, and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from reconciler.backends.local import environment, groups
from reconciler.backends.local.settings import Containment, LocalSettings
from reconciler.backends.machine.account import Account
from reconciler.errors import Unusable

__all__ = ["check", "warnings"]


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
    if not account.switched:
        return
    blocked = account.blocked(settings.runs)
    if blocked is not None:
        yield (
            f"user {settings.user} cannot enter {blocked}, so runs cannot reach their working folders: "
            f"chmod o+x {blocked}, or set backends.local.runs to another folder"
        )
    for whose, folder in _programs(settings):
        blocked = account.blocked(folder)
        if blocked is not None:
            yield (
                f"user {settings.user} cannot enter {blocked}, so runs cannot use {folder}, {whose}: "
                f"chmod o+x {blocked}, or put it where that user can read it"
            )


def _programs(settings: LocalSettings) -> Iterator[tuple[str, Path]]:
    """The folders that runs find programs in, and those that their interpreters are in by symlink."""
    yield from _with_interpreter("the programs beside the daemon's Python", Path(sys.executable).parent)
    for image in sorted(settings.environments):
        yield from _with_interpreter(f"the environment of image {image}", environment.programs(settings, image))


def _with_interpreter(whose: str, folder: Path) -> Iterator[tuple[str, Path]]:
    yield whose, folder
    home = (folder / "python3").resolve().parent
    if home not in (folder, folder.resolve()):
        yield f"the interpreter of {whose}", home


def check(settings: LocalSettings) -> None:
    """See that this machine and these settings go together.

    Raises:
        Unusable: they do not.
    """
    if sys.platform != "linux":
        raise Unusable("the local backend needs Linux: run the daemon there, or choose another backend")
    for image, folder in settings.environments.items():
        if not folder.is_dir():
            raise Unusable(f"backends.local.environments maps {image!r} to {folder}, which is no folder")
    for name in ("root", "runs"):
        if not getattr(settings, name).is_absolute():
            raise Unusable(f"backends.local.{name} must be an absolute path")
