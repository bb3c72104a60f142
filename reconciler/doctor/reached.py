"""The pages: whether what commits link to leads to them. Asks nobody, as the address may be good for others only."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings
from reconciler.settings_api import is_loopback

__all__ = ["pages"]


async def pages(settings: DaemonSettings) -> Sequence[Finding]:
    """What the settings of pages come to."""
    said = settings.pages
    if said.listen is None and said.url is None:
        advice = "set pages.listen and pages.url, so that a status leads to its reasons; docs/pages.md"
        return [Finding("pages", Grade.WARNING, "there are none: statuses link to nothing", advice)]
    if said.listen is None:
        return [
            Finding("pages", Grade.WARNING, f"statuses link to {said.url}, and nothing answers", "set pages.listen")
        ]
    if said.url is None:
        advice = f"set pages.url, such as http://{said.listen}, so that statuses link to them"
        return [Finding("pages", Grade.WARNING, f"they are at {said.address}, and no status links to them", advice)]
    parts = urlsplit(said.url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        advice = "put a proxy with TLS before them: tokens can be read on their way"
        return [Finding("pages", Grade.WARNING, f"{said.url} is without TLS", advice)]
    asked = "with a token" if said.asks else "from this machine, without a token"
    return [Finding("pages", Grade.OK, f"read at {said.url}, {asked}")]
