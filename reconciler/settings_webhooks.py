"""Where forges tell of pushes and pull requests, and what they sign that with: part of the configuration.

Names secrets and never holds one. Nothing here opens or reads what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from planner.spec.clashes import Clash, Said, fault
from planner.spec.filled import Filled
from planner.spec.shape import Section
from reconciler.settings_api import HostPort
from reconciler.settings_forge import FullName

__all__ = ["WebhookSecret", "Webhooks"]


class WebhookSecret(Section):
    """A secret that a forge signs its webhooks with: in a file, or in a variable of the daemon."""

    file: Path | None = None
    """File that holds it; read anew at every delivery."""
    variable: str | None = None
    """Variable of the daemon's environment that holds it."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A file or a variable."""
        given = said.given("file", "variable")
        if len(given) != 1:
            message = "a secret of webhooks is a `file` or a `variable`"
            yield ("file", "variable"), fault("PL-209", message, "name one of them", tuple(given[1:]))


class Webhooks(Section):
    """Webhooks of the forge: hints that only have it asked sooner."""

    listen: HostPort
    """`host:port` that they are sent to, at the path `/webhook`. It speaks HTTP without TLS."""
    secrets: Annotated[tuple[WebhookSecret, ...], Filled()]
    """What they are signed with; more than one while secrets are rotated."""
    repository: FullName | None = None
    """Full name of the repository on its forge; what its URL says when left out."""
