"""`plumbline daemon`: start the daemon in the foreground. Everything else is `reconciler.daemon`'s."""

from __future__ import annotations

import typer

from reconciler import daemon
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import session_of
from reconciler.settings import load_settings

__all__ = ["run"]


def run(ctx: typer.Context) -> None:
    """Follow a repository and keep the world in line with it.

    Runs until SIGTERM or SIGINT; what it started goes on. SIGHUP reads the configuration again.
    """
    session = session_of(ctx)
    if session.config is None:
        raise Failure(Code.INPUT, "name the configuration: plumbline daemon -c daemon.yaml")
    settings = load_settings(session.config)
    if session.state is not None:
        settings = settings.model_copy(update={"state": session.state})
    daemon.run(settings, session.config)
