from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Unusable
from reconciler.source.remote import Access, parse

pytestmark = pytest.mark.unit

SECRET = "canary-7f3k"


@pytest.mark.parametrize(
    ("text", "protocol", "url", "name"),
    [
        ("/srv/git/models.git", "file", "/srv/git/models.git", "models"),
        ("/srv/git/models/.git/", "file", "/srv/git/models/.git", "models"),
        ("file:///srv/git/mo%20dels", "file", "/srv/git/mo dels", "mo dels"),
        ("file://localhost/srv/x", "file", "/srv/x", "x"),
        ("https://forge.example/team/models.git", "https", "https://forge.example/team/models.git", "models"),
        ("https://forge.example:8443/m", "https", "https://forge.example:8443/m", "m"),
        ("ssh://git@forge.example:22/team/models", "ssh", "ssh://git@forge.example:22/team/models", "models"),
        ("git@forge.example:team/models.git", "ssh", "git@forge.example:team/models.git", "models"),
        ("git@forge.example:models", "ssh", "git@forge.example:models", "models"),
        ("http://127.0.0.1:3000/a/b", "http", "http://127.0.0.1:3000/a/b", "b"),
        ("http://[::1]:3000/a/b", "http", "http://[::1]:3000/a/b", "b"),
        ("http://localhost/b", "http", "http://localhost/b", "b"),
        ("/odd:name/r", "file", "/odd:name/r", "r"),
    ],
)
def test_addresses_that_are_taken(text, protocol, url, name):
    found = parse(text)
    assert (found.protocol, found.url, found.name) == (protocol, url, name)
    assert (found.path is not None) is (protocol == "file")


def test_a_relative_path_counts_from_here():
    assert parse("models").path == Path.cwd() / "models"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "--upload-pack=touch x",
        "-u/tmp/x",
        "ext::sh -c touch% x",
        "ext::ssh://host/x",
        "fd::17",
        "transport::/x",
        "EXT::sh",
        "git://forge.example/x",
        "ftp://forge.example/x",
        "ftps://forge.example/x",
        "rsync://forge.example/x",
        "javascript://x",
        "http://forge.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.evil.example/x",
        f"https://user:{SECRET}@forge.example/x",
        f"https://{SECRET}@forge.example/x",
        f"ssh://git:{SECRET}@forge.example/x",
        f"https://forge.example/x?token={SECRET}",
        f"https://forge.example/x#{SECRET}",
        "ssh://-oProxyCommand=touch%20x/x",
        "ssh://git@-oProxyCommand=x/x",
        "ssh://-l@forge.example/x",
        "-oProxyCommand=x:path",
        "git@-oProxyCommand=x:path",
        "-l@forge.example:path",
        "git@forge.example:-path",
        "git@host name:path",
        "ssh:///x",
        "https:///x",
        "https://forge.example:port/x",
        "https://forge.example/x\nhttps://evil.example/y",
        "/srv/\0x",
        "/srv/x\x7f",
        "file://evil.example/srv/x",
        "file:///srv/%00x",
        "file://",
    ],
)
def test_addresses_that_are_refused(text):
    with pytest.raises(Unusable) as said:
        parse(text)
    assert SECRET not in str(said.value)
    assert "\n" not in str(said.value)


def test_access_shows_no_secret():
    assert SECRET not in repr(Access("ada", secret=lambda: SECRET))


@pytest.mark.parametrize("fields", [{"proxies": {"GIT_SSH": "x"}}, {"username": "a\nb"}])
def test_access_that_is_refused(fields):
    with pytest.raises(Unusable):
        Access(**fields)
