"""The forge of the configuration: each problem with its place, and what is taken from the repository's settings."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from reconciler.clock import WallClock
from reconciler.configured_api import api_of, host_of, repository_of, server_of
from reconciler.configured_forge import check_forge, forge_of, url_of
from reconciler.errors import Unusable
from reconciler.forges.http.forge import HttpForge
from reconciler.forges.memory import SilentForge
from reconciler.ports_checks import Checks
from reconciler.ports_pulls import Pulls
from reconciler.settings import DaemonSettings, load_settings

pytestmark = pytest.mark.unit

HOSTED = "repository: {url: 'https://github.com/team/models.git'}\n"


def loaded(folder: Path, text: str) -> DaemonSettings:
    path = folder / "daemon.yaml"
    path.write_text(text)
    return load_settings(path)


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        ("github", "2:8: `github` is a forge with an API, which needs settings; such as {kind: github}"),
        (
            "svn",
            "2:8: field `forge` cannot be `svn`; one of `notes`, `none`, `{kind: github}`, `{kind: gitlab}`, `{kind: g",
        ),
        ("{}", "required field `kind` is missing"),
        (
            "{kind: svn}",
            "2:15: `svn` is not allowed for field `kind`; use `notes`, `none`, `github`, `gitlab` or `gitea`",
        ),
        ("[notes]", "2:8: field `forge` must be a mapping"),
        ("{kind: notes, url: 'https://a'}", "a forge of `kind: notes` has no settings; remove `url`"),
        (
            "{kind: gitlab, app: {id: 1, keyFile: /k}}",
            "an `app` is GitHub's: `kind: gitlab` is opened by a token; write `tokenFile` or `tokenVariable`",
        ),
        ("{kind: none, app: {id: 1, keyFile: /k}}", "a forge of `kind: none` has no settings; remove `app`"),
        (
            "{kind: github, tokenFile: /t, tokenVariable: T}",
            "a forge is opened by a `tokenFile`, a `tokenVariable` or an `app`; keep one of them",
        ),
        ("{kind: github, url: 'ftp://a'}", "2:28: field `url` must be an https or http URL"),
        ("{kind: github, url: 'https://'}", "2:28: field `url` must be an https or http URL"),
        ("{kind: github, url: 'https://a:b'}", "2:28: field `url` must be an https or http URL"),
        ("{kind: github, url: 'https://me:canary@a'}", "field `url` must hold no name or password"),
        ("{kind: github, url: 'https://a/?b=c'}", "2:28: field `url` must be an https or http URL"),
        ("{kind: github, url: 'https://a/\\b'}", "2:28: field `url` must be a URL of plain letters"),
        ("{kind: github, repository: models}", "2:35: field `repository` must be the repository's full name"),
        ("{kind: github, repository: a/../b}", "2:35: field `repository` must be the repository's full name"),
        ("{kind: github, repository: 'a/b?c'}", "2:35: field `repository` must be the repository's full name"),
        ("{kind: github, app: {id: 1}}", "required field `keyFile` is missing"),
        ("{kind: github, app: {id: x, keyFile: /k}}", "2:33: field `id` must be a whole number"),
        ("{kind: github, token: canary}", "unknown field `token`; did you mean"),
        ("{kind: github, proxies: {HTTP: a}}", "`HTTP` is no proxy setting"),
        ("{kind: github, writes: {minute: 0}}", "field `minute` must be"),
    ],
)
def test_each_problem_has_its_place(tmp_path, forge, said):
    with pytest.raises(Unusable) as caught:
        loaded(tmp_path, f"{HOSTED}forge: {forge}\n")
    assert said in caught.value.message
    assert re.search(r"daemon\.yaml:2:\d+", caught.value.message)
    assert "canary" not in caught.value.message


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("canary\n")
    path.chmod(0o600)
    return path


def made(settings: DaemonSettings):
    """The forge, whose connections nobody has used."""
    return forge_of(settings, None, WallClock(), contextlib.AsyncExitStack())  # type: ignore[arg-type]


def test_notes_are_the_usual_forge(tmp_path):
    for text in ("", "forge: notes\n", "forge: {kind: notes}\n"):
        settings = loaded(tmp_path, HOSTED + text)
        assert settings.forge.kind == "notes"
        check_forge(settings)
    assert isinstance(made(loaded(tmp_path, f"{HOSTED}forge: none\n")), SilentForge)


def test_the_repository_says_what_is_left_out(tmp_path, token):
    text = f"repository: {{url: 'https://github.com/team/models.git', access: {{tokenFile: {token}}}}}\n"
    settings = loaded(tmp_path, f"{text}forge: {{kind: github}}\n")
    check_forge(settings)
    assert server_of(settings).url == "https://api.github.com"
    assert repository_of(settings) == "team/models"
    forge = made(settings)
    assert isinstance(forge, HttpForge)
    assert isinstance(forge, Pulls)
    assert forge.budget is not None


def test_the_token_of_the_repository_goes_to_its_own_forge_only(tmp_path, token):
    text = f"repository: {{url: 'https://github.com/team/models.git', access: {{tokenFile: {token}}}}}\n"
    with pytest.raises(Unusable, match="nothing opens the API"):
        check_forge(loaded(tmp_path, f"{text}forge: {{kind: github, url: 'https://ghe.example.org/api/v3'}}\n"))
    check_forge(loaded(tmp_path, f"{text}forge: {{kind: github, url: 'https://api.github.com/'}}\n"))


@pytest.mark.parametrize(
    ("url", "host", "api"),
    [
        ("https://github.com/team/models.git", "github.com", "https://api.github.com"),
        ("git@github.com:team/models.git", "github.com", "https://api.github.com"),
        ("ssh://git@ssh.github.com:443/team/models.git", "ssh.github.com", "https://api.github.com"),
        ("https://ghe.example.org/team/models", "ghe.example.org", "https://ghe.example.org/api/v3"),
        ("https://ghe.example.org:8443/a/b", "ghe.example.org:8443", "https://ghe.example.org:8443/api/v3"),
        ("ssh://git@ghe.example.org:2222/a/b", "ghe.example.org", "https://ghe.example.org/api/v3"),
        ("/srv/git/models.git", "", ""),
    ],
)
def test_where_the_api_is(url, host, api):
    assert host_of(url) == host
    assert api_of("github", host) == api


@pytest.mark.parametrize(
    ("kind", "url", "api"),
    [
        ("gitlab", "https://gitlab.com/group/deep/models.git", "https://gitlab.com/api/v4"),
        ("gitlab", "ssh://git@altssh.gitlab.com:443/team/models.git", "https://gitlab.com/api/v4"),
        ("gitlab", "git@gitlab.example.org:team/models.git", "https://gitlab.example.org/api/v4"),
        ("gitea", "https://codeberg.org/team/models.git", "https://codeberg.org/api/v1"),
        ("gitea", "https://gitea.example.org:3000/team/models", "https://gitea.example.org:3000/api/v1"),
    ],
)
def test_other_forges_are_made_from_their_address(tmp_path, token, kind, url, api):
    text = f"repository: {{url: '{url}'}}\nforge: {{kind: {kind}, tokenFile: {token}}}\n"
    settings = loaded(tmp_path, text)
    check_forge(settings)
    assert server_of(settings).url == api
    forge = made(settings)
    assert isinstance(forge, HttpForge)
    assert isinstance(forge, Pulls)
    assert "canary" not in f"{forge!r}{settings!r}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "repository: {url: 'https://g.example.org/a/b/c'}\nforge: {kind: gitea, tokenVariable: HOME}\n",
            "must be OWNER/NAME on Gitea, not a/b/c",
        ),
        (f"{HOSTED}forge: {{kind: gitlab}}\n", "write forge.tokenFile or forge.tokenVariable; docs/gitlab.md"),
        ("repository: {url: /srv/r.git}\nforge: {kind: github, tokenVariable: HOME}\n", "forge.url is missing"),
        (
            "repository: {url: /srv/r.git}\nforge: {kind: github, url: 'https://a', tokenVariable: HOME}\n",
            "forge.repository is missing",
        ),
        (
            "repository: {url: 'https://github.com/a/b/c'}\nforge: {kind: github, tokenVariable: HOME}\n",
            "must be OWNER/NAME on GitHub, not a/b/c",
        ),
        (f"{HOSTED}forge: {{kind: github}}\n", "write forge.tokenFile or forge.tokenVariable; docs/github.md"),
        (f"{HOSTED}forge: {{kind: github, tokenFile: /nowhere}}\n", "cannot read forge.tokenFile /nowhere: No such"),
        (f"{HOSTED}forge: {{kind: github, tokenVariable: NOT_THERE_9}}\n", "the daemon has no variable NOT_THERE_9"),
        (f"{HOSTED}forge: {{kind: github, app: {{id: 1, keyFile: /nowhere}}}}\n", "cannot read forge.app.keyFile"),
        (
            f"{HOSTED}forge: {{kind: github, certificates: /nowhere, tokenVariable: HOME}}\n",
            "cannot read forge.certificates /nowhere",
        ),
    ],
)
def test_what_cannot_work_is_said_at_the_start(tmp_path, text, said):
    settings = loaded(tmp_path, text)
    for build in (check_forge, made):
        with pytest.raises(Unusable) as caught:
            build(settings)
        assert said in caught.value.message


def test_a_secret_that_others_can_read_is_refused(tmp_path, token):
    token.chmod(0o644)
    for setting in (f"tokenFile: {token}", f"app: {{id: 1, keyFile: {token}}}"):
        with pytest.raises(Unusable, match="can be read by others: chmod 600"):
            check_forge(loaded(tmp_path, f"{HOSTED}forge: {{kind: github, {setting}}}\n"))


def test_an_app_is_built_and_its_key_is_read_when_it_is_needed(tmp_path, token):
    settings = loaded(tmp_path, f"{HOSTED}forge: {{kind: github, app: {{id: 1, keyFile: {token}}}}}\n")
    check_forge(settings)
    forge = made(settings)
    assert isinstance(forge, HttpForge)
    assert "canary" not in repr(forge)
    assert "canary" not in repr(settings)


def test_the_page_of_a_commit_and_of_an_operation(tmp_path):
    url = url_of(loaded(tmp_path, f"{HOSTED}pages: {{url: 'https://p.example.org/x/'}}\n"))
    assert url("c1", "") == "https://p.example.org/x/commits/c1"
    assert url("c1", "train") == "https://p.example.org/x/operations/train"
    assert url("c1", "a b/ü?#") == "https://p.example.org/x/operations/a%20b%2F%C3%BC%3F%23"
    assert url_of(loaded(tmp_path, HOSTED))("c1", "train") == ""


def test_only_an_app_puts_checks(tmp_path, token):
    by_app = made(loaded(tmp_path, f"{HOSTED}forge: {{kind: github, app: {{id: 1, keyFile: {token}}}}}\n"))
    by_token = made(loaded(tmp_path, f"{HOSTED}forge: {{kind: github, tokenFile: {token}}}\n"))
    assert isinstance(by_app.checks, Checks)
    assert by_token.checks is None
