"""Each check says when all is well, and what to do in each of its bad cases."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.doctor import backend, forge, ledger, machine, reached, repository, secrets
from reconciler.doctor.examine import CHECKS, examine
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ledger import schema
from reconciler.ledger.sqlite import open_sqlite
from reconciler.ports_checked import Checked, Finding, Grade, Wanted
from reconciler.settings import DaemonSettings, load_settings
from reconciler.source import surroundings
from tests.e2e.harness import git

pytestmark = [pytest.mark.process, pytest.mark.anyio]

OK, WARNING, PROBLEM = Grade.OK, Grade.WARNING, Grade.PROBLEM
LONG = "a-secret-that-is-long-enough"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A repository with a commit on `main`."""
    folder, work = tmp_path / "repo.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(folder))
    git(tmp_path, "clone", "-q", str(folder), str(work))
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    git(work, "commit", "-q", "--allow-empty", "-m", "first")
    git(work, "push", "-q", "origin", "HEAD:refs/heads/main")
    return folder


def settings(folder: Path, more: str = "", url: str = "/srv/r.git", branch: str = "main") -> DaemonSettings:
    """A configuration with its state in `folder`."""
    path = folder / "daemon.yaml"
    path.write_text(f"repository: {{url: '{url}', branch: {branch}}}\nstate: {folder / 'state'}\n{more}")
    return load_settings(path)


def secret(folder: Path, text: str = LONG, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def grades(found: Sequence[Finding]) -> list[Grade]:
    return [one.grade for one in found]


def only(found: Sequence[Finding]) -> Finding:
    (one,) = found
    return one


def times(folder: Path) -> dict[Path, int]:
    """When each thing below a folder was changed last."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


# --- this machine ---


async def test_a_folder_that_is_to_be_made_can_be(tmp_path: Path) -> None:
    found = await machine.state(settings(tmp_path))
    assert grades(found) == [OK, OK]
    assert "is made at the start" in found[0].said
    assert not (tmp_path / "state").exists()


async def test_a_folder_that_others_can_enter_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    found = (await machine.state(settings(tmp_path)))[0]
    assert (found.grade, found.advice) == (WARNING, f"chmod 700 {tmp_path}/state; the daemon does it too")


async def test_a_state_folder_that_is_a_file_or_below_one_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert grades(await machine.state(settings(tmp_path)))[0] is PROBLEM
    below = settings(tmp_path).model_copy(update={"state": tmp_path / "state" / "deeper"})
    found = (await machine.state(below))[0]
    assert found.grade is PROBLEM
    assert "cannot be written" in found.said


async def test_a_folder_of_somebody_else_is_said_to_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root looks at what others own")
    (tmp_path / "state").mkdir(mode=0o700)
    os.chown(tmp_path / "state", 54_321, 54_321)
    found = (await machine.state(settings(tmp_path)))[0]
    assert (found.grade, found.advice) == (WARNING, "check again as user 54321, if the daemon runs as that")


@pytest.mark.parametrize(
    ("room", "files", "grade"),
    [(50 << 20, 10**6, PROBLEM), (500 << 20, 10**6, WARNING), (5 << 30, 10**6, OK), (5 << 30, 10, PROBLEM)],
)
async def test_the_room_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, files: int, grade: Grade
) -> None:
    facts = SimpleNamespace(f_bavail=room // 4096, f_frsize=4096, f_files=10**7, f_favail=files)
    monkeypatch.setattr(os, "statvfs", lambda _: facts)
    found = only(await machine.disk(settings(tmp_path)))
    assert found.grade is grade
    assert (found.advice != "") == (grade is not OK)


async def test_an_address_that_is_taken_is_a_problem(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = only(await machine.listeners(settings(tmp_path, f"pages: {{listen: '127.0.0.1:{port}'}}\n")))
        assert (found.grade, "(pages.listen)" in found.said) == (PROBLEM, True)
    free = settings(tmp_path, f"api: {{health: '127.0.0.1:{port}'}}\n")
    assert only(await machine.listeners(free)).grade is OK


@contextlib.contextmanager
def answering(folder: Path) -> Iterator[None]:
    """Somebody who answers on the socket of a state folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.chdir(folder), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("plumbline.sock")
        listener.listen(8)
        yield


async def test_a_daemon_that_runs_is_told_and_left_alone(tmp_path: Path) -> None:
    said = settings(tmp_path, "pages: {listen: '127.0.0.1:8061'}\n")
    assert only(await machine.daemon(said)).said.startswith("none runs")
    with answering(tmp_path / "state"):
        assert only(await machine.daemon(said)).said.startswith("one runs")
        assert await machine.listeners(said) == []
        assert "in use by the daemon that runs" in only(await ledger.ledger(said)).said
    # A socket that nobody answers on was left by one that was killed.
    assert only(await machine.daemon(said)).said.startswith("none runs")


# --- git and the repository ---


async def test_git_tells_its_version(tmp_path: Path) -> None:
    found = only(await repository.git(settings(tmp_path)))
    assert (found.grade, found.said.startswith("git 2.")) == (OK, True)


async def test_without_git_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(program: str) -> str:
        raise Unusable(f"{program} was not found: install it and put it on PATH")

    monkeypatch.setattr(surroundings, "find", missing)
    found = only(await examine(settings(tmp_path), {"git": repository.git}))
    assert (found.grade, "install it" in found.said) == (PROBLEM, True)


async def test_a_repository_that_answers(tmp_path: Path, bare: Path) -> None:
    found = only(await repository.reached(settings(tmp_path, url=str(bare))))
    assert found.grade is OK
    assert "main is at" in found.said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "branch", "words"),
    [
        ("repo.git", "other", "has no branch other"),
        ("nothing.git", "main", "nothing.git"),
        ("repo.git", "a..b", "a..b"),
    ],
)
async def test_a_repository_that_cannot_be_followed(
    tmp_path: Path, bare: Path, name: str, branch: str, words: str
) -> None:
    found = only(await repository.reached(settings(tmp_path, url=str(bare.parent / name), branch=branch)))
    assert found.grade is PROBLEM
    assert words in found.said
    assert found.advice


