"""`plumbline open --page`: the address of a page, of something that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.settings import DaemonSettings, Pages, Repository
from tests.reconciler.api.support import World, job
from tests.reconciler.cli.support import Shell, daemon, until

pytestmark = pytest.mark.process

URL = "http://127.0.0.1:8061"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Iterator[Shell]:
    settings = DaemonSettings(repository=Repository(url="/srv/r.git"), pages=Pages(listen="127.0.0.1:8061"))
    world.service.settings = settings
    world.push({"a.yaml": job("train")})
    with daemon(world, tmp_path / "state") as made:
        until(made, "succeeded", "status")
        yield made


def test_each_kind_of_thing_has_its_page(shell: Shell, world: World) -> None:
    commit = world.remote.branches["main"]
    ident = json.loads(shell("runs", "-o", "json").stdout)["runs"][0]["id"]
    assert shell("open", "--page", "train").stdout == f"{URL}/operations/train\n"
    for name in ("train@g1", "train@last", ident):
        assert shell("open", "--page", name).stdout == f"{URL}/runs/{ident}\n"
    assert (
        shell("open", "--page", commit[:7], "-o", "json").stdout
        == json.dumps({"url": f"{URL}/commits/{commit}", "urls": [f"{URL}/commits/{commit}"]}, indent=2) + "\n"
    )
    assert f"pages {URL}\n" in shell("status").stdout


@pytest.mark.parametrize(("name", "words"), [("nope", "is no operation"), ("0123456", "no planned commit")])
def test_what_is_not_there_has_none(shell: Shell, name: str, words: str) -> None:
    assert words in shell("open", "--page", name, code=2).stderr


def test_without_pages_that_is_said(shell: Shell, world: World) -> None:
    world.service.settings = DaemonSettings(repository=Repository(url="/srv/r.git"))
    assert "set pages.listen" in shell("open", "--page", "train", code=2).stderr
    assert "pages http" not in shell("status").stdout
