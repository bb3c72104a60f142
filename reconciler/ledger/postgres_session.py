"""A session with a PostgreSQL server: how it is opened, what it is set to, and the lock that it holds.

A session that holds the lock is the one daemon of its database. The server takes the lock back with the session: when
its process ends, when the network fails, and when nothing was heard of it for `Server.silence`, as of a process that
was stopped. This module must never know a table.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from reconciler.errors import Transient, Unusable
from reconciler.ledger.postgres_faults import words

__all__ = ["Held", "Server", "Session", "connect", "end", "lock", "name_of"]

_Row = tuple[Any, ...]
_LOCK = 0x706C756D
"""The upper half of the number of our locks; the lower half is the schema."""
_OLDEST = 130000
_UNLESS_SAID = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Parameters of libpq where the URL has none: a server that vanished is noticed within half a minute."""
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.02


def _no_password() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """Where a ledger is in PostgreSQL, and for how long what is waited for.

    Attributes:
        url: as libpq takes it, without a password.
        password: gives the password, asked at each connection; None for none.
        wait: seconds that opening waits for the server, and for another daemon to end.
        patience: seconds to wait for a lock inside of a transaction.
        statement: seconds that one statement may take.
        silence: seconds after which the server ends a session that says nothing.
        stalled: the same in the middle of a transaction; `silence` when left out.
    """

    url: str
    password: Callable[[], str | None] = _no_password
    wait: float = 10.0
    patience: float = 5.0
    statement: float = 60.0
    silence: float = 60.0
    stalled: float | None = None


class Held(Transient):
    """Another session has the lock."""


@dataclass(frozen=True, slots=True)
class Session:
    """What tells a session from all others, also after it ended."""

    pid: int
    since: Any


def name_of(url: str) -> str:
    """A URL for people: its user, hosts and database, and nothing that may be a secret."""
    place, slash, path = url.partition("://")[2].partition("?")[0].partition("/")
    who, at, hosts = place.rpartition("@")
    return f"postgresql://{who.partition(':')[0]}{at}{hosts}{slash}{path}"


def connect(server: Server, instance: str) -> tuple[psycopg.Connection[Any], Session]:
    """A new session, set up. Every statement of it is a transaction of its own unless one is begun.

    Raises:
        Transient: the server cannot be reached, or lets nobody in now.
        Unusable: the URL is wrong, or the server too old.
    """
    name = name_of(server.url)
    try:
        said = conninfo_to_dict(server.url)
    except psycopg.ProgrammingError as error:
        raise Unusable(f"ledger.url is wrong: {words(error)}") from None
    more: dict[str, Any] = {key: value for key, value in _UNLESS_SAID.items() if key not in said}
    password = server.password()
    if password is not None:
        more["password"] = password
    who = f"plumbline pid {os.getpid()} on {socket.gethostname()} ({instance})"
    try:
        connection = psycopg.connect(
            server.url,
            autocommit=True,
            # A plan that is kept from when a table had few rows would still read all of it when it has many.
            prepare_threshold=None,
            client_encoding="UTF8",
            application_name=who[:63],
            **more,
        )
    except psycopg.Error as error:
        raise Transient(f"cannot reach the state in {name}: {words(error)}") from None
    try:
        return connection, _set_up(connection, server)
    except BaseException:
        connection.close()
        raise


def _set_up(connection: psycopg.Connection[Any], server: Server) -> Session:
    version = connection.info.server_version
    if version < _OLDEST:
        name = name_of(server.url)
        raise Unusable(f"the server of the state in {name} is too old: PostgreSQL 13 or later is needed")
    settings = {
        "lock_timeout": server.patience,
        "statement_timeout": server.statement,
        # A process that is stopped in the middle of a transaction would hold up everybody.
        "idle_in_transaction_session_timeout": server.silence if server.stalled is None else server.stalled,
        **({"idle_session_timeout": server.silence} if version >= 140000 else {}),
    }
    for setting, seconds in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (setting, str(int(seconds * 1000))))
    # Durable when a commit returns, whatever the server's default; one that waits for more than its own disk stays.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    )
    connection.execute("SELECT set_config('jit', 'off', false)")
    row = _row(connection, "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    return Session(*(row or (0, None)))


def end(connection: psycopg.Connection[Any], old: Session) -> None:
    """End an earlier session of ours, which may still be committing, and wait until it is gone.

    Raises:
        Transient: it is still there.
    """
    deadline = time.monotonic() + _END_SECONDS
    while _row(connection, _END, (old.pid, old.since)) != (0,):
        if time.monotonic() > deadline:
            raise Transient("the server has not ended an earlier connection of ours yet")
        time.sleep(_LOOK_SECONDS)


def lock(connection: psycopg.Connection[Any], name: str) -> None:
    """Take the lock of the schema for as long as this session lasts.

    Raises:
        Held: another session has it; the message says which.
        Unusable: there is no schema.
    """
    (schema,) = _row(connection, "SELECT oid FROM pg_namespace WHERE nspname = current_schema()") or (None,)
    if schema is None:
        raise Unusable(f"there is no schema for the state in {name}: make the one that `search_path` names")
    if _row(connection, "SELECT pg_try_advisory_lock(%s::bigint)", ((_LOCK << 32) | int(schema),)) == (True,):
        return
    found = _row(connection, _HOLDER, (_LOCK, int(schema)))
    who, since = found or ("it has just let go", None)
    said = f"{who or 'unknown'}{f', since {since:%Y-%m-%dT%H:%M:%SZ}' if since else ''}"
    raise Held(f"another daemon has the state in {name} ({said}); stop it first")


_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid = %s AND backend_start = %s AND pid <> pg_backend_pid()
"""
_HOLDER = """
SELECT application_name, backend_start AT TIME ZONE 'UTC' FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _row(
    connection: psycopg.Connection[Any], statement: LiteralString, values: tuple[Any, ...] = ()
) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    return row
