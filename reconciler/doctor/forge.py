"""The forge: whether it takes what commits are to say, as far as it can be asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack

from reconciler.clock import WallClock
from reconciler.configured_forge import forge_of
from reconciler.doctor.repository import asking
from reconciler.ports_checked import Checked, Finding, Grade, Wanted
from reconciler.settings import DaemonSettings
from reconciler.source import remote

__all__ = ["forge"]


async def forge(settings: DaemonSettings) -> Sequence[Finding]:
    """The forge of the configuration."""
    if settings.forge.kind == "none":
        said = "none: commits do not say how it went"
        return [Finding("forge", Grade.WARNING, said, "leave `forge` out, and they do it by git notes")]
    if settings.forge.kind == "notes":
        return [_notes(settings)]
    return await _asked(settings)


async def _asked(settings: DaemonSettings) -> Sequence[Finding]:
    """What a forge with an API says of what opens it, where it can be asked."""
    async with AsyncExitStack() as made:
        source = await made.enter_async_context(asking(settings))
        found = forge_of(settings, source, WallClock(), made)
        if isinstance(found, Checked) and (told := await found.check(_wanted(settings))):
            return told
    said = f"what opens {settings.forge.kind} is there; it cannot be asked what that may"
    return [Finding("forge", Grade.OK, said)]


def _wanted(settings: DaemonSettings) -> Wanted:
    """What of the forge the configuration wants, beyond statuses."""
    commands, previews = settings.commands, settings.previews.pulls and settings.repository.branch is not None
    return Wanted(
        comments=previews,
        checks=settings.forge.app is not None,
        commands=commands is not None and previews,
        permission=commands is not None and commands.permission is not None,
        teams=commands.teams if commands is not None else (),
    )


def _notes(settings: DaemonSettings) -> Finding:
    """Notes are pushed: of a repository on this machine it can be seen whether that will do."""
    path = remote.parse(settings.repository.url).path
    if path is None:
        said = "git notes in the repository: what opens it must be allowed to push to refs/notes/plumbline/"
        return Finding("forge", Grade.OK, said)
    objects = next((place for place in (path / "objects", path / ".git" / "objects") if place.exists()), path)
    if not os.access(objects, os.W_OK):
        advice = "let the daemon's user write there, or set forge: none"
        return Finding("forge", Grade.PROBLEM, f"git notes cannot be written: {objects} is not to be written", advice)
    return Finding("forge", Grade.OK, f"git notes, in {path}")
