"""The ledger that the configuration names: a file of the state folder, or a database on a server.

Decides nothing about what is in it. The driver of a server is loaded only where one is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from planner.compile.given import ONE_MACHINE
from reconciler.errors import Transient, Unusable
from reconciler.ledger.sql import SqlLedger
from reconciler.ledger.sqlite import open_sqlite
from reconciler.settings import DaemonSettings, environment
from reconciler.settings_ledger import LedgerServer

if TYPE_CHECKING:
    from reconciler.ledger.postgres_session import Server

__all__ = ["FILE", "is_known", "note_sight", "open_ledger", "server_of"]

FILE = "ledger.sqlite"
"""In the state folder."""
_SEEN_FROM_HERE = "ledger.id"
"""In a state folder: the id of the ledger on a server whose local runs are known here."""


async def is_known(settings: DaemonSettings) -> bool:
    """Whether there is a ledger already, or something else in its place.

    Raises:
        Unusable: nobody can tell, in one sentence.
        Transient: its server cannot be reached.
    """
    if settings.ledger is None:
        return (settings.state_folder / FILE).exists()
    server = server_of(settings.ledger)
    from reconciler.ledger.postgres import is_there  # noqa: PLC0415  only where it is installed

    return await is_there(server)


async def open_ledger(settings: DaemonSettings, project: str, term: int | None = None) -> SqlLedger:
    """Open it, or make it for `project`. Nobody else writes to it for as long as it is open.

    Args:
        settings: say where it is.
        project: name of the project, for a new one.
        term: number of the leader, where an election says who may open it; only for a server.

    Raises:
        Unusable: it cannot be kept there, or another daemon has it.
        Transient: its server cannot be reached, or its disk is full.
    """
    file = settings.state_folder / FILE
    if settings.ledger is None:
        return await open_sqlite(file, settings.instance, project, alone=True)
    if file.exists():
        raise Unusable(
            f"the ledger of before is in {file}, and ledger.url names another one, which knows nothing of its runs; "
            "`plumbline move-ledger` brings it there; or leave ledger out of the configuration, or move that file away "
            "to begin anew"
        )
    server = server_of(settings.ledger)
    if settings.election is not None:
        # A leader that was stopped in the middle of a transaction holds up the next one for no longer than its lease.
        server = replace(server, stalled=settings.election.duration.total_seconds())
    from reconciler.ledger.postgres import open_postgres  # noqa: PLC0415  only where it is installed

    ledger = await open_postgres(server, settings.instance, project, term=term)
    try:
        await _demand_sight(settings, ledger)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await ledger.close()
        raise
    return ledger


async def _demand_sight(settings: DaemonSettings, ledger: SqlLedger) -> None:
    """Make sure that what runs can be seen: a backend of one machine knows it in the state folder.

    Raises:
        Unusable: something runs that is known elsewhere; from here it would be lost, and would be started again.
    """
    if settings.backend not in ONE_MACHINE:
        return
    file = settings.state_folder / _SEEN_FROM_HERE
    claims = await ledger.claims()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = file.read_text() if file.exists() else ""
        if claims and known != ledger.ident:
            raise Unusable(
                f"{claims[0].key} and what else runs was started from another state folder, and cannot be seen from "
                f"{settings.state_folder}: use that folder; or, if it is gone with all that ran, write {ledger.ident} "
                f"to {file}, and what ran counts as lost"
            )
        note_sight(settings, ledger.ident)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"cannot use {file}: {getattr(error, 'strerror', None) or 'it is no text'}") from None


def note_sight(settings: DaemonSettings, ident: str) -> None:
    """Note that local runs of the ledger `ident`, which is on a server, are known in this state folder.

    Raises:
        OSError: it cannot be written.
    """
    (settings.state_folder / _SEEN_FROM_HERE).write_text(ident)


def server_of(said: LedgerServer) -> Server:
    """The server that the configuration names.

    Raises:
        Unusable: its driver is missing, or the password cannot be had.
    """
    try:
        from reconciler.ledger.postgres_session import Server  # noqa: PLC0415  only where it is installed
    except ImportError as error:
        raise Unusable(
            f"ledger.url needs the driver of PostgreSQL: pip install 'plumbline-gitops[postgres]' ({error})"
        ) from None
    password = _password(said)
    try:
        password()
    except Transient as error:
        raise Unusable(error.message) from None
    return Server(said.url, password, wait=said.wait.total_seconds())


def _password(said: LedgerServer) -> Callable[[], str | None]:
    """Gives the password, as it is when it is asked for."""

    def read() -> str | None:
        if said.password_file is not None:
            return _from_file(said.password_file.expanduser())
        if said.password_variable is not None:
            value = environment().get(said.password_variable)
            if not value:
                raise Transient(f"ledger.passwordVariable: the daemon has no variable {said.password_variable}")
            return value
        return None

    return read


def _from_file(path: Path) -> str:
    try:
        value, mode = path.read_text(encoding="utf-8").strip(), path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Transient(f"ledger.passwordFile: {path} cannot be read: {reason}") from None
    if mode & 0o007:
        raise Transient(f"ledger.passwordFile: {path} can be read by others: chmod 600 {path}")
    return value
