"""The daemon's own configuration, for commands that do what the daemon does: `daemon`, `move-ledger`."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session
from reconciler.settings import DaemonSettings, load_settings

__all__ = ["configured"]


def configured(session: Session, command: str) -> tuple[DaemonSettings, Path]:
    """The settings that a session names, with its state folder, and the file that they are in.

    Args:
        session: the common options.
        command: which asks, for the hint.

    Raises:
        Failure: no configuration is named.
        Unusable: it is wrong.
    """
    if session.config is None:
        raise Failure(Code.INPUT, f"name the configuration: plumbline {command} -c daemon.yaml")
    settings = load_settings(session.config)
    if session.state is not None:
        settings = settings.model_copy(update={"state": session.state})
    return settings, session.config
