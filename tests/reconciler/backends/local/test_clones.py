"""Code of other repositories in the working folder of a run, and the commit that a run stays with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from planner.model.run import Phase
from reconciler.backends.local import LocalBackend
from reconciler.backends.machine.clones import asked_of
from reconciler.errors import Refused, Transient
from reconciler.ports_clones import Asked
from tests.reconciler.backends.local.support import OWNER, SystemClock
from tests.reconciler.backends.local.test_init import LOOK, outputs_of, with_init
from tests.reconciler.backends.local.test_surroundings import phase

pytestmark = [pytest.mark.process, pytest.mark.anyio]

URL = "https://forge.example/team/lib.git"


def write(dest: Path, content: str) -> None:
    dest.mkdir()
    (dest / "code.py").write_text(content)


class Repositories:
    """Repositories whose one branch has one file, by URL or connection."""

    def __init__(self, content: Mapping[str, str]) -> None:
        self.content = dict(content)
        self.asked: list[Asked] = []
        self.failing: Exception | None = None

    async def commit_of(self, asked: Asked) -> str:
        self.asked.append(asked)
        if self.failing is not None:
            raise self.failing
        return self.content[asked.url or asked.connection]

    async def tree_of(self, asked: Asked, commit: str) -> str:
        return f"tree-{commit}"

    async def export(self, asked: Asked, tree: str, dest: Path) -> None:
        write(dest, tree)


def opened(machine, repositories: Repositories | None) -> LocalBackend:
    machine.open()  # closed with the machine; this one has nothing to close
    return LocalBackend(machine.settings, OWNER, machine.trees, SystemClock(), repositories)


def order_of(machine, *entries, attempt: int = 1):
    return with_init(machine.shell("eval", LOOK, attempt=attempt), *entries)


async def test_a_clone_is_a_folder_of_its_name(machine):
    backend = opened(machine, Repositories({URL: "one", "code": "two"}))
    order = order_of(machine, {"git": {"url": URL}}, {"connection": "code", "path": "below"})
    assert await outputs_of(machine, backend, order) == {
        "f__lib_code_py": "tree-one",
        "f__below_code_code_py": "tree-two",
    }


async def test_a_run_stays_with_the_commit_of_its_first_attempt(machine):
    repositories = Repositories({URL: "one"})
    backend = opened(machine, repositories)
    entry = {"git": {"url": URL, "revision": "main"}}
    assert await outputs_of(machine, backend, order_of(machine, entry)) == {"f__lib_code_py": "tree-one"}
    repositories.content[URL] = "two"
    order = order_of(machine, entry, attempt=2)
    assert await outputs_of(machine, backend, order) == {"f__lib_code_py": "tree-one"}
    assert repositories.asked == [Asked(URL, "main")]
    (noted,) = machine.settings.runs.glob("*/clones.json")
    assert json.loads(noted.read_text())["commits"] == {f" {URL} main": "one"}


async def test_what_cannot_be_had_now_makes_nothing(machine):
    repositories = Repositories({URL: "one"})
    repositories.failing = Transient("waiting for the clone")
    backend, order = opened(machine, repositories), order_of(machine, {"git": {"url": URL}})
    with pytest.raises(Transient, match="waiting for the clone"):
        await backend.ensure(order)
    assert not (await backend.observe([order.key])).objects
    repositories.failing = None
    assert await outputs_of(machine, backend, order) == {"f__lib_code_py": "tree-one"}


async def test_what_is_refused_says_where(machine):
    repositories = Repositories({URL: "one"})
    repositories.failing = Refused("evil.org is not among the hosts")
    with pytest.raises(Refused, match=r"init git: evil\.org is not among the hosts"):
        await opened(machine, repositories).ensure(order_of(machine, {"git": {"url": URL}}))
    with pytest.raises(Refused, match="other repositories cannot be cloned here"):
        await opened(machine, None).ensure(order_of(machine, {"git": {"url": URL}}))
    with pytest.raises(Refused, match="leads out of the working folder"):
        await opened(machine, Repositories({URL: "one"})).ensure(
            order_of(machine, {"git": {"url": URL}, "path": "../.."})
        )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"git": {"url": URL}}, [(Asked(URL), "lib")]),
        (
            {"git": {"url": "git@a.org:lib"}, "connection": "c"},
            [(Asked("git@a.org:lib", "", "c"), "c")],
        ),
        ({"git": {"revision": "v1"}, "connection": "c", "path": "a/b"}, [(Asked("", "v1", "c"), "a/b/c")]),
        ({"connection": "c"}, [(Asked("", "", "c"), "c")]),
        ({"connection": "c", "paths": ["a"]}, []),
        ({"file": {"content": "x"}}, []),
    ],
    ids=["a-url", "a-url-and-a-connection", "a-revision-and-a-path", "a-connection", "paths", "a-file"],
)
def test_what_an_entry_clones(entry, expected):
    assert list(asked_of([entry])) == expected


@pytest.mark.parametrize("url", ["https://forge.example/..", "https://forge.example/a b"])
def test_a_clone_needs_a_name(url):
    with pytest.raises(Refused, match="gives the clone no name"):
        list(asked_of([{"git": {"url": url}}]))


async def test_clones_and_other_entries_go_together(machine):
    backend = opened(machine, Repositories({URL: "one"}))
    order = order_of(machine, {"git": {"url": URL}}, {"file": {"content": "x", "filename": "a"}, "path": "lib"})
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.outputs == {"f__lib_code_py": "tree-one", "f__lib_a": "x"}
