"""The ledger: whether it can be had, of which version it is, and whose.

A file is read as it lies, without a lock and without a file beside it: the daemon's user may be another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread

from reconciler.doctor.machine import is_running
from reconciler.ledger import schema
from reconciler.ledgers import FILE, is_known
from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings

__all__ = ["ledger"]


async def ledger(settings: DaemonSettings) -> Sequence[Finding]:
    """The ledger of the configuration."""
    file = settings.state_folder / FILE
    if settings.ledger is not None:
        if file.exists():
            said = f"{file} is a ledger too, and the daemon does not begin anew beside it"
            return [Finding("ledger", Grade.PROBLEM, said, "plumbline move-ledger brings what is in it to the server")]
        known = await is_known(settings)
        return [Finding("ledger", Grade.OK, f"its server answers, and has {'one' if known else 'none yet'}")]
    if is_running(settings):
        return [Finding("ledger", Grade.OK, f"{file} is in use by the daemon that runs")]
    if not file.exists():
        return [Finding("ledger", Grade.OK, f"there is none yet; the first start makes {file}")]
    return [await to_thread.run_sync(_file, file, settings.instance)]


def _file(file: Path, instance: str) -> Finding:
    try:
        connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True, timeout=2.0)
        try:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            whose = connection.execute("SELECT instance FROM meta").fetchone()[0]
        finally:
            connection.close()
    except (sqlite3.Error, TypeError):
        advice = "put a backup in its place, or name another state folder"
        return Finding("ledger", Grade.PROBLEM, f"{file} is no ledger, or is damaged", advice)
    if version not in schema.REVISIONS:
        said = f"{file} was written by a newer Plumbline (schema {version})"
        return Finding("ledger", Grade.PROBLEM, said, "use that version, or a backup from before the upgrade")
    if whose != instance:
        said = f"{file} belongs to the instance {whose!r}, not {instance!r}"
        return Finding("ledger", Grade.PROBLEM, said, "set that instance, or name another state folder")
    if version != schema.REVISIONS[-1]:
        said = f"{file} has schema {version}, and the next start brings it to {schema.REVISIONS[-1]}"
        return Finding(
            "ledger", Grade.WARNING, said, "make a copy of it before: an older Plumbline will not read it then"
        )
    return Finding("ledger", Grade.OK, f"{file} has schema {version}, that of this version")
