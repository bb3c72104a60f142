"""Where a daemon cannot work it ends with 3 and says in a sentence what is wrong; never a traceback."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.harness import Place, environment, health, job, may_mount, mounted
from tests.ports import free_port

pytestmark = pytest.mark.process

FILE = "daemon.yaml"
WRONG = {
    "no-yaml": ("repository: [\n", (f"{FILE}:2:1: ",)),
    "duplicate": ("repository: {url: /r}\nrepository: {url: /s}\n", (f"{FILE}:2:1: ",)),
    "no-repository": ("instance: a\n", (f"{FILE}:1:1: ", "`repository`")),
    "typo": ("repositry: {url: /r}\n", (f"{FILE}:1:1: ", "did you mean `repository`?")),
    "deep-typo": (
        "repository: {url: /r}\nbackends:\n  local:\n    runAtOnce: 1\n",
        (f"{FILE}:4:5: ", "did you mean `runsAtOnce`?"),
    ),
    "type": ("repository: {url: /r}\nbudgets:\n  starts: many\n", (f"{FILE}:3:11: ", "`starts`")),
    "choice": ("repository: {url: /r}\nforge: gitlub\n", (f"{FILE}:2:8: ", "`notes`")),
    "duration": ("repository: {url: /r, poll: soon}\n", (f"{FILE}:1:29: ", "`soon` is not a duration")),
    "option": ("repository: {url: --upload-pack=x}\n", (f"{FILE}:1:19: ", "URL")),
    "name": ("repository: {url: /r}\ninstance: a b\n", (f"{FILE}:2:11: ", "`a b` is not a name")),
    "two": (
        "repository: {url: /r}\nforge: gitlub\nbudgets: {starts: many}\n",
        (f"{FILE}:2:8: ", f"{FILE}:3:19: "),
    ),
    "empty": ("", (f"{FILE}: ", "`repository`")),
    "binary": ("repository: \x00\n", (f"{FILE}:1:13: ",)),
    "no-address": ("repository: {url: /r}\napi: {health: 8060}\n", (f"{FILE}:2:15: ", "`health`")),
    "no-port": ("repository: {url: /r}\napi:\n  health: localhost\n", (f"{FILE}:3:11: ", "host:port")),
    "everywhere": ("repository: {url: /r}\napi: {health: '0.0.0.0:8060'}\n", (f"{FILE}:2:15: ", "loopback")),
    "everywhere-6": ("repository: {url: /r}\napi: {health: '[::]:8060'}\n", (f"{FILE}:2:15: ", "loopback")),
    "another-host": ("repository: {url: /r}\napi: {health: '192.0.2.1:8060'}\n", (f"{FILE}:2:15: ", "loopback")),
    "a-name": ("repository: {url: /r}\napi: {health: 'example.org:8060'}\n", (f"{FILE}:2:15: ", "loopback")),
    "port": ("repository: {url: /r}\napi: {health: '127.0.0.1:99999'}\n", (f"{FILE}:2:15: ", "host:port")),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_configuration_is_said_with_its_places(place: Place, text: str, words: tuple[str, ...]) -> None:
    place.config.write_text(text)
    said = refused(place)
    assert "the configuration is wrong" in said
    for word in words:
        assert word in said
    assert not place.state.exists()


def refused(place: Place) -> str:
    """What a daemon says that does not come up; nothing of it stays."""
    daemon = place.launch()
    code = daemon.wait()
    said = place.log.read_text()
    assert code == 3, said
    assert "Traceback" not in said
    assert said.count("plumbline: ") == 1
    sentence = said.partition("plumbline: ")[2]
    assert "exception" not in sentence.lower()
    place.log.unlink()
    return sentence


def test_a_second_daemon_names_the_first(place: Place) -> None:
    first = place.start()
    assert refused(place) == f"another daemon (pid {first.pid}) has the state folder {place.state}; stop it first\n"
    assert place.answers()
    first.kill()
    place.start()


def _move(place: Place) -> None:
    place.bare.rename(place.base / "elsewhere.git")


def _long_name(place: Place) -> None:
    place.configure(repository={"url": f"/srv/{'a' * 300}"})


def _long_branch(place: Place) -> None:
    place.configure(repository={"url": str(place.bare), "branch": "b" * 300})


def _huge_settings(place: Place) -> None:
    place.push({".plumbline.yaml": "#" * (17 << 20)})


def _file_for_state(place: Place) -> None:
    place.state.write_text("")


def _file_above_state(place: Place) -> None:
    (place.base / "file").write_text("")
    place.configure(state=str(place.base / "file" / "state"))


def _folder_for_ledger(place: Place) -> None:
    (place.state / "ledger.sqlite").mkdir(parents=True)


def _text_for_ledger(place: Place) -> None:
    place.state.mkdir()
    (place.state / "ledger.sqlite").write_text("this is no database, whatever its name says\n" * 100)


def _other_database(place: Place) -> None:
    place.state.mkdir()
    with closing(sqlite3.connect(place.state / "ledger.sqlite")) as other:
        other.execute("CREATE TABLE music (title)")


def _file_for_runs(place: Place) -> None:
    place.runs.write_text("")


def _no_folder_for_an_environment(place: Place) -> None:
    place.configure(local={"environments": {"image": "/does/not/exist"}})


def _unknown_user(place: Place) -> None:
    place.configure(local={"user": "nobody-of-that-name"})


def _url_without_meaning(place: Place) -> None:
    place.configure(repository={"url": "ftp://example.org/repo.git"})


def _bad_branch(place: Place) -> None:
    place.configure(repository={"url": str(place.bare), "branch": "a..b"})


CANNOT: dict[str, tuple[Callable[[Place], None], str]] = {
    "no-repository": (_move, "nothing is known of the repository yet"),
    "huge-settings": (_huge_settings, ".plumbline.yaml has 17,825,792 bytes, more than the 16,777,216"),
    "long-name": (_long_name, "File name too long"),
    "long-branch": (_long_branch, "File name too long"),
    "file-for-state": (_file_for_state, "cannot use the state folder"),
    "file-above-state": (_file_above_state, "cannot use the state folder"),
    "folder-for-ledger": (_folder_for_ledger, "ledger.sqlite"),
    "text-for-ledger": (_text_for_ledger, "no Plumbline state"),
    "other-database": (_other_database, "is no Plumbline state"),
    "file-for-runs": (_file_for_runs, "runs"),
    "environment": (_no_folder_for_an_environment, "backends.local.environments"),
    "user": (_unknown_user, "backends.local.user"),
    "url": (_url_without_meaning, "ftp"),
    "branch": (_bad_branch, "a..b"),
}


@pytest.mark.parametrize(("prepare", "words"), CANNOT.values(), ids=CANNOT.keys())
def test_surroundings_that_do_not_allow_it(place: Place, prepare: Callable[[Place], None], words: str) -> None:
    place.push({"a.yaml": job("a", "true")})
    prepare(place)
    assert words in refused(place)
    assert place.starts() == []


def test_a_state_folder_that_cannot_be_made(place: Place) -> None:
    place.configure(state="/proc/plumbline/state")
    assert "cannot use the state folder /proc/plumbline/state: " in refused(place)


if may_mount():

    def test_a_state_folder_that_cannot_be_written(place: Place) -> None:
        """Root may write everywhere but to a read-only file system."""
        with mounted(place.state, "ro"):
            assert f"cannot use the state folder {place.state}: Read-only file system" in refused(place)


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", *(["[::1]"] if _has_ipv6() else [])])
def test_health_is_answered_on_loopback(place: Place, host: str) -> None:
    address = f"{host}:{free_port()}"
    place.configure(api={"health": address})
    place.start()
    assert health(address, "/healthz")[0] == 200


def test_a_health_port_in_use(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        place.configure(api={"health": address})
        assert refused(place).startswith(f"cannot listen on {address} (api.health): Address already in use")


def _ledger(place: Place, statement: str) -> str:
    place.start().end()
    place.log.unlink()
    with closing(sqlite3.connect(place.state / "ledger.sqlite")) as ledger:
        ledger.execute(statement)
        ledger.commit()
    return refused(place)


def test_a_ledger_of_a_newer_version(place: Place) -> None:
    said = _ledger(place, "UPDATE alembic_version SET version_num = '9999'")
    assert "was written by a newer Plumbline (schema 9999" in said


def test_a_ledger_of_another_instance(place: Place) -> None:
    place.start().end()
    place.log.unlink()
    place.configure(instance="other")
    assert "belongs to the instance 'default', not 'other'" in refused(place)


def test_a_damaged_ledger(place: Place) -> None:
    place.push({"a.yaml": job("a", "true")})
    place.start().end()
    place.log.unlink()
    ledger = place.state / "ledger.sqlite"
    ledger.write_bytes(b"\xff" * 100 + ledger.read_bytes()[100:])
    for beside in ("-wal", "-shm"):
        Path(f"{ledger}{beside}").unlink(missing_ok=True)
    assert "damaged or no Plumbline state" in refused(place)


def test_a_missing_git(place: Place, tmp_path: Path) -> None:
    """Only a process of its own finds out: the nursery has git already."""
    command = [sys.executable, "-m", "reconciler.cli", "daemon", "-c", str(place.config)]
    env = {**environment(), "PATH": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    words = "plumbline: git was not found: install git 2.38 or later and put it on PATH\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", words)