class Host(http.server.BaseHTTPRequestHandler):
    """A forge whose clock is off."""

    skew: timedelta | None = timedelta(0)

    def do_HEAD(self) -> None:
        self.send_response_only(404)
        if self.skew is not None:
            self.send_header("Date", format_datetime(datetime.now(UTC) + self.skew, usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def host(skew: timedelta | None) -> Iterator[int]:
    kind = type("Skewed", (Host,), {"skew": skew})
    with http.server.HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("skew", "grade"),
    [(timedelta(0), OK), (timedelta(seconds=60), WARNING), (timedelta(hours=-1), PROBLEM), (None, WARNING)],
)
async def test_the_clock_is_compared_with_that_of_the_host(
    tmp_path: Path, skew: timedelta | None, grade: Grade
) -> None:
    with host(skew) as port:
        found = only(await repository.clock(settings(tmp_path, url=f"http://127.0.0.1:{port}/r.git")))
    assert found.grade is grade


async def test_a_host_that_does_not_answer_leaves_the_clock_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = only(await repository.clock(settings(tmp_path, url=f"http://127.0.0.1:{port}/r.git")))
    assert (found.grade, "could not be compared" in found.said) == (WARNING, True)
    assert await repository.clock(settings(tmp_path)) == []


@pytest.mark.parametrize(
    ("seconds", "grade", "words"),
    [(0, OK, "within"), (29, OK, "within"), (45, WARNING, "45 s ahead of"), (-300, PROBLEM, "300 s behind")],
)
async def test_two_clocks(seconds: int, grade: Grade, words: str) -> None:
    there = datetime(2026, 11, 26, tzinfo=UTC)
    found = repository.clock_said("forge.example", there, there + timedelta(seconds=seconds))
    assert found.grade is grade
    assert words in found.said


# --- the ledger ---


async def made(folder: Path, instance: str = "default") -> Path:
    file = folder / "state" / "ledger.sqlite"
    await (await open_sqlite(file, instance, "project")).close()
    return file


def edit(file: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(statement)


async def test_a_ledger_of_this_version_and_none_are_fine(tmp_path: Path) -> None:
    assert only(await ledger.ledger(settings(tmp_path))).grade is OK
    file = await made(tmp_path)
    before = sorted(path.name for path in file.parent.iterdir())
    assert only(await ledger.ledger(settings(tmp_path))).said.endswith("that of this version")
    assert sorted(path.name for path in file.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("statement", "grade", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", PROBLEM, "newer Plumbline (schema 9999)"),
        (f"UPDATE alembic_version SET version_num = '{schema.REVISIONS[0]}'", WARNING, "the next start brings it to"),
        ("UPDATE meta SET instance = 'other'", PROBLEM, "belongs to the instance 'other'"),
        ("DELETE FROM meta", PROBLEM, "is no ledger, or is damaged"),
        ("DROP TABLE alembic_version", PROBLEM, "is no ledger, or is damaged"),
    ],
)
async def test_a_ledger_that_does_not_fit(tmp_path: Path, statement: str, grade: Grade, words: str) -> None:
    edit(await made(tmp_path), statement)
    found = only(await ledger.ledger(settings(tmp_path)))
    assert found.grade is grade
    assert words in found.said
    assert found.advice


async def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ledger.sqlite").write_bytes(b"no ledger at all" * 1000)
    assert only(await ledger.ledger(settings(tmp_path))).grade is PROBLEM


async def test_a_server_that_is_away_and_a_file_that_was_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = settings(tmp_path, f"ledger: {{url: 'postgresql://ada@127.0.0.1:{port}/none', wait: 1}}\n")
    assert only(await examine(said, {"ledger": ledger.ledger})).grade is PROBLEM
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ledger.sqlite").write_text("")
    assert "move-ledger" in only(await ledger.ledger(said)).advice


# --- the backend ---


async def test_processes_of_this_machine(tmp_path: Path) -> None:
    found = await backend.backend(settings(tmp_path, "backends: {local: {allowRoot: true}}\n"))
    assert found[0].grade is OK
    assert PROBLEM not in grades(found)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("backends: {local: {allowRoot: true, environments: {'a:1': /no/where}}}\n", "which is no folder"),
        ("backends: {local: {user: nobody-of-that-name}}\n", "no user of this machine"),
        ("backend: engine\nbackends: {engine: {allowRoot: true, socket: /no/where.sock}}\n", "cannot be reached"),
        ("backend: kubernetes\nbackends: {kubernetes: {kubeconfig: /no/where}}\n", "no kubeconfig at /no/where"),
    ],
)
async def test_a_backend_that_is_not_there(tmp_path: Path, more: str, words: str) -> None:
    found = only(await examine(settings(tmp_path, more), {"backend": backend.backend}))
    assert found.grade is PROBLEM
    assert words in found.said


