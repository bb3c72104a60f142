"""`plumbline daemon`: start the daemon in the foreground. Everything else is `reconciler.daemon`'s."""

from __future__ import annotations

import typer

from reconciler import daemon
from reconciler.cli.configured import configured
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(ctx: typer.Context) -> None:
    """Follow a repository and keep the world in line with it.

    Runs until SIGTERM or SIGINT; what it started goes on. SIGHUP reads the configuration again.
    """
    settings, path = configured(session_of(ctx), "daemon")
    daemon.run(settings, path)
