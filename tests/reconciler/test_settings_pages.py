"""The address of the pages: as browsers take it; refused where it could not be linked to or would tell a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Unusable
from reconciler.settings import DaemonSettings, load_settings

pytestmark = pytest.mark.unit

GOOD = "repository: {url: /srv/r.git}\n"


def settings(folder: Path, text: str) -> DaemonSettings:
    path = folder / "daemon.yaml"
    path.write_text(f"{GOOD}{text}")
    return load_settings(path)


def test_there_is_no_address_by_default(tmp_path: Path) -> None:
    assert settings(tmp_path, "").pages.url is None


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://plumbline.example.org", "https://plumbline.example.org"),
        ("https://plumbline.example.org/", "https://plumbline.example.org"),
        ("https://tools.example.org/team-a/plumbline//", "https://tools.example.org/team-a/plumbline"),
        ("http://127.0.0.1:8061", "http://127.0.0.1:8061"),
        ("http://[::1]:8061", "http://[::1]:8061"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_an_address_is_taken_without_its_last_slash(tmp_path: Path, url: str, taken: str) -> None:
    assert settings(tmp_path, f"pages: {{url: '{url}'}}\n").pages.url == taken


@pytest.mark.parametrize(
    "url",
    [
        "plumbline.example.org",
        "//plumbline.example.org",
        "javascript:alert(1)",
        "ftp://plumbline.example.org",
        "https://",
        "https:///commits",
        "https://a b.example.org",
        "https://plumbline.example.org:port",
        "https://plumbline.example.org:99999",
        "https://[::1",
        "https://plumbline.example.org/a b",
        "https://plumbline.example.org/<script>",
        "https://plumbline.example.org/../admin",
        "https://plumbline.example.org//double",
        "https://plumbline.example.org/?a=b",
        "https://plumbline.example.org/?",
        "https://plumbline.example.org/#top",
        "https://evil\\.example.org",
        "https://plumbline.example.org/" + "a" * 200,
    ],
)
def test_what_is_no_address_to_link_to_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Unusable, match=r"daemon\.yaml:2:\d+: field `url` (must be an http|ends with its path)"):
        settings(tmp_path, f"pages: {{url: '{url}'}}\n")


def test_a_password_in_it_is_refused_and_not_said_again(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="name or password") as caught:
        settings(tmp_path, "pages: {url: 'https://ada:secret@plumbline.example.org'}\n")
    assert "secret" not in caught.value.message
