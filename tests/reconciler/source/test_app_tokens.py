"""Git with tokens of GitHub's App: who gets which, for how long, and what happens where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from planner.model.pulls import Pull
from reconciler.configured_source import check_source, is_opened_by_app, source_of
from reconciler.doctor import forge, repository
from reconciler.doctor.examine import examine
from reconciler.errors import Transient, Unusable
from reconciler.ports_checked import Grade
from reconciler.settings import DaemonSettings, load_settings
from reconciler.source.heads import Heads
from reconciler.source.notes import Notes
from reconciler.source.reaching import ClosedError
from reconciler.source.repository import GitSource
from tests.forges.apps import APP, PEM
from tests.forges.host import Host, hosted
from tests.forges.state import Person, Reply
from tests.reconciler.source.remotes import EPOCH, GitRemote
from tests.reconciler.source.test_leash import processes_about
from tests.reconciler.source.test_notes import REF, add

pytestmark = [pytest.mark.process, pytest.mark.anyio]

SUSPENDED = Reply(403, {"message": "This installation has been suspended"})
ABSENT = Reply(404, {"message": "Not Found"})


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def remote(tmp_path: Path) -> GitRemote:
    (tmp_path / "git" / "team").mkdir(parents=True)
    return GitRemote(tmp_path / "git" / "team" / "models.git")


@pytest.fixture
def host(remote: GitRemote, tmp_path: Path, clock: Hand) -> Iterator[Host]:
    remote.git("config", "http.receivepack", "true")
    with hosted(tmp_path / "git", remote.environment, clock=clock) as made:
        yield made


def key_of(folder: Path) -> Path:
    path = folder / "app.pem"
    path.write_text(PEM)
    path.chmod(0o600)
    return path


def configured(folder: Path, url: str, api: str = "", **more: str) -> DaemonSettings:
    """A configuration whose forge is opened by an App; `more` are lines of it by their section."""
    path = folder / "daemon.yaml"
    where = f"url: '{api}', " if api else ""
    path.write_text(
        f"repository: {{url: '{url}', branch: main{more.get('repository', '')}}}\nstate: {folder / 'state'}\n"
        f"forge: {{kind: github, {where}app: {{id: {APP}, keyFile: '{key_of(folder)}'}}{more.get('forge', '')}}}\n"
        f"{more.get('rest', '')}"
    )
    return load_settings(path)


def at_host(folder: Path, host: Host, **more: str) -> DaemonSettings:
    return configured(folder, f"{host.origin}/team/models.git", f"{host.origin}/api", **more)


@contextlib.asynccontextmanager
async def following(settings: DaemonSettings, folder: Path, clock: Hand) -> AsyncIterator[GitSource]:
    async with contextlib.AsyncExitStack() as made:
        yield source_of(settings, folder / "mirror", clock, made)


async def test_git_reads_with_a_token_that_may_do_nothing_else(remote, host, tmp_path, clock):
    tip = remote.commit({"a": b"1"})
    leaks: list[str] = []
    host.before = lambda _: leaks.extend(processes_about("canary-1"))
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        assert (await source.fetch()).id == tip
        second = remote.commit({"a": b"2"})
        assert (await source.fetch()).id == second
        assert (await source.tree(second)).entries
    assert host.apps.bodies == [{"repositories": ["models"], "permissions": {"contents": "read"}}]
    assert len(host.served) >= 6
    assert leaks == []
    held = [path for path in tmp_path.rglob("*") if path.is_file() and b"canary-1" in path.read_bytes()]
    assert held == []


async def test_what_stays_on_this_machine_needs_no_token(remote, host, tmp_path, clock):
    tip = remote.commit({"a": b"1"})
    settings = at_host(tmp_path, host)
    async with following(settings, tmp_path, clock) as source:
        await source.fetch()
    host.apps.odd = SUSPENDED
    async with following(settings, tmp_path, clock) as source:
        await source.pin(tip, "kept")
        assert await source.pins() == {"kept": tip}
        assert await source.is_ancestor(tip, tip)
        assert (await source.tree(tip)).entries
        await source.tidy()
    assert host.apps.asked == 1


async def test_a_token_is_had_anew_before_its_hour_ends(remote, host, tmp_path, clock):
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        for number in range(13):
            tip = remote.commit({"a": b"%d" % number})
            assert (await source.fetch()).id == tip
            clock.move(15)
    assert host.apps.made == 4
    assert host.refused == []


async def test_a_token_that_ends_in_the_middle_of_a_fetch_is_had_anew(remote, host, tmp_path, clock):
    tip = remote.commit({"a": b"1"})
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        await source.head()
        ended = []

        def end(path: str) -> None:
            # Git has seen the refs and comes for the objects, with the token that it was given.
            if path.endswith("/git-upload-pack") and host.served[-1].endswith("git-upload-pack") and not ended:
                ended.append(path)
                clock.move(61)

        host.before = end
        assert (await source.fetch()).id == tip
    assert len(ended) == 1
    assert host.refused == ended
    assert host.apps.made == 2


async def test_one_that_was_revoked_is_had_anew_once_and_then_it_is_said(remote, host, tmp_path, clock):
    tip = remote.commit({"a": b"1"})
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        await source.head()
        clock.move(10)
        host.forge.state.tokens.clear()
        assert (await source.fetch()).id == tip
        assert (len(host.refused), host.apps.made) == (1, 2)
        # Whoever stands before the host takes none at all.
        host.before = lambda _: host.forge.state.tokens.clear()
        clock.move(10)
        for _ in range(5):
            with pytest.raises(Transient, match="no access to"):
                await source.head()
        assert host.apps.made == 3
        assert (await source.commit(tip)).id == tip


@pytest.mark.parametrize(
    ("odd", "words"), [(SUSPENDED, "unsuspend"), (ABSENT, "install the App")], ids=["suspended", "not installed"]
)
async def test_an_app_without_tokens_is_told_and_not_asked_for_again_at_once(remote, host, tmp_path, clock, odd, words):  # noqa: PLR0917
    tip = remote.commit({"a": b"1"})
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        await source.fetch()
        clock.move(60)
        host.apps.odd = odd
        pull = Pull("7", "1" * 40, "refs/pull/7/head", "main", fork=True)
        for _ in range(20):
            with pytest.raises(ClosedError, match=words):
                await source.head()
            # Nothing is wrong with the pull request itself, so it must not be given up for good.
            with pytest.raises(ClosedError, match=words):
                await Heads(source).bring(pull)
        assert host.apps.asked == 2
        assert (await source.commit(tip)).id == tip


async def test_too_few_permissions_are_said(remote, host, tmp_path, clock):
    remote.commit({"a": b"1"})
    del host.apps.granted["contents"]
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        with pytest.raises(Transient, match=r"422 \(The permissions requested .*must accept the permissions"):
            await source.fetch()


async def test_heads_of_pull_requests_come_by_the_same_token(remote, host, tmp_path, clock):
    remote.commit({"a": b"1"})
    head = remote.commit({"a": b"2"}, branch="theirs")
    remote.git("update-ref", "refs/pull/7/head", head)
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        await source.fetch()
        clock.move(58)
        shelf = await Heads(source).bring(Pull("7", head, "refs/pull/7/head", "main", fork=True))
        assert shelf.head.is_dir()
    assert host.apps.made == 2
    assert host.refused == []


async def test_the_token_pushes_nothing_whatever_the_app_may(remote, host, tmp_path, clock):
    tip = remote.commit({"a": b"1"})
    host.apps.granted["contents"] = "write"
    async with following(at_host(tmp_path, host), tmp_path, clock) as source:
        await source.fetch()
        with pytest.raises(Transient, match="no access to"):
            await Notes(source).write({tip: add("one")}, EPOCH)
    assert remote.git("for-each-ref", REF) == ""


@pytest.mark.parametrize(
    ("url", "api", "more", "opened"),
    [
        ("https://github.com/team/models.git", "", {}, True),
        ("https://github.com/team/models", "https://api.github.com", {}, True),
        ("https://github.com/Team/Models.git", "", {"forge": ", repository: team/models"}, True),
        ("https://ghe.example.org/team/models.git", "", {}, True),
        ("https://ghe.example.org/team/models.git", "https://ghe.example.org/api/v3", {}, True),
        ("https://octo.ghe.com/team/models.git", "https://api.octo.ghe.com", {}, True),
        ("http://127.0.0.1:3000/team/models.git", "http://127.0.0.1:3000/api/v3", {}, True),
        ("https://github.com/team/models.git", "https://ghe.example.org/api/v3", {}, False),
        ("https://github.com.evil.example/team/models.git", "https://api.github.com", {}, False),
        ("https://ghe.example.org:8443/team/models.git", "https://ghe.example.org/api/v3", {}, False),
        ("http://127.0.0.1:3000/team/models.git", "http://127.0.0.1:3001/api/v3", {}, False),
        ("http://127.0.0.1:3000/team/models.git", "https://127.0.0.1:3000/api/v3", {}, False),
        ("https://github.com/team/models.git", "", {"forge": ", repository: team/other"}, False),
        ("/srv/git/models.git", "https://api.github.com", {"forge": ", repository: team/models"}, False),
        ("git@github.com:team/models.git", "", {"repository": ", access: {sshKey: KEY, knownHosts: KEY}"}, False),
        ("https://github.com/team/models.git", "", {"repository": ", access: {tokenFile: KEY}"}, False),
    ],
)
async def test_whom_the_tokens_of_the_app_open(tmp_path, clock, url, api, more, opened):  # noqa: PLR0917  a table
    more = {name: text.replace("KEY", str(key_of(tmp_path))) for name, text in more.items()}
    settings = configured(tmp_path, url, api, **more)
    check_source(settings)
    assert is_opened_by_app(settings) is opened
    async with following(settings, tmp_path, clock) as source:
        assert (source.origin.access.tokens is not None) is opened
        assert "tokens=" not in repr(source.origin)


def test_a_key_that_others_can_read_is_no_key(tmp_path):
    settings = configured(tmp_path, "https://github.com/team/models.git")
    (tmp_path / "app.pem").chmod(0o644)
    with pytest.raises(Unusable, match="can be read by others"):
        check_source(settings)


async def test_the_doctor_reaches_the_repository_by_the_app(remote, host, tmp_path):
    tip = remote.commit({"a": b"1"})
    host.apps.clock.at = datetime.now(UTC)  # the doctor's clock is that of the machine
    settings = at_host(tmp_path, host)
    (found,) = await repository.reached(settings)
    assert (found.grade, tip[:10] in found.said, found.said.endswith("with a token of the App")) == (
        Grade.OK,
        True,
        True,
    )
    host.apps.odd = SUSPENDED
    (found,) = await repository.reached(settings)
    assert (found.grade, "unsuspend" in found.said) == (Grade.PROBLEM, True)
    assert not (tmp_path / "state").exists()


async def test_the_doctor_says_what_the_app_may_not(remote, host, tmp_path):
    remote.commit({"a": b"1"})
    host.apps.clock.at = datetime.now(UTC)
    host.forge.state.people[3] = Person("ada", teams=("team/devs",))
    settings = at_host(tmp_path, host, rest="commands: {teams: [team/devs]}\n")
    fine, *found = await forge.forge(settings)
    assert (fine.grade, [one.grade for one in found]) == (Grade.OK, [Grade.WARNING] * 2)
    assert ["Checks: write" in found[0].said, "Members: read" in found[1].said] == [True, True]
    host.apps.granted |= {"checks": "write", "members": "read"}
    (fine,) = await forge.forge(settings)
    host.apps.odd = SUSPENDED
    (found,) = await examine(settings, {"forge": forge.forge})
    assert (found.grade, "unsuspend" in found.said) == (Grade.PROBLEM, True)