class Cluster(http.server.BaseHTTPRequestHandler):
    """An API server that says who may what."""

    protocol_version = "HTTP/1.1"
    refused: frozenset[tuple[str, str]] = frozenset()

    def do_GET(self) -> None:
        self._answer({"gitVersion": "v1.37.0"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["spec"]["resourceAttributes"]
        self._answer({"status": {"allowed": (asked["verb"], asked["resource"]) not in self.refused}})

    def _answer(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("refused", "grade", "words"),
    [
        (frozenset(), OK, "Kubernetes v1.37.0: runs can run there"),
        (frozenset({("create", "jobs"), ("list", "pods")}), PROBLEM, "refuses create jobs in ml, list pods in ml"),
    ],
)
async def test_a_cluster_says_what_may_be_done_there(
    tmp_path: Path, refused: frozenset[Any], grade: Grade, words: str
) -> None:
    kind = type("Refusing", (Cluster,), {"refused": refused})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            where = tmp_path / "kubeconfig"
            where.write_text(
                json.dumps(
                    {
                        "current-context": "c",
                        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                        "users": [{"name": "u", "user": {"token": "t"}}],
                    }
                )
            )
            more = f"backend: kubernetes\nbackends: {{kubernetes: {{kubeconfig: {where}, namespace: ml}}}}\n"
            found = only(await backend.backend(settings(tmp_path, more)))
        finally:
            server.shutdown()
            thread.join()
    assert found.grade is grade
    assert words in found.said


# --- forge, secrets, pages ---


async def test_where_commits_say_nothing_that_is_said(tmp_path: Path, bare: Path) -> None:
    assert only(await forge.forge(settings(tmp_path, "forge: none\n"))).grade is WARNING
    assert only(await forge.forge(settings(tmp_path, url=str(bare)))).grade is OK
    assert only(await forge.forge(settings(tmp_path, url="https://forge.example/team/r.git"))).grade is OK


GITHUB = "forge: {{kind: github, tokenFile: {}}}\n"


@pytest.mark.parametrize("mode", [0o600, 0o644])
async def test_a_forge_is_asked_what_its_token_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    asked: list[Wanted] = []

    class Asked:
        async def check(self, wanted: Wanted) -> Sequence[Finding]:
            asked.append(wanted)
            return [Finding("forge", PROBLEM, "the token may do nothing", "take another")]

    said = settings(tmp_path, GITHUB.format(secret(tmp_path, mode=mode)), url="https://github.com/team/models.git")
    if mode == 0o600:
        monkeypatch.setattr(forge, "forge_of", lambda *_: Asked())
        assert only(await forge.forge(said)).said == "the token may do nothing"
        assert asked == [Wanted(comments=True)]
        monkeypatch.setattr(forge, "forge_of", lambda *_: object())
        assert "cannot be asked" in only(await forge.forge(said)).said
    else:
        found = only(await examine(said, {"forge": forge.forge}))
        assert (found.grade, "can be read by others" in found.said) == (PROBLEM, True)


COMMANDS = "commands: {permission: write, teams: [team/devs]}\n"
APP = "forge: {{kind: github, app: {{id: 12, keyFile: {}}}}}\n"


@pytest.mark.parametrize(
    ("more", "branch", "wanted"),
    [
        ("", "main", Wanted(comments=True, checks=True)),
        ("", "null", Wanted(checks=True)),
        ("previews: {pulls: false}\n", "main", Wanted(checks=True)),
        (COMMANDS, "main", Wanted(comments=True, checks=True, commands=True, permission=True, teams=("team/devs",))),
        ("commands: {users: [ada]}\n", "main", Wanted(comments=True, checks=True, commands=True)),
    ],
)
async def test_a_forge_is_asked_for_what_the_configuration_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, branch: str, wanted: Wanted
) -> None:
    asked: list[Wanted] = []

    class Asked:
        async def check(self, wanted: Wanted) -> Sequence[Finding]:
            asked.append(wanted)
            return []

    monkeypatch.setattr(forge, "forge_of", lambda *_: Asked())
    key, url = secret(tmp_path), "https://github.com/team/models.git"
    await forge.forge(settings(tmp_path, APP.format(key) + more, url=url, branch=branch))
    assert asked == [wanted]


async def test_notes_that_cannot_be_written(tmp_path: Path, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    found = only(await forge.forge(settings(tmp_path, url=str(bare))))
    assert (found.grade, found.advice != "") == (PROBLEM, True)


HOOKS = "webhooks: {{listen: '127.0.0.1:8071', secrets: [{{{}}}], repository: a/b}}\n"


@pytest.mark.parametrize(
    ("text", "mode", "grade", "words"),
    [
        (LONG, 0o600, OK, "1 secret"),
        ("short", 0o600, PROBLEM, "fewer than 16"),
        (LONG, 0o644, PROBLEM, "can be read by others"),
    ],
)
async def test_the_secret_of_webhooks(tmp_path: Path, text: str, mode: int, grade: Grade, words: str) -> None:
    said = settings(tmp_path, HOOKS.format(f"file: {secret(tmp_path, text, mode)}"))
    found = only(await secrets.webhooks(said))
    assert found.grade is grade
    assert words in found.said
    assert text not in f"{found.said}{found.advice}" or text == "short"


async def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    for one in ("file: /no/where", "variable: PLUMBLINE_NO_SUCH"):
        assert only(await secrets.webhooks(settings(tmp_path, HOOKS.format(one)))).grade is PROBLEM
    assert await secrets.webhooks(settings(tmp_path)) == []


CHANNEL = "connections: [{{name: team, kind: webhook, schema: {{{}}}}}]\n"


@pytest.mark.parametrize(
    ("schema_", "grade", "words"),
    [
        ("url: 'https://hooks.example/secret-path'", OK, "team leads to hooks.example"),
        ("urlFile: /no/where", PROBLEM, "cannot be read"),
        ("urlVariable: PLUMBLINE_NO_SUCH", PROBLEM, "no variable PLUMBLINE_NO_SUCH"),
        ("url: 'https://hooks.example/', tokenFile: /no/where", PROBLEM, "cannot be read"),
    ],
)
async def test_what_people_are_told_through(tmp_path: Path, schema_: str, grade: Grade, words: str) -> None:
    found = only(await secrets.notifications(settings(tmp_path, CHANNEL.format(schema_))))
    assert found.grade is grade
    assert words in found.said
    assert "secret-path" not in found.said


async def test_what_opens_the_store(tmp_path: Path) -> None:
    more = "artifactsStore: {{url: 'file://{}', optionFiles: {{x: /no/where}}}}\n"
    assert await secrets.store(settings(tmp_path)) == []
    found = only(await examine(settings(tmp_path, more.format(tmp_path)), {"store": secrets.store}))
    assert (found.grade, "cannot be read" in found.said) == (PROBLEM, True)


READER = f"api: {{tokens: [{{name: ada, sha256: {'ab' * 32}, scopes: [read]}}]}}\n"


@pytest.mark.parametrize(
    ("more", "grade", "words"),
    [
        ("", WARNING, "there are none"),
        ("pages: {url: 'https://a.example'}\n", WARNING, "nothing answers"),
        ("pages: {listen: '127.0.0.1:8061'}\n", WARNING, "no status links to them"),
        (f"{READER}pages: {{listen: '127.0.0.1:8061', url: 'http://a.example'}}\n", WARNING, "without TLS"),
        (f"{READER}pages: {{listen: '127.0.0.1:8061', url: 'https://a.example'}}\n", OK, "with a token"),
        ("pages: {listen: '127.0.0.1:8061', url: 'http://127.0.0.1:8061'}\n", OK, "without a token"),
    ],
)
async def test_the_pages(tmp_path: Path, more: str, grade: Grade, words: str) -> None:
    found = only(await reached.pages(settings(tmp_path, more)))
    assert found.grade is grade
    assert words in found.said


# --- all of them ---


def failing(error: Exception) -> Callable[[DaemonSettings], Awaitable[Sequence[Finding]]]:
    async def check(_: DaemonSettings) -> Sequence[Finding]:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unusable("not so"), "not so"),
        (Transient("not now"), "not now"),
        (Refused("never"), "never"),
        (TimeoutError(), "no answer within"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (RuntimeError("canary"), "a fault of ours (RuntimeError)"),
    ],
)
async def test_a_check_that_fails_is_a_finding_and_the_others_go_on(
    tmp_path: Path, error: Exception, words: str
) -> None:
    found = await examine(settings(tmp_path), {"first": failing(error), "pages": reached.pages})
    assert [one.what for one in found] == ["first", "pages"]
    assert found[0].grade is PROBLEM
    assert words in found[0].said
    assert "canary" not in found[0].said


async def test_all_of_them_change_nothing(tmp_path: Path, bare: Path) -> None:
    await made(tmp_path)
    said = settings(tmp_path, "backends: {local: {allowRoot: true}}\n", url=str(bare))
    before = times(tmp_path)
    found = await examine(said)
    assert times(tmp_path) == before
    assert PROBLEM not in grades(found)
    assert {one.what for one in found} >= {"daemon", "git", "repository", "ledger", "backend", "forge", "pages"}
    assert set(CHECKS) >= {one.what for one in found} - {"runs folder"}


async def test_something_that_can_be_asked_has_the_ability() -> None:
    class Asked:
        async def check(self, wanted: Wanted) -> Sequence[Finding]:
            return []

    assert isinstance(Asked(), Checked)
    assert not isinstance(object(), Checked)
