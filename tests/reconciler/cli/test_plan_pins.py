"""`plumbline plan` where a daemon has pinned what specs refer to: the same contents as those of a push."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.compile import CompileConfig, Outside
from reconciler.cli.app import app
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler
from reconciler.hubs import FolderHub
from reconciler.outside import Lookup, References
from reconciler.settings_sources import Hub
from tests.reconciler.api.support import World
from tests.reconciler.cli.support import RUNNER, Shell, commit, daemon, repository, until, write

pytestmark = pytest.mark.process

FAR = "https://x.org/c.yaml"


def component(command: str) -> bytes:
    run = f"{{kind: job, container: {{image: i, command: [{command}]}}}}"
    return f"version: 1.1\nkind: component\ninputs: [{{name: rate, type: int, value: 1}}]\nrun: {run}\n".encode()


def operation(name: str, ref: str, rate: int = 1) -> bytes:
    return f"version: 1.1\nkind: operation\nname: {name}\nparams: {{rate: {{value: {rate}}}}}\n{ref}\n".encode()


class Web(Lookup):
    """The hubs, and a web of one file."""

    async def find(self, key: str) -> Outside:
        if key == f"url:{FAR}":
            return Outside(FAR, "sha256:far", component("far"))
        return await super().find(key)


FILES = {"hub.yaml": operation("hub", "hubRef: train"), "far.yaml": operation("far", f"urlRef: {FAR}")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A daemon that follows `repo`, whose hub has had other contents when its commit was planned."""
    repository(tmp_path / "repo", FILES)
    write(tmp_path / "hub", {"train.yaml": component("old")})
    made = World()
    settings = made.service.settings
    followed = settings.repository.model_copy(update={"url": str(tmp_path / "repo")})
    hubs = (Hub(name="team", path=tmp_path / "hub"),)
    made.service.settings = settings.model_copy(update={"repository": followed, "hubs": hubs})
    references = References(made.ledger, Web([FolderHub("team", tmp_path / "hub")]), WallClock())
    made.core.compiler = SourceCompiler(made.source, CompileConfig(project="project", instance="test"), references)
    made.push(FILES)
    return made


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Iterator[Shell]:
    with daemon(world, tmp_path / "state") as made:
        until(made, "far        job   succeeded", "status")
        until(made, "hub        job   succeeded", "status")
        write(tmp_path / "hub", {"train.yaml": component("new"), "later.yaml": component("later")})
        yield made


def planned(shell: Shell, repo: Path, *args: str) -> Any:
    return json.loads(shell("plan", str(repo), "-o", "json", *args).stdout)


def test_what_is_pinned_stays_for_a_plan_whatever_the_hub_has_now(shell: Shell, tmp_path: Path) -> None:
    plan = planned(shell, tmp_path / "repo")

    assert (plan["actions"], plan["problems"]) == ([], [])


def test_a_plan_of_files_is_that_of_a_push(shell: Shell, world: World, tmp_path: Path) -> None:
    changed = {
        "far.yaml": operation("far", f"urlRef: {FAR}", rate=2),
        "hub.yaml": operation("hub", "hubRef: train", rate=2),
        "more.yaml": operation("more", "hubRef: train"),
    }
    write(tmp_path / "repo", changed)
    plan = planned(shell, tmp_path / "repo")

    assert {one["root"]: one["verb"] for one in plan["actions"]} == {"far": "update", "hub": "update", "more": "start"}
    world.push({**FILES, **changed})
    until(shell, "more       job   succeeded", "status")
    assert planned(shell, tmp_path / "repo")["actions"] == []


def test_what_is_new_is_looked_up_in_folders_and_nowhere_else(shell: Shell, tmp_path: Path) -> None:
    new = {"a.yaml": operation("a", "hubRef: team/later"), "b.yaml": operation("b", "urlRef: https://x.org/d.yaml")}
    write(tmp_path / "repo", new)
    plan = planned(shell, tmp_path / "repo")

    assert [(one["root"], one["verb"]) for one in plan["actions"]] == [("a", "start")]
    assert [(one["code"], one["path"], one["hint"]) for one in plan["problems"]] == [
        ("PL-311", "b.yaml", "that happens when a commit with it is planned, never for a preview")
    ]
    assert "1 reference out of the repository could not be looked up here (PL-311)" in plan["notes"][-1]
    assert shell("plan", str(tmp_path / "repo")).stdout.startswith(f"note: {plan['notes'][-1]}\n")


def test_a_plan_against_a_commit_asks_for_the_pins_as_well(shell: Shell, tmp_path: Path) -> None:
    commit(tmp_path / "repo", {"far.yaml": operation("far", f"urlRef: {FAR}", rate=2)})
    plan = planned(shell, tmp_path / "repo", "--base", "HEAD~1", "--head", "HEAD")

    assert [(one["root"], one["verb"]) for one in plan["actions"]] == [("far", "update")]
    assert plan["problems"] == []
    assert plan["notes"][-2].endswith("the daemon was asked for its pins only")
    assert plan["notes"][-1] == "compiled as for the local backend, as the daemon does"


def test_many_references_are_asked_for_in_parts(shell: Shell, tmp_path: Path) -> None:
    many = {f"m/{number}.yaml": operation(f"m{number}", f"hubRef: later:{number}") for number in range(120)}
    write(tmp_path / "hub", {f"later/{number}.yaml": component("later") for number in range(120)})
    write(tmp_path / "repo", many)

    assert len(planned(shell, tmp_path / "repo")["actions"]) == 120


def test_without_a_daemon_a_plan_says_what_it_cannot_know(tmp_path: Path) -> None:
    repository(tmp_path / "repo", FILES)
    write(tmp_path / "hub", {"train.yaml": component("new")})
    hubs = f"hubs: [{{name: team, path: {tmp_path}/hub}}]"
    (tmp_path / "daemon.yaml").write_text(f"repository: {{url: /srv/r.git}}\nstate: {tmp_path}/state\n{hubs}\n")
    result = RUNNER.invoke(app, ["--config", str(tmp_path / "daemon.yaml"), "plan", str(tmp_path / "repo")])
    text = result.stdout

    assert result.exit_code == 0, result.output
    assert "note: 1 reference out of the repository could not be looked up here (PL-311): " in text
    assert "their files count as unchanged in this plan, and a push may do more" in text
    assert "note: components of hubs are read as they are now; a daemon goes on with what it pinned" in text
    assert "no daemon was asked" in text
