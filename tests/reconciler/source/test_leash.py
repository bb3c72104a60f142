"""What git processes of ours may see and do."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import subprocess
import threading
import time
from pathlib import Path

import anyio
import pytest

from reconciler.errors import Transient
from reconciler.source.follow import Deadlines
from reconciler.source.git import leash
from reconciler.source.notes import Notes
from reconciler.source.remote import Access, parse
from tests.contracts.source import MODULE
from tests.reconciler.source.remotes import EPOCH

pytestmark = [pytest.mark.process, pytest.mark.anyio]

TOKEN = "canary-token-31c9"


def processes_about(text: str) -> list[str]:
    """Command lines and environments of all processes that hold `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for name in ("cmdline", "environ"):
                data = (folder / name).read_bytes().decode("utf-8", "replace")
                if text in data and int(folder.name) != os.getpid():
                    found.append(f"{name}: {data}")
    return found


async def _none_left(text: str) -> None:
    until = time.monotonic() + 10
    while processes_about(text):
        assert time.monotonic() < until, processes_about(text)
        await anyio.sleep(0.02)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a repository as plain files, by the rules of `server.mode`."""

    def do_GET(self):
        server = self.server
        server.seen.append(self.headers.get("Authorization"))
        server.leaks += processes_about(TOKEN)
        wanted = "Basic " + base64.b64encode(f"ada:{TOKEN}".encode()).decode()
        if server.mode == "hang":
            server.release.wait(30)
        elif server.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{server.server_port + 0}/elsewhere{self.path}")
            self.end_headers()
        elif server.mode == "closed" or (server.mode == "login" and self.headers.get("Authorization") != wanted):
            self.send_response(403 if server.mode == "closed" else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_args):
        pass


@pytest.fixture
def serve(remote):
    servers = []

    def start(mode: str):
        remote.git("update-server-info")

        def handler(*args):
            return _Handler(*args, directory=str(remote.path))

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.mode, server.seen, server.leaks, server.release = mode, [], [], threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server, f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in servers:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_token_opens_the_remote_and_shows_nowhere(remote, follow, serve, tmp_path):
    tip = remote.commit({"a": b"1"})
    server, url = serve("login")
    source = follow(url, access=Access("ada", secret=lambda: TOKEN))
    assert (await source.fetch()).id == tip
    assert any(server.seen)
    assert server.leaks == []
    held = [file for file in (tmp_path / "state").rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    assert held == []


@pytest.mark.parametrize(
    ("mode", "access", "sentence"),
    [
        ("login", Access(), "no access to"),
        ("login", Access("ada", secret=lambda: "wrong-" + TOKEN), "no access to"),
        ("closed", Access("ada", secret=lambda: TOKEN), "no access to"),
        ("redirect", Access("ada", secret=lambda: TOKEN), "redirects elsewhere"),
    ],
)
async def test_a_remote_that_does_not_open(remote, follow, serve, mode, access, sentence):  # noqa: PLR0917  a table
    remote.commit({"a": b"1"})
    server, url = serve(mode)
    with pytest.raises(Transient, match=sentence) as said:
        await follow(url, access=access).fetch()
    assert TOKEN not in str(said.value)
    if mode == "redirect":
        assert server.seen == [None]


async def test_a_remote_that_is_not_there(follow, serve):
    server, url = serve("closed")
    server.shutdown()
    server.server_close()
    with pytest.raises(Transient, match="cannot reach"):
        await follow(url).fetch()
    with pytest.raises(Transient, match="cannot find the host"):
        await follow("https://nowhere.invalid/x", state="other").fetch()


async def test_an_ssh_host_that_is_not_known_is_refused(follow, tmp_path):
    source = follow("ssh://git@127.0.0.1:1/x", access=Access(ssh_key=tmp_path / "key", known_hosts=tmp_path / "known"))
    with pytest.raises(Transient):
        await source.head()


async def test_a_remote_that_hangs_costs_one_deadline(remote, follow, serve, tmp_path):
    remote.commit({"a": b"1"})
    _, url = serve("hang")
    source = follow(url, deadlines=Deadlines(ask=0.4, fetch=0.4))
    began = time.monotonic()
    with pytest.raises(Transient, match="did not end within"):
        await source.head()
    assert time.monotonic() - began < 5
    await _none_left(str(tmp_path / "state"))


async def test_a_cancelled_question_leaves_no_process(remote, follow, serve, tmp_path):
    remote.commit({"a": b"1"})
    _, url = serve("hang")
    source = follow(url)
    with anyio.move_on_after(0.5):
        await source.head()
    await _none_left(str(tmp_path / "state"))


@pytest.fixture
def trapped(remote, tmp_path):
    """A remote whose every hook leaves a mark, and whose configuration insists on them."""
    mark = tmp_path / "mark"
    hooks = remote.path / "hooks"
    names = ["pre-receive", "update", "post-receive", "post-update", "reference-transaction", "pre-auto-gc"]
    hooks.mkdir(exist_ok=True)
    for name in [*names, "proc-receive", "push-to-checkout", "post-commit", "pre-push", "fsmonitor-watchman"]:
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 0\n")
        (hooks / name).chmod(0o755)
    command = f"touch '{mark}'; git-upload-pack"
    remote.git("config", "core.hooksPath", str(hooks))
    remote.git("config", "core.fsmonitor", str(hooks / "post-update"))
    remote.git("config", "uploadpack.packObjectsHook", str(hooks / "post-update"))
    remote.git("config", "remote.origin.uploadpack", command)
    remote.git("config", "core.sshCommand", f"touch '{mark}'")
    remote.git("config", "core.alternateRefsCommand", f"touch '{mark}'")
    return mark


async def test_no_hook_of_the_remote_runs(remote, follow, trapped):
    tip = remote.commit({"a": b"1", "vendor": b"", ".gitmodules": b'[submodule "x"]\n\tpath = v\n\turl = ../x\n'})
    assert trapped.exists()  # the trap works: a person's own command ran into it
    trapped.unlink()
    source = follow()
    await source.fetch()
    await source.tree(tip)
    await source.pin(tip, "x")
    await source.tidy()
    await Notes(source).write({tip: lambda _: "note\n"}, EPOCH)
    (remote.path / "reftable").mkdir()
    await source.head()
    assert not trapped.exists()


async def test_nothing_of_the_surroundings_reaches_git(remote, follow, monkeypatch, tmp_path):
    tip = remote.commit({"a": b"1"})
    mark = tmp_path / "mark"
    config = tmp_path / "user" / ".gitconfig"
    config.parent.mkdir()
    config.write_text(f'[url "/nowhere/"]\n\tinsteadOf = {remote.path}\n[core]\n\tfsmonitor = touch {mark}\n')
    for name, value in {
        "HOME": str(config.parent),
        "XDG_CONFIG_HOME": str(config.parent),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_DIR": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "nonsense",
        "GIT_EXEC_PATH": "/nowhere",
        "GIT_SSH_COMMAND": f"touch {mark}",
        "GIT_TRACE": str(mark),
        "GIT_TEMPLATE_DIR": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    source = follow()
    assert (await source.fetch()).id == tip
    (remote.path / "reftable").mkdir()
    assert await source.head() == tip
    assert not mark.exists()


def test_the_environment_is_from_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY", "x")
    made = leash(tmp_path / "held", parse("/nowhere"), Access())
    done = made.run(["-c", "alias.show=!env", "show"], 20)
    names = {line.split(b"=")[0].decode() for line in done.out.splitlines()}
    assert "CANARY" not in names
    allowed = {"PATH", "HOME", "LC_ALL", "LANGUAGE", "PWD", "OLDPWD", "SHLVL", "_"}
    assert {name for name in names if not name.startswith("GIT_")} <= allowed
    shown = made.run(["config", "--list", "--show-origin"], 20).out.decode()
    assert all(line.startswith(("file:" + str(tmp_path), "command line:")) for line in shown.splitlines())


@pytest.mark.parametrize("url", ["ext::touch {}", "--upload-pack=touch {}"])
async def test_an_attack_by_address_works_on_bare_git_and_not_here(remote, tmp_path, url):
    remote.commit({"a": b"1"})
    mark = tmp_path / "mark"
    attack = url.format(mark)
    bare = ["git", "-c", "protocol.ext.allow=always", "ls-remote", attack, str(remote.path)]
    await anyio.to_thread.run_sync(lambda: subprocess.run(bare, check=False, capture_output=True))
    assert mark.exists()
    mark.unlink()
    held = leash(tmp_path / "held", parse(str(remote.path)), Access())
    said = await held.call(["ls-remote", "--", attack], 20)
    assert not said.ok
    assert not mark.exists()


async def test_a_submodule_is_never_fetched(remote, follow, tmp_path):
    mark = tmp_path / "mark"
    modules = f'[submodule "v"]\n\tpath = v\n\turl = ext::touch {mark}\n\tupdate = !touch {mark}\n'
    from reconciler.source.memory_remote import Module

    tip = remote.commit({".gitmodules": modules.encode(), "v": Module(MODULE)})
    source = follow()
    with contextlib.suppress(Transient):  # newer git refuses such a file by fsck
        await source.fetch()
        await source.export({"": (await source.tree(tip)).at("")}, tmp_path / "out")
    assert not mark.exists()


def test_output_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("reconciler.source.talk._STDOUT", 1000)
    made = leash(tmp_path / "held", parse("/nowhere"), Access())
    with pytest.raises(Transient, match="answered more than"):
        made.run(["-c", "alias.much=!yes", "much"], 20)
    done = made.run(["-c", "alias.much=!yes error | head -c 200000 >&2; echo end >&2", "much"], 20)
    assert len(done.err) <= 16 << 10
    assert done.err.endswith("end\n")
