"""Real PostgreSQL servers for tests: each in a folder of its own, on a Unix socket in it, gone at the end.

One server a process of pytest, one database a test, made from a template. A server of their own have the tests that
kill it, and those that need its disk. The programs come from `scripts/postgres-setup`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from planner.model.people import ProjectRecord
from reconciler import codec
from reconciler.ledger import schema

ROLE = "plumbline"
PATIENCE = 60.0
PORT = 5432


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest; None on a machine that has none."""
    folders = [Path(found).resolve().parent for found in (shutil.which("initdb"),) if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: -int(one.parent.name))
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def demand_programs() -> Path:
    """The same; what cannot be tested is said, and is a failure where nobody looks."""
    found = programs()
    if found is None:
        message = "NOTHING OF POSTGRESQL IS TESTED: no initdb here; run scripts/postgres-setup, or install PostgreSQL"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


class PostgresServer:
    """A server in a folder; `start` and `stop` as often as wanted."""

    def __init__(self, *, durable: bool = False) -> None:
        """`durable`: whether it waits for its disk."""
        self._programs = demand_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="plumbline-pg-"))
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count()
        # PostgreSQL refuses to run as root.
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        options = ("--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", ROLE)
        command = self._command("initdb", "-D", str(self.folder / "data"), *options)
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
        if done.returncode:
            shutil.rmtree(self.folder)
            pytest.fail(f"initdb: {done.stderr}")

    def _command(self, program: str, *words: str) -> list[str]:
        become: list[str] = []
        if self._user is not None:
            become = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        # It ends with this process, however that ends.
        return ["setpriv", *become, "--pdeathsig", "QUIT", str(self._programs / program), *words]

    def start(self, **settings: str) -> PostgresServer:
        """Run it, and wait until it answers."""
        said = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "unix_socket_permissions": "0777",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "max_connections": "40",
            "shared_buffers": "32MB",
            "autovacuum": "off",
            **settings,
        }
        words = [word for name, value in said.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            command = self._command("postgres", "-D", str(self.folder / "data"), *words)
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(psycopg.OperationalError), self.connect("postgres"):
                return self
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is a fast shutdown, SIGQUIT one without any tidying, as of a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def remove(self) -> None:
        """End it and leave nothing."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, database: str, role: str = ROLE) -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """A connection of the one who may do everything; each statement is a transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with self.connect(database) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def make(self, template: str = "template1", more: str = "") -> str:
        """A new database; returns its name."""
        name = f"ledger_{next(self._names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {more}")
        return name

    def empty(self, database: str) -> None:
        """Make a ledger as it was when it was new."""
        tables = [table.name for table in schema.metadata.sorted_tables if table.name not in {"meta", "project"}]
        new = codec.encode(ProjectRecord("project"))
        rest = ["UPDATE meta SET sequence = 0, fence = 0, term = 0", f"UPDATE project SET body = '{new}'"]
        self.run("; ".join([*(f"DELETE FROM {table}" for table in tables), *rest]), database)

    @contextlib.contextmanager
    def with_password(self, role: str, password: str) -> Iterator[None]:
        """Let a role in that must say a password."""
        self.run(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
        hba = self.folder / "data" / "pg_hba.conf"
        before = hba.read_text()
        hba.write_text(f"local all {role} scram-sha-256\n{before}")
        self.run("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            hba.write_text(before)
            self.run("SELECT pg_reload_conf()")

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this process, which forgets what it promised when it crashes."""
    server = PostgresServer()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    name = postgres.make()
    yield postgres.url(name)
    postgres.drop(name)
