"""Secrets that the configuration names, where nothing asks for them before they are needed: whether they are there.

Each is read and let go of. What it must never do: say one, or send one anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread

from reconciler.configured import channels_of, store_of
from reconciler.errors import Refused, Unusable
from reconciler.messages import HttpChannel
from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings, environment
from reconciler.webhooks.secrets import Secrets

__all__ = ["notifications", "store", "webhooks"]


async def webhooks(settings: DaemonSettings) -> Sequence[Finding]:
    """What webhooks are signed with; nothing where there are none."""
    hooks = settings.webhooks
    if hooks is None:
        return []
    try:
        await to_thread.run_sync(Secrets, hooks.secrets, environment())
    except Unusable as error:
        return [Finding("webhooks", Grade.PROBLEM, error.message, "docs/webhooks.md has how to make one")]
    count = len(hooks.secrets)
    said = f"{count} secret{'s' if count != 1 else ''} to check them with; the forge must have the same"
    return [Finding("webhooks", Grade.OK, said)]


async def notifications(settings: DaemonSettings) -> Sequence[Finding]:
    """The connections that people are told through. Nobody is told anything."""
    found = []
    for name, channel in channels_of(settings).items():
        if not isinstance(channel, HttpChannel):
            continue
        try:
            host = await channel.ready()
            found.append(Finding("notifications", Grade.OK, f"{name} leads to {host}"))
        except Refused as error:
            advice = f"mend it: until then nobody is told anything through {name}"
            found.append(Finding("notifications", Grade.PROBLEM, f"{name}: {error.message}", advice))
    return found


async def store(settings: DaemonSettings) -> Sequence[Finding]:
    """The store of artifacts; nothing where there is none."""
    if settings.artifacts_store is None:
        return []
    await to_thread.run_sync(store_of, settings)
    said = f"what opens {settings.artifacts_store.url} is there; it was not asked"
    return [Finding("artifacts store", Grade.OK, said)]
