"""Who is let in, as the configuration says it: secrets from files and variables, and the repository's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.clock import WallClock
from reconciler.configured import exposed
from reconciler.errors import Unusable
from reconciler.settings import DaemonSettings, load_settings
from reconciler.webhooks.door import door_of, full_name
from reconciler.webhooks.signatures import Secret
from tests.reconciler.webhooks.deliveries import KEY, SECRET, SIGNING

pytestmark = pytest.mark.unit


def settings(tmp_path: Path, webhooks: str, url: str = "https://forge.example.org/team/models.git") -> DaemonSettings:
    path = tmp_path / "daemon.yaml"
    path.write_text(f"repository: {{url: '{url}'}}\nwebhooks: {webhooks}\n")
    return load_settings(path)


def secret_file(tmp_path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


NAMES = {
    "https": ("https://forge.example.org/team/models.git", "team/models"),
    "no-suffix": ("https://forge.example.org/team/models", "team/models"),
    "slash": ("https://forge.example.org/team/models/", "team/models"),
    "port": ("https://forge.example.org:8443/team/models.git", "team/models"),
    "subgroups": ("https://forge.example.org/team/deep/er/models.git", "team/deep/er/models"),
    "escaped": ("https://forge.example.org/team/mod%65ls.git", "team/models"),
    "ssh": ("ssh://git@forge.example.org:2222/team/models.git", "team/models"),
    "scp": ("git@forge.example.org:team/models.git", "team/models"),
    "scp-rooted": ("git@forge.example.org:/team/models.git", "team/models"),
    "loopback": ("http://127.0.0.1:3000/team/models.git", "team/models"),
    "path": ("/srv/git/team/models.git", ""),
    "file": ("file:///srv/git/models.git", ""),
}


@pytest.mark.parametrize(("url", "name"), NAMES.values(), ids=NAMES)
def test_a_repository_is_called_as_its_address_has_it(url: str, name: str) -> None:
    assert full_name(url) == name


def test_a_repository_on_this_machine_needs_a_name(tmp_path: Path) -> None:
    said = f"{{listen: '127.0.0.1:8080', secrets: [{{file: {secret_file(tmp_path)}}}]"
    with pytest.raises(Unusable, match=r"webhooks\.repository is not set: /srv/models\.git does not say"):
        door_of(settings(tmp_path, f"{said}}}", "/srv/models.git"), WallClock())
    named = settings(tmp_path, f"{said}, repository: team/models}}", "/srv/models.git")
    assert door_of(named, WallClock()).repository == "team/models"


def test_secrets_come_from_files_and_variables_and_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK", f" {SIGNING}\n")
    path = secret_file(tmp_path)
    said = f"{{listen: '127.0.0.1:8080', secrets: [{{file: {path}}}, {{variable: HOOK}}]}}"
    door = door_of(settings(tmp_path, said), WallClock())
    fixed, first = Secret(SIGNING.encode(), KEY), Secret(SECRET.encode())
    assert door.secrets() == (fixed, first)
    path.write_text("the next secret of this test\n")
    assert door.secrets() == (fixed, Secret(b"the next secret of this test"))
    path.unlink()
    assert [door.secrets(), door.secrets()] == [(fixed,), (fixed,)], "the others still count"
    secret_file(tmp_path)
    assert door.secrets() == (fixed, first)
    printed = capsys.readouterr()
    assert printed.out.count("a secret of webhooks is not there") + printed.err.count("a secret of webhooks") == 1
    assert SECRET not in f"{printed}{door.secrets()!r}"


BAD_SECRETS = {
    "missing": ("", 0, "cannot read"),
    "open": (SECRET, 0o644, "can be read by others"),
    "short": ("1234567", 0o600, "fewer than 16 characters"),
    "empty": ("\n", 0o600, "fewer than 16 characters"),
    "no-key": ("whsec_this is no base64!", 0o600, "no signing token of GitLab"),
}


@pytest.mark.parametrize(("text", "mode", "words"), BAD_SECRETS.values(), ids=BAD_SECRETS)
def test_a_secret_that_cannot_serve_ends_the_start(tmp_path: Path, text: str, mode: int, words: str) -> None:
    path = secret_file(tmp_path, text, mode) if mode else tmp_path / "nowhere"
    said = settings(tmp_path, f"{{listen: '127.0.0.1:8080', secrets: [{{file: {path}}}]}}")
    with pytest.raises(Unusable, match=words) as caught:
        door_of(said, WallClock())
    assert caught.value.message.startswith("webhooks.secrets[0]")
    assert not text.strip() or text not in caught.value.message


def test_a_variable_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    said = settings(tmp_path, "{listen: '127.0.0.1:8080', secrets: [{variable: NOWHERE_AT_ALL}]}")
    with pytest.raises(Unusable, match="the daemon has no variable NOWHERE_AT_ALL"):
        door_of(said, WallClock())


WRONG = {
    "no-secret": ("{listen: '127.0.0.1:8080', secrets: []}", "must not be empty"),
    "no-secrets": ("{listen: '127.0.0.1:8080'}", "`secrets`"),
    "no-address": ("{secrets: [{variable: A}]}", "`listen`"),
    "no-port": ("{listen: here, secrets: [{variable: A}]}", "must be host:port"),
    "both": ("{listen: 'a:1', secrets: [{variable: A, file: /b}]}", "is a `file` or a `variable`"),
    "neither": ("{listen: 'a:1', secrets: [{}]}", "is a `file` or a `variable`"),
    "written-out": ("{listen: 'a:1', secrets: [a secret of mine]}", "secrets"),
    "half-a-name": ("{listen: 'a:1', secrets: [{variable: A}], repository: models}", "full name on its forge"),
    "an-address": (
        "{listen: 'a:1', secrets: [{variable: A}], repository: 'https://a/b c'}",
        "full name on its forge",
    ),
}


@pytest.mark.parametrize(("said", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, said: str, words: str) -> None:
    with pytest.raises(Unusable, match="the configuration is wrong") as caught:
        settings(tmp_path, said)
    assert words in caught.value.message


@pytest.mark.parametrize(("address", "count"), [("127.0.0.1:8080", 0), ("[::1]:8080", 0), ("0.0.0.0:8080", 1)])
def test_without_tls_it_is_said(tmp_path: Path, address: str, count: int) -> None:
    found = list(exposed(settings(tmp_path, f"{{listen: '{address}', secrets: [{{variable: A}}]}}")))
    assert [words.startswith(f"webhooks.listen answers on {address} without TLS") for words in found] == [True] * count
