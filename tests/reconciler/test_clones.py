"""Code of other repositories: what may be cloned, which commit a revision means, and what of it a run gets."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from planner.spec.catalogue import Connection
from reconciler import clones
from reconciler.clones import GitClones
from reconciler.errors import Refused, Transient
from reconciler.ports_clones import Asked
from reconciler.ports_sweep import Trimmed
from reconciler.source import hold
from reconciler.urls import Urls

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **who}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    """A repository with a branch, an annotated tag, and a tag that has the name of a branch."""
    folder = tmp_path / "lib"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name, content in (("first", "1"), ("second", "2"), ("third", "3")):
        (folder / "code.py").write_text(content)
        (folder / "run.sh").write_text("#!/bin/sh")
        (folder / "run.sh").chmod(0o755)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", name)
    git(folder, "tag", "-a", "v1", "-m", "one", "HEAD~1")
    git(folder, "branch", "next", "HEAD~2")
    git(folder, "tag", "next", "HEAD")
    return folder


def made(tmp_path: Path, url: str | Path = "", hosts: tuple[str, ...] = (), **schema: str) -> GitClones:
    said = {"url": str(url), **schema} if url else schema
    connection = Connection.model_validate({"name": "lib", "kind": "git", "schema": said})
    bucket = Connection.model_validate({"name": "s3", "kind": "s3", "schema": {"bucket": "s3://b"}})
    return GitClones(tmp_path / "clones", Urls(hosts), {"lib": connection, "s3": bucket})


def commit(lib: Path, revision: str) -> str:
    return git(lib, "rev-parse", f"{revision}^{{commit}}")


@pytest.mark.parametrize(
    ("revision", "expected"),
    [("", "main"), ("main", "main"), ("v1", "v1"), ("next", "refs/heads/next")],
    ids=["the-default-branch", "a-branch", "an-annotated-tag", "a-branch-before-a-tag-of-its-name"],
)
async def test_a_revision_is_one_commit(tmp_path, lib, revision, expected):
    assert await made(tmp_path, lib).commit_of(Asked(revision=revision, connection="lib")) == commit(lib, expected)


async def test_the_connection_may_name_the_revision_and_the_spec_another(tmp_path, lib):
    clones = made(tmp_path, lib, revision="v1")
    assert await clones.commit_of(Asked(connection="lib")) == commit(lib, "v1")
    assert await clones.commit_of(Asked(revision="main", connection="lib")) == commit(lib, "main")
    full = "a" * 40
    assert await clones.commit_of(Asked(revision=full, connection="lib")) == full


async def test_any_commit_is_had_without_its_history(tmp_path, lib):
    clones, asked = made(tmp_path, lib), Asked(connection="lib")
    for revision, content in (("main", "3"), ("main~2", "1"), ("v1", "2")):
        tree = await clones.tree_of(asked, commit(lib, revision))
        assert tree == git(lib, "rev-parse", f"{revision}^{{tree}}")
        dest = tmp_path / f"dest{content}"
        await clones.export(asked, tree, dest)
        assert sorted(path.name for path in dest.iterdir()) == ["code.py", "run.sh"]
        assert (dest / "code.py").read_text() == content
        assert (dest / "run.sh").stat().st_mode & 0o100


async def test_what_was_fetched_is_had_while_the_repository_is_away(tmp_path, lib):
    clones, asked, known = made(tmp_path, lib), Asked(connection="lib"), commit(lib, "main")
    tree = await clones.tree_of(asked, known)
    lib.rename(tmp_path / "away")
    assert await clones.tree_of(asked, known) == tree
    with pytest.raises(Transient, match="no git repository at"):
        await clones.commit_of(asked)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        pytest.param(Asked(revision="nothing", connection="lib"), "has no branch or tag `nothing`", id="unknown"),
        pytest.param(Asked(revision="--upload-pack=x", connection="lib"), "branch or tag|no revision", id="an-option"),
        pytest.param(Asked(revision="a..b", connection="lib"), "`a..b` names no revision", id="no-name-of-a-ref"),
        pytest.param(Asked(connection="other"), "`other` is not in the configuration", id="no-connection"),
        pytest.param(Asked(connection="s3"), "`s3` is of the kind s3", id="a-connection-of-another-kind"),
        pytest.param(Asked("https://evil.org/x"), "evil.org/x cannot be cloned: ", id="a-host-that-is-not-listed"),
        pytest.param(Asked("https://good.org:8443/x"), "cannot be cloned: ", id="another-port"),
        pytest.param(Asked("https://a:b@good.org/x"), "must not hold credentials", id="a-password"),
        pytest.param(Asked("/etc"), "a spec may name https addresses", id="a-path"),
        pytest.param(Asked("file:///etc"), "a spec may name https addresses", id="a-file"),
        pytest.param(Asked("git@good.org:x"), "a spec may name https addresses", id="ssh"),
        pytest.param(Asked("ext::sh -c id"), "remote helpers such as ext:: are not allowed", id="a-remote-helper"),
        pytest.param(Asked("--upload-pack=x"), "the address of a repository is a path", id="an-option-as-a-url"),
        pytest.param(Asked("https://good.org/x", "", "lib"), "is not on the host of the connection", id="elsewhere"),
    ],
)
async def test_what_is_refused_before_anything_is_asked(tmp_path, lib, asked, why):
    clones = made(tmp_path, lib, ("good.org",))
    with pytest.raises(Refused, match=why):
        await clones.commit_of(asked)


async def test_a_commit_that_is_nowhere_is_refused(tmp_path, lib):
    with pytest.raises(Refused, match=f"has no commit {'a' * 40}"):
        await made(tmp_path, lib).tree_of(Asked(connection="lib"), "a" * 40)


async def test_a_secret_that_cannot_be_read_names_the_connection(tmp_path):
    clones = made(tmp_path, "https://good.org/x", tokenFile="/nowhere", username="x")
    with pytest.raises(Refused, match=r"connection `lib` cannot be used: cannot read lib\.schema\.tokenFile"):
        await clones.commit_of(Asked(connection="lib"))


@pytest.fixture
def served(lib: Path) -> Iterator[str]:
    """The repository over plain HTTP, from a server that knows nothing of git: it gives no commit by its id."""
    git(lib, "update-server-info")
    handler = functools.partial(_Quiet, directory=str(lib / ".git"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


async def test_a_listed_host_is_cloned_from_also_where_it_gives_no_commit_by_id(tmp_path, lib, served):
    clones, asked = made(tmp_path, "", (served,)), Asked(f"http://{served}/", "main")
    tree = await clones.tree_of(asked, await clones.commit_of(asked))
    await clones.export(asked, tree, tmp_path / "dest")
    assert (tmp_path / "dest/code.py").read_text() == "3"
    with pytest.raises(Refused, match="cannot be cloned"):
        await made(tmp_path).commit_of(asked)


async def test_a_large_one_goes_on_while_whoever_asked_is_told_to_come_again(tmp_path, lib, monkeypatch):
    clones_, asked, known = made(tmp_path, lib), Asked(connection="lib"), commit(lib, "main")
    monkeypatch.setattr(clones, "_WAIT", 0.01)
    go, fetch = anyio.Event(), clones_._fetch

    async def slow(where: object, ident: str) -> None:
        await go.wait()
        await fetch(where, ident)

    clones_._fetch = slow
    async with anyio.create_task_group() as group:
        group.start_soon(clones_.run)
        await anyio.wait_all_tasks_blocked()
        for _ in range(2):
            with pytest.raises(Transient, match=r"waiting for the clone of .*, which goes on"):
                await clones_.tree_of(asked, known)
        monkeypatch.setattr(clones, "_WAIT", 20.0)
        go.set()
        assert await clones_.tree_of(asked, known) == git(lib, "rev-parse", "main^{tree}")
        group.cancel_scope.cancel()


async def test_copies_that_nothing_uses_go_and_come_again(tmp_path, lib):
    found = made(tmp_path, lib)
    asked = Asked(revision="main", connection="lib")
    await found.tree_of(asked, commit(lib, "main"))
    (copy,) = (tmp_path / "clones").iterdir()
    now = datetime.now(UTC)
    assert await found.trim(now - timedelta(hours=1), remove=True) == Trimmed()
    os.utime(copy / "git.lock", (0, 0))
    told = await found.trim(now - timedelta(hours=1), remove=False)
    assert (told.count, told.size > 0, copy.exists()) == (1, True, True)
    assert (await found.trim(now - timedelta(hours=1), remove=True)).count == 1
    assert not copy.exists()
    assert await found.tree_of(asked, commit(lib, "main")) == git(lib, "rev-parse", "main^{tree}")


async def test_a_copy_that_somebody_uses_stays(tmp_path, lib):
    found = made(tmp_path, lib)
    await found.tree_of(Asked(revision="main", connection="lib"), commit(lib, "main"))
    (copy,) = (tmp_path / "clones").iterdir()
    os.utime(copy / "git.lock", (0, 0))
    held = await hold.take(copy / "git.lock", 0)
    assert await found.trim(datetime.now(UTC), remove=True) == Trimmed()
    os.close(held)
    async with found._turns[copy.name]:
        assert await found.trim(datetime.now(UTC), remove=True) == Trimmed()
    assert copy.exists()


async def test_a_copy_with_very_many_commits_is_made_anew(tmp_path, lib):
    found = made(tmp_path, lib)
    await found.tree_of(Asked(revision="main", connection="lib"), commit(lib, "main"))
    (copy,) = (tmp_path / "clones").iterdir()
    packed = "".join(f"{n:040x} refs/plumbline/clones/{n:040x}\n" for n in range(1001))
    (copy / "mirror.git/packed-refs").write_text(packed)
    assert (await found.trim(datetime(2000, 1, 1, tzinfo=UTC), remove=True)).count == 1
    assert not copy.exists()
