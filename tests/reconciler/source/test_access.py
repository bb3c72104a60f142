"""What opens a remote: settings that fit its protocol, files that can serve, and a token that is read at every use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import Transient, Unusable
from reconciler.settings import RemoteAccess
from reconciler.source.access import access_to
from reconciler.source.remote import ANONYMOUS, parse

pytestmark = pytest.mark.unit

HTTPS, SSH, LOCAL = "https://forge.example/team/models.git", "git@forge.example:team/models.git", "/srv/git/models.git"


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder with a token, a key and host keys as they should be."""
    for name in ("token", "key", "hosts", "authorities"):
        (tmp_path / name).write_text(f"the {name}\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path


def test_https(held: Path) -> None:
    asked = RemoteAccess(
        username="ada",
        token_file=held / "token",
        certificates=held / "authorities",
        proxies={"https_proxy": "http://proxy.example:3128"},
    )
    access = access_to(parse(HTTPS), asked)
    assert (access.username, access.certificates) == ("ada", held / "authorities")
    assert access.proxies == {"https_proxy": "http://proxy.example:3128"}
    assert access.secret is not None
    assert access.secret() == "the token"
    (held / "token").write_text("another")
    assert access.secret() == "another"
    (held / "token").unlink()
    with pytest.raises(Transient, match=r"cannot read repository\.access\.tokenFile .*: No such file"):
        access.secret()


def test_ssh(held: Path) -> None:
    access = access_to(parse(SSH), RemoteAccess(ssh_key=held / "key", known_hosts=held / "hosts"))
    assert (access.ssh_key, access.known_hosts, access.secret) == (held / "key", held / "hosts", None)


def test_nothing_opens_a_public_remote_or_one_on_this_machine() -> None:
    assert access_to(parse(LOCAL), RemoteAccess()) is ANONYMOUS
    assert access_to(parse(HTTPS), RemoteAccess()) == ANONYMOUS


@pytest.mark.parametrize(
    ("url", "asked", "sentence"),
    [
        (HTTPS, {"ssh_key": "key"}, "repository.access.sshKey does not belong to an https remote"),
        (SSH, {"token_file": "token"}, "repository.access.tokenFile does not belong to an ssh remote"),
        (LOCAL, {"known_hosts": "hosts"}, "repository.access.knownHosts does not belong to one on this machine"),
        (HTTPS, {"username": "ada"}, "has no repository.access.tokenFile"),
        (SSH, {}, "an ssh remote needs repository.access.sshKey"),
        (SSH, {"ssh_key": "key"}, "an ssh remote needs repository.access.knownHosts"),
        (HTTPS, {"token_file": "nothing"}, "cannot read repository.access.tokenFile"),
        (HTTPS, {"certificates": "."}, "Is a directory"),
        (HTTPS, {"proxies": {"ftp_proxy": "x"}}, "unknown proxy setting ftp_proxy"),
    ],
)
def test_what_cannot_serve_is_said(held: Path, url: str, asked: dict[str, object], sentence: str) -> None:
    files = {"ssh_key", "known_hosts", "token_file", "certificates"}
    named = {name: held / str(value) if name in files else value for name, value in asked.items()}
    with pytest.raises(Unusable, match=sentence):
        access_to(parse(url), RemoteAccess.model_validate(named))


@pytest.mark.parametrize(("name", "mode"), [("token", 0o604), ("key", 0o640)])
def test_a_secret_that_others_can_read_is_refused(held: Path, name: str, mode: int) -> None:
    (held / name).chmod(mode)
    url, asked = (
        (HTTPS, RemoteAccess(token_file=held / "token"))
        if name == "token"
        else (SSH, RemoteAccess(ssh_key=held / "key", known_hosts=held / "hosts"))
    )
    with pytest.raises(Unusable, match="can be read by others: chmod 600"):
        access_to(parse(url), asked)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to somebody else")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o444, False)])
def test_a_key_of_another_user_may_be_read_by_our_group(held: Path, mode: int, taken: bool) -> None:
    """A secret that is mounted into a pod is root's."""
    os.chown(held / "key", 65_532, 65_532)
    (held / "key").chmod(mode)
    asked = RemoteAccess(ssh_key=held / "key", known_hosts=held / "hosts")
    if taken:
        assert access_to(parse(SSH), asked).ssh_key == held / "key"
    else:
        with pytest.raises(Unusable, match="can be read by others"):
            access_to(parse(SSH), asked)
