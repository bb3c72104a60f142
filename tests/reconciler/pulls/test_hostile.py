"""Pull requests of strangers: they are data, whatever they say.

Around all of it no connection is made, nothing but git is started, and a secret of the daemon's environment is nowhere
in what is said or logged.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from planner.compile import Outside
from reconciler.source.memory_remote import Content, File, Link, Module
from tests.planner.test_foreign import page
from tests.reconciler.pulls.world import Lives, job
from tests.traps import trapped

pytestmark = [pytest.mark.process, pytest.mark.anyio]

CANARY = "canary-5ecre7-of-the-environment"
BASE = {"a.yaml": job("a"), "b.yaml": job("b"), "c.yaml": job("c"), "keep.md": b"words\n"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Trap:
    """A look-up that nothing of a pull request may reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def find(self, key: str) -> Outside:
        self.asked.append(key)
        return Outside(failure="a trap")


@pytest.fixture
async def lives(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_CANARY", CANARY)
    monkeypatch.setenv("CANARY", CANARY)
    (tmp_path / "secret.yaml").write_text(f"kind: {CANARY}\n")
    made = Lives(tmp_path, forks="comment")
    made.lookup = Trap()
    made.begin()
    await made.push(BASE)
    yield made
    await made.end()


async def previewed(lives: Lives, files: Mapping[str, Content | None]) -> tuple[tuple[str, str], str]:
    """What is said of a stranger's pull request with `files`, status and comment."""
    head = lives.pull("7", files, fork=True)
    before = await lives.ledger.roots()
    with trapped(git=True, canary=CANARY):
        await lives.settle()
    assert lives.lookup.asked == []
    assert await lives.ledger.roots() == before, "nothing was planned by it"
    assert not lives.pulling.stuck
    found = lives.said(head)
    assert found is not None
    return found, lives.port.on("7")


def aliases() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(["kind: operation", *lines]).encode()


def spec(text: str) -> bytes:
    return b"version: 1.1\nkind: operation\nname: evil\n" + text.encode()


RUN = "component: {run: {kind: job, container: {image: x, command: [%s]}}}\n"

FAILS: dict[str, dict[str, Content | None]] = {
    "aliases": {"evil.yaml": aliases()},
    "deep": {"evil.yaml": b"kind: operation\nx: " + b"[" * 5000},
    "long-line": {"evil.yaml": b"kind: operation\nname: " + b"x" * 900_000},
    "nul": {"evil.yaml": b"kind: operation\nname: \0\n"},
    "tag": {"evil.yaml": b"kind: operation\nname: !!python/object/apply:os.system [id]\n"},
    "settings-broken": {".plumbline.yaml": b"paths: [[[\n"},
    "settings-huge": {".plumbline.yaml": b"# x\n" * 5_000_000},
    "template-escape": {"evil.yaml": spec(RUN % "'{{ cycler.__init__.__globals__.os.environ }}'")},
    "template-env": {"evil.yaml": spec(RUN % "'{{ env.PLUMBLINE_CANARY }}'")},
    "hub-path": {"evil.yaml": spec("hubRef: ../../../../etc/passwd\n")},
    "path-out": {"evil.yaml": spec("pathRef: ../../../../etc/passwd\n")},
    "path-itself": {"evil.yaml": spec("pathRef: ./evil.yaml\n")},
    "settings-link": {".plumbline.yaml": Link("/etc/passwd"), "evil.yaml": b"kind: operation\nname: [\n"},
    "path-link": {"evil.yaml": spec("pathRef: ./link.yaml\n"), "link.yaml": Link("/etc/passwd")},
}
SAYS: dict[str, tuple[dict[str, Content | None], str]] = {
    "huge": ({"evil.yaml": b"kind: operation\n" + b"# x\n" * 5_000_000}, ""),
    "url-trap": ({"evil.yaml": spec("urlRef: https://trap.example.org/c.yaml\n")}, "known after the merge"),
    "url-metadata": ({"evil.yaml": spec("urlRef: http://169.254.169.254/latest/\n")}, ""),
    "hub-new": ({"evil.yaml": spec("hubRef: somebody/else:latest\n")}, "known after the merge"),
    "deep-folder": ({"/".join(["d"] * 100) + "/d.yaml": job("d")}, "1 start"),
    "many": ({f"n/{n}.yaml": job(f"n-{n}") for n in range(400)}, "**Held**"),
    "settings-folder": ({".plumbline.yaml/x.yaml": job("d")}, ""),
    "links": ({"evil.yaml": Link("/etc/passwd"), "more.yaml": Link("../secret.yaml")}, ""),
    "module": (
        {".gitmodules": b'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/pwned\n', "x": Module("1" * 40)},
        "",
    ),
    "settings-paths": ({".plumbline.yaml": b"paths: {include: [nothing/*.yaml]}\n"}, "/paths/include/0"),
    "settings-budgets": (
        {".plumbline.yaml": b"budgets: {starts: 9999}\n"} | {f"n{n}.yaml": job(f"n-{n}") for n in range(30)},
        "**Held**",
    ),
    "settings-prune": ({".plumbline.yaml": b"defaults: {prune: false}\n", "a.yaml": None}, "/defaults/prune"),
    "names": ({"@everyone `</details>`\n#1.yaml": job("d"), "-x.yaml": job("e")}, "2 start"),
    "markup": (
        {"m.yaml": job("m", "'![x](https://evil.example/x.png) @octo/team <script>alert(1)</script> #1'")},
        "1 start",
    ),
    "attributes": ({".gitattributes": b"* merge=evil diff=evil filter=evil\n", "d.yaml": job("d")}, "1 start"),
    "hooks": (
        {"hooks/post-merge": File(b"#!/bin/sh\ntouch /tmp/pwned\n", executable=True), "d.yaml": job("d")},
        "1 start",
    ),
    "environment": ({"d.yaml": job("d", "'$PLUMBLINE_CANARY ${CANARY}'")}, "1 start"),
    "everything-goes": ({"a.yaml": None, "b.yaml": None, "c.yaml": None}, "**Removes**"),
}


def assert_harmless(lives: Lives, said: tuple[str, str], body: str, logged: str) -> None:
    for text in (*said, body, logged, *(f"{fact}" for fact in lives.ledger.snapshot().facts)):
        assert CANARY not in text
        assert "root:x:0" not in text
    found = page(body)
    assert not {"a", "img", "script", "iframe"} & {*found.tags}
    assert "@" not in found.bare
    assert len(said[1]) <= 140
    assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize("name", FAILS)
async def test_what_is_no_spec_is_a_failure_that_says_so(lives, name, capfd):
    said, body = await previewed(lives, FAILS[name])
    assert said[0] == "failure", said
    assert_harmless(lives, said, body, "".join(capfd.readouterr()))


@pytest.mark.parametrize("name", SAYS)
async def test_what_can_be_planned_is_planned_and_does_nothing(lives, name, capfd):
    files, words = SAYS[name]
    said, body = await previewed(lives, files)
    assert words in body
    assert_harmless(lives, said, body, "".join(capfd.readouterr()))


async def test_names_of_a_conflict_do_nothing(lives, capfd):
    odd = "<img src=x>@everyone\n`#1`"
    await lives.push({odd: b"1\n"})
    lives.pull("7", {odd: b"2\n", "d.yaml": job("d")}, fork=True)
    await lives.settle()
    await lives.push({odd: b"3\n"})
    await lives.settle()
    head = lives.port.open["7"].head
    said = lives.said(head)
    assert said is not None
    assert "conflicts with the branch in" in said[1]
    assert "Plumbline has no plan" in lives.port.on("7")
    assert_harmless(lives, said, lives.port.on("7"), "".join(capfd.readouterr()))


def test_the_traps_work():
    with trapped(git=True, canary=CANARY) as seen:
        os.posix_spawn("/bin/true", ["true"], {})
        subprocess.run(["/usr/bin/env", "-i", "git", "--version", CANARY], check=False, capture_output=True)
        assert len(seen) == 2
        seen.clear()
