"""References out of a repository: looked up once, pinned, let go of, and tried again."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from trio.testing import MockClock

from planner.compile import CompileConfig
from reconciler.compiler import SourceCompiler
from reconciler.errors import Refused, Transient
from reconciler.hubs import FolderHub, Part
from reconciler.ledger.memory import MemoryLedger
from reconciler.outside import Lookup, References, offline
from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import MemoryRepository
from tests.reconciler.api.support import World

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


def component(command: str) -> str:
    return f"version: 1.1\nkind: component\nrun: {{kind: job, container: {{image: i, command: [{command}]}}}}\n"


class Hub:
    """A hub of files by path, each a text or what is raised; counts what it is asked."""

    def __init__(self, name: str = "team", **files: str | Exception) -> None:
        self.name = name
        self.files = files
        self.asked: list[str] = []

    async def find(self, name: str, version: str) -> Part | None:
        asked = f"{name}:{version}" if version else name
        self.asked.append(asked)
        found = self.files.get(asked.replace(":", "_"))
        if isinstance(found, Exception):
            raise found
        return None if found is None else Part(f"{name}.yaml", found.encode())

    async def listed(self) -> list[str]:
        return [name.replace("_", ":") for name in self.files]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def passes(self, **time: int) -> None:
        self.at += timedelta(**time)


class Shell:
    """References over a ledger that outlives them."""

    def __init__(self, *hubs: Hub) -> None:
        self.ledger = MemoryLedger(through_codec=True)
        self.clock = Clock()
        self.hubs = hubs
        self.restart()

    def restart(self) -> None:
        self.references = References(self.ledger, Lookup(self.hubs), self.clock)

    async def command(self, key: str, **how: bool) -> str:
        """What a reference leads to, or why nowhere."""
        found = (await self.references.given([key], **how))[key]
        return found.failure or found.content.decode().partition("command: [")[2].partition("]")[0]


@pytest.mark.parametrize("key", ["hub:train", "hub:train:2", "hub:team/train"])
async def test_what_was_found_once_stays_though_the_hub_changes(key):
    hub = Hub(train=component("old"), train_2=component("old"))
    shell = Shell(hub)
    assert await shell.command(key) == "old"
    hub.files = {"train": component("new"), "train_2": component("new")}
    assert await shell.command(key) == "old"
    shell.restart()
    assert await shell.command(key) == "old"
    assert len(hub.asked) == 1


async def test_a_reference_that_no_commit_names_is_let_go_of_unless_it_has_a_version():
    hub = Hub(train=component("old"), train_2=component("old"), eval=component("old"))
    shell = Shell(hub)
    keys = ["hub:train", "hub:train:2", "hub:eval"]
    await shell.references.given(keys)
    await shell.references.let_go({"hub:eval"})
    hub.files = dict.fromkeys(hub.files, component("new"))
    for _ in range(2):
        assert [await shell.command(key) for key in keys] == ["new", "old", "old"]
        shell.restart()


async def test_a_preview_looks_up_nothing_new():
    hub = Hub(train=component("x"))
    shell = Shell(hub)
    assert await shell.command("hub:train", preview=True) == "not looked up yet"
    assert (hub.asked, await shell.ledger.pins()) == ([], {})
    await shell.command("hub:train")
    assert await shell.command("hub:train", preview=True) == "x"


@pytest.mark.parametrize("fault", [Transient("the hub is away"), Refused("the hub is away")], ids=["passing", "final"])
async def test_what_led_nowhere_is_tried_again_later_and_later(fault):
    hub = Hub(train=fault)
    shell = Shell(hub)
    for wait in (30, 60, 120, 240, 480, 600, 600):
        before = len(hub.asked)
        assert await shell.command("hub:train") == "the hub is away"
        shell.clock.passes(seconds=wait - 1)
        assert await shell.command("hub:train") == "the hub is away"
        assert len(hub.asked) == before + 1
        shell.clock.passes(seconds=1)
    hub.files["train"] = component("x")
    assert await shell.command("hub:train") == "x"


async def test_a_broken_component_is_shown_and_not_pinned():
    broken = {"train": "version: 1.1\nkind: component\n", "two": component("x") + "---\n" + component("y")}
    hub = Hub(**broken)
    shell = Shell(hub)
    found = await shell.references.given([f"hub:{name}" for name in broken])
    assert {one.content.decode() for one in found.values()} == set(broken.values())
    assert await shell.ledger.pins() == {}
    hub.files["train"] = component("x")
    shell.clock.passes(minutes=1)
    assert await shell.command("hub:train") == "x"


async def test_a_hub_that_is_away_is_not_passed_over():
    away, other = Hub("one", train=Transient("one is away")), Hub("two", train=component("two"))
    shell = Shell(away, other)
    assert await shell.command("hub:train") == "one is away"
    assert await shell.command("hub:two/train") == "two"
    del away.files["train"]
    shell.clock.passes(minutes=1)
    assert await shell.command("hub:train") == "two"


NOWHERE = {
    "a name that is near": ("hub:trian", "no hub has the component `trian`", "did you mean `train`?"),
    "a version that is not there": ("hub:train:3", "no hub has the component `train:3`", "did you mean `train:2`?"),
    "a name that is nowhere": ("hub:zzz", "no hub has the component `zzz`", "add it to a hub, or use `pathRef`"),
    "a hub that is near": ("hub:taem/train", "there is no hub `taem`", "did you mean `team`?"),
    "no hub": ("hub:zzz/train", "there is no hub `zzz`", "add it to `hubs` in the daemon's configuration"),
    "a URL": ("url:https://x.org/c.yaml", "x.org is not in `hosts` of the daemon's configuration", ""),
}


@pytest.mark.parametrize(("key", "failure", "hint"), NOWHERE.values(), ids=NOWHERE)
async def test_what_leads_nowhere_says_why(key, failure, hint):
    shell = Shell(Hub(train=component("x"), train_2=component("y")))
    (found,) = (await shell.references.given([key])).values()
    assert (found.failure, found.hint, found.elsewhere) == (failure, hint, False)


async def test_the_packaged_hub_comes_last():
    shell = Shell(Hub(tuner=component("ours")))
    assert await shell.command("hub:tuner") == "ours"
    assert (await shell.command("hub:plumbline/tuner")).startswith("python3")
    assert (await shell.command("hub:git-clone")).startswith("/bin/sh")


class Silent(Hub):
    async def find(self, name: str, version: str) -> Part | None:
        if name == "slow":
            await anyio.sleep(math.inf)
        return await super().find(name, version)


@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})], ids=["virtual"])
async def test_a_hub_that_never_answers_keeps_nobody_waiting(anyio_backend):
    shell = Shell(Silent(train=component("x")))
    found = await shell.references.given(["hub:slow", "hub:train"])
    assert found["hub:slow"].failure == "it was not had within 30 seconds"
    assert found["hub:train"].content == component("x").encode()


# -- without a daemon


def folder(tmp_path, name, **files):
    (tmp_path / name).mkdir()
    for path, text in files.items():
        (tmp_path / name / f"{path}.yaml").write_text(text)
    return FolderHub(name, tmp_path / name)


OFFLINE = {
    "in a folder": ("hub:train", "folders", "x"),
    "in a folder after a repository": ("hub:train", "repository first", None),
    "in a folder that is named": ("hub:team/train", "repository first", None),
    "in the package": ("hub:git-clone", "none", "/bin/sh, -euc"),
    "in the package, with a configuration": ("hub:git-clone", "folders", "/bin/sh, -euc"),
    "unknown without a configuration": ("hub:train", "none", None),
    "unknown": ("hub:tarin", "folders", "no hub has the component `tarin`"),
    "a folder that is not here": ("hub:train", "gone", None),
    "a URL": ("url:https://x.org/c.yaml", "folders", None),
}


@pytest.mark.parametrize(("key", "hubs", "said"), OFFLINE.values(), ids=OFFLINE)
async def test_without_a_daemon_folders_are_known_and_the_rest_is_left_open(tmp_path, key, hubs, said):
    team = folder(tmp_path, "team", train=component("x"))
    gone = FolderHub("gone", tmp_path / "gone")
    known = {"none": None, "folders": [team], "repository first": [None, team], "gone": [gone]}[hubs]
    found = offline([key], known).get(key)
    text = found.content.decode().partition("command: [")[2].partition("]")[0] if found else ""

    assert (found and (found.failure or text)) == said


# -- a repository


def operation(name: str, ref: str) -> bytes:
    return f"version: 1.1\nkind: operation\nname: {name}\nhubRef: {ref}\n".encode()


async def test_a_commit_is_compiled_with_what_is_outside():
    outer = (
        "version: 1.1\nkind: component\nrun:\n  kind: dag\n  operations:\n"
        "    - {name: a, hubRef: inner}\n    - {name: b, hubRef: 'git-clone', params: {url: {value: x}}}\n"
    )
    shell = Shell(Hub(outer=outer, inner=component("in")))
    remote = MemoryRepository()
    source = MemorySource(remote)
    compiler = SourceCompiler(source, CompileConfig("demo", backend="k"), shell.references)
    first = remote.commit({"a.yaml": operation("a", "outer")})
    commit = await source.fetch()
    desired = await compiler.compile(commit, {})
    assert [str(problem) for problem in desired.problems] == []
    assert set(await shell.ledger.pins()) == {"hub:outer", "hub:inner", "hub:git-clone"}
    assert (first, set(desired.roots)) == (commit.id, {"a"})

    remote.commit({"a.yaml": operation("a", "inner"), "b.yaml": operation("b", "new")})
    desired = await compiler.compile(await source.fetch(), {}, preview=True)
    assert [(problem.code, problem.place.path) for problem in desired.problems] == [("PL-311", "b.yaml")]
    assert (set(desired.roots), desired.bad_files) == ({"a"}, {"b.yaml"})
    desired = await compiler.compile(await source.fetch(), {})
    assert [problem.code for problem in desired.problems] == ["PL-310"]
    assert set(await shell.ledger.pins()) == {"hub:outer", "hub:inner", "hub:git-clone"}  # b may name any of them

    remote.commit({"a.yaml": operation("a", "inner")})
    await compiler.compile(await source.fetch(), {})
    assert set(await shell.ledger.pins()) == {"hub:inner"}


async def test_a_commit_is_planned_again_once_what_it_lacks_is_there():
    world = World()
    hub, clock = Hub(), Clock()
    config = CompileConfig("project", instance="test", backend="k")
    references = References(world.ledger, Lookup([hub]), clock)
    world.core.compiler = SourceCompiler(world.source, config, references)
    world.remote.commit({"a.yaml": operation("a", "train"), "b.yaml": operation("b", "jupyter")})
    commits = world.loop.commits
    await commits.reconcile()
    assert ([one.code for one in commits.desired.problems], set(commits.desired.roots)) == (["PL-310"], {"b"})
    planned = await world.ledger.sequence()
    for _ in range(3):
        await commits.reconcile()
        clock.passes(minutes=10)
    assert (await world.ledger.sequence(), hub.asked.count("train")) == (planned, 3)

    hub.files["train"] = component("x")
    await commits.reconcile()
    assert set(await world.ledger.roots()) == {"a", "b"}
    planned = await world.ledger.sequence()
    clock.passes(minutes=10)
    await commits.reconcile()
    assert (await world.ledger.sequence(), hub.asked.count("train")) == (planned, 4)
    await world.backend.close()
