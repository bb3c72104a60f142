"""Commands that talk to a daemon."""

from __future__ import annotations

import getpass
import json
import os
import pwd
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from planner.guard import Budgets
from planner.model.retention import Retention
from reconciler.backends.memory import Program
from reconciler.errors import Transient
from reconciler.ledger.memory import MemoryLedger
from tests.reconciler.api.support import World, dag, job, policy, service
from tests.reconciler.cli.support import RUNNER, Shell, daemon, until

pytestmark = pytest.mark.unit


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A daemon with one operation of every kind."""
    world = World(
        programs={
            "good": Program(seconds=0.0, metrics={"loss": 0.25}, files={"model.bin": b"abc"}),
            "bad": Program(seconds=0.0, exit_code=3),
            "slow": Program(seconds=None),
        }
    )
    world.loop.hints.heard_at = world.clock.now()
    world.push(
        {
            "a.yaml": job("good"),
            "b.yaml": job("bad"),
            "c.yaml": job("slow"),
            "d.yaml": service("serve"),
            "e.yaml": dag("graph"),
            "m/f.yaml": job("asked"),
            "g.yaml": job("nightly", more="schedule: {kind: cron, cron: '0 2 * * *'}"),
            **policy("policies: [{match: 'm/*', runPolicy: manual}]"),
        }
    )
    with daemon(world, tmp_path / "state") as made:
        until(made, "graph      dag      succeeded", "status")
        until(made, "serve      service  ready", "status")
        until(made, "bad        job      failed", "status")
        yield made


def test_status_is_a_table(shell: Shell) -> None:
    text = shell("status").stdout
    assert text.startswith("project project, instance test, at ")
    assert re.search(r"repository /srv/project.git, read \d+ s ago, last webhook \d+ s ago", text)
    assert "asked      job      manual" in text
    assert "nightly    job      scheduled" in text
    assert "\x1b" not in text


def test_options_stand_before_or_after_the_command(shell: Shell) -> None:
    before = RUNNER.invoke(shell_app(), ["--state", str(shell.state), "-o", "json", "runs", "--root", "good"])
    after = RUNNER.invoke(shell_app(), ["runs", "--state", str(shell.state), "--root", "good", "--output", "json"])
    assert before.exit_code == after.exit_code == 0
    assert json.loads(before.stdout) == json.loads(after.stdout)
    assert json.loads(after.stdout)["runs"][0]["key"] == "good@g1"


def shell_app() -> object:
    """The program."""
    from reconciler.cli.app import app

    return app


def test_a_commit_that_caused_a_failure_ends_with_1(shell: Shell) -> None:
    head = json.loads(shell("-o", "json", "status").stdout)["head"]
    text = shell("status", head[:8], code=1).stdout
    assert f"{head[:10]} pending" in text or f"{head[:10]} failure" in text or "bad" in text
    assert "failure  failed: exit code 3" in text


def test_a_commit_that_caused_no_failure_ends_with_0(tmp_path: Path) -> None:
    world = World()
    head = world.push({"a.yaml": job("good")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "succeeded", "status")
        assert shell("status", head, "--wait").stdout.startswith(f"{head[:10]} success: 1 operation done")


def test_two_runs_are_compared_and_a_run_has_a_graph(shell: Shell) -> None:
    until(shell, "failed", "runs", "--root", "bad")
    said = shell("diff", "good@last", "bad@last").stdout.splitlines()
    assert said[0] == "good@g1 (succeeded) -> bad@g1 (failed)"
    assert '  run/operation: "good" -> "bad"' in said
    assert "  end/exitCode: 0 -> 3" in said
    assert shell("diff", "good@g1", "good").stdout.splitlines()[1:] == ["  nothing differs"]
    found = json.loads(shell("diff", "good", "bad", "-o", "json").stdout)
    assert found["after"]["key"] == "bad@g1"
    until(shell, "succeeded", "runs", "--root", "graph")
    said = shell("graph", "graph@last").stdout.splitlines()
    assert said[0].startswith("graph@g1 (dag): 2 nodes in 2 layers, ")
    assert said[1].split() == ["1", "first", "job", "succeeded"]


def test_runs_are_listed_and_filtered(shell: Shell) -> None:
    text = shell("runs").stdout
    assert text.splitlines()[0].split() == ["ID", "RUN", "STATUS", "OPENED", "TOOK", "REASON"]
    assert "graph@g1/second" in text
    assert "slow@g1" in shell("runs", "--live").stdout
    assert "good@g1" not in shell("runs", "--live").stdout
    assert "slow@g1" not in shell("runs", "--final").stdout
    assert len(shell("runs", "--limit", "1").stdout.splitlines()) == 2
    assert shell("runs", "--root", "nightly").stdout == "no runs\n"
    assert "did you mean good?" in shell("runs", "--root", "godo", code=2).stderr
    found = shell("runs", "-q", "name: slow OR pipeline.name: graph", "--sort", "name", "--offset", "1").stdout
    assert [line.split()[1] for line in found.splitlines()] == ["RUN", "graph@g1/second", "slow@g1"]
    said = shell("runs", "--query", "name: slow, status: runing", code=2).stderr
    assert "query:1:13: PL-204: no run ever has the status `runing`; did you mean `running`?" in said


def test_logs_are_printed_as_they_are(shell: Shell) -> None:
    assert shell("logs", "good").stdout == "good@g1#1 ran in memory\n"
    assert shell("logs", "bad@last-failed#1").stdout == "bad@g1#1 ran in memory\n"
    assert shell("logs", "graph").stdout.splitlines()[1] == "second | graph@g1/second#1 ran in memory"
    assert "has not run yet" in shell("logs", "asked", code=2).stderr


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("bad", 1), ("bad@last#1", 1), ("graph", 0)])
def test_following_ends_with_how_the_run_ended(shell: Shell, name: str, code: int) -> None:
    assert "ran in memory" in shell("logs", "-f", name, code=code).stdout


def test_open_prints_the_address(shell: Shell) -> None:
    port = json.loads(shell("-o", "json", "status").stdout)["operations"][-2]
    url = shell("open", "serve", "--no-browser").stdout.strip()
    assert url.startswith("http://127.0.0.1:"), port
    assert "nothing of good is running" in shell("open", "good", code=2).stderr


def test_open_wakes_what_sleeps(tmp_path: Path) -> None:
    world = World(programs={"serve": Program(seconds=None, active_for=-3600)})
    idle = service("serve").replace(b"component:", b"termination: {culling: {timeout: 1}}\ncomponent:")
    world.push({"a.yaml": idle})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "asleep", "status")
        assert "plumbline open serve wakes it" in shell("status").stdout
        world.programs["serve"] = Program(seconds=None, active_for=3600)
        opened = shell("open", "serve", "--no-browser")
        assert "serve slept and is woken: serve@g1 round 1: serve" in opened.stderr
        assert opened.stdout.startswith("http://127.0.0.1:")
        assert "is woken" not in shell("open", "serve", "--no-browser").stderr


def test_queues_are_shown(shell: Shell) -> None:
    assert "QUEUE    PRIORITY  RUNS  RESOURCES  WAITING" in shell("queue").stdout
    text = shell("queue", "default").stdout
    assert text.startswith("queue default: 2 runs; priority 0")
    assert "slow@g1#1" in text
    assert "nothing waits" in text
    assert json.loads(shell("-o", "json", "queue", "default").stdout)["runs"] == {"limit": None, "used": 2}
    assert "there is no queue `gpu`; there is default" in shell("queue", "gpu", code=2).stderr


def test_gc_says_what_would_go(tmp_path: Path) -> None:
    world = World()
    world.core.policy = replace(world.core.policy, retention=Retention(count=0))
    world.push({"a.yaml": job("good")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "good       job   succeeded", "status")
        assert "nothing is beyond what is kept" in shell("gc", "--dry-run").stdout
        for _ in range(2):
            shell("run", "good", "--wait")
        assert "the newest 0" in until(shell, "1 runs with all below them, 1 B, would go", "gc", "--dry-run").stdout
        assert json.loads(shell("-o", "json", "gc", "--dry-run").stdout)["count"] == 1
        world.ledger._state.blobs["orphan"] = "{}"
        assert "1 compiled operations and other content that nothing names, would go" in shell("gc", "--dry-run").stdout
        assert "in small steps beside everything else" in shell("gc").stdout
        until(shell, "nothing is beyond what is kept", "gc", "--dry-run")


def test_explain_gives_reasons(shell: Shell) -> None:
    assert "it runs when asked: plumbline run asked" in shell("explain", "asked").stdout
    assert "next ticks: " in shell("explain", "nightly").stdout
    assert "no earlier generation" in shell("explain", "good", "--digest").stdout
    assert json.loads(shell("-o", "json", "explain", "good").stdout)["state"] == "succeeded"
    assert "did you mean good?" in shell("explain", "godo", code=2).stderr


def test_run_waits_and_ends_with_how_it_ended(shell: Shell) -> None:
    said = shell("run", "good", "--wait")
    assert said.stdout.startswith("good@req-")
    assert "see it with: plumbline logs -f r-" in said.stdout
    assert "succeeded" in said.stderr
    assert "failed: exit code 3" in shell("run", "bad", "--wait", code=1).stderr


def test_run_takes_params_and_says_what_is_wrong_with_them(shell: Shell) -> None:
    answer = json.loads(shell("-o", "json", "run", "good", "-P", "rate=0.5").stdout)
    key = answer["answers"][0]["run"]["key"]
    until(shell, "succeeded", "runs", "--root", "good", "-n", "1")
    assert key in shell("runs", "--root", "good", "-n", "1").stdout
    assert "PL-401" in shell("run", "good", "-P", "rat=1", code=2).stderr
    assert "write -P name=value" in shell("run", "good", "-P", "rate", code=2).stderr
    assert "given twice" in shell("run", "good", "-P", "rate=1", "-P", "rate=2", code=2).stderr


def test_who_asks_is_known_by_the_kernels_word(shell: Shell) -> None:
    shell("suspend", "good", "--for", "2h")
    found = json.loads(shell("-o", "json", "explain", "good").stdout)["suspended"]
    assert found["by"] == pwd.getpwuid(os.getuid()).pw_name == getpass.getuser()
    assert found["until"] is not None
    assert shell("unsuspend", "good").stdout == "good goes on\n"
    assert "is not suspended" in shell("unsuspend", "good", code=2).stderr


def test_the_project_is_suspended_as_a_whole(shell: Shell) -> None:
    assert shell("suspend").stdout == "the project is suspended\n"
    assert "! suspended by " in shell("status").stdout
    assert shell("unsuspend").stdout == "the project goes on\n"
    assert "is no span of time" in shell("suspend", "--for", "soon", code=2).stderr


def test_stop_and_retry(shell: Shell) -> None:
    assert shell("stop", "slow").stdout == "stopping 1 run\n"
    until(shell, "stopped", "runs", "--root", "slow")
    assert "nothing of slow is running" in shell("stop", "slow", code=2).stderr
    assert shell("retry", "bad").stdout.startswith("bad@g1 round 1")
    assert shell("retry", "graph", "--all", "--node", "second").stdout.startswith("graph@g1 round 1: second")
    assert "it has `first` or `second`" in shell("retry", "graph", "--node", "third", code=2).stderr


def test_approve_releases_what_status_shows(tmp_path: Path) -> None:
    world = World(budgets=Budgets(starts=1))
    world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    with daemon(world, tmp_path / "state") as shell:
        line = next(line for line in until(shell, "! held", "status").stdout.splitlines() if line.startswith("! held"))
        command = line.rpartition("; plumbline ")[2]
        assert "released" in shell(*command.split()).stdout
        until(shell, "two        job   succeeded", "status")
        assert "nothing is held now" in shell("approve", "h-00000000", code=2).stderr


def test_status_says_who_stopped_or_suspended_something(shell: Shell) -> None:
    me = getpass.getuser()
    shell("stop", "serve")
    shell("suspend", "nightly")
    text = until(shell, "serve      service  down", "status").stdout
    assert re.search(rf"^serve .* stopped by {me} since \S+; plumbline retry serve$", text, re.MULTILINE)
    assert re.search(
        rf"^nightly +job +suspended +suspended by {me} since \S+; plumbline unsuspend nightly$", text, re.MULTILINE
    )


def test_status_says_that_nothing_can_be_recorded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> int:
        raise Transient("no space left for the state in /srv; nothing was recorded, free some space there")

    assert "ledger" not in shell("status").stdout
    monkeypatch.setattr(MemoryLedger, "record", full)
    said = "! the ledger cannot be written: no space left for the state in /srv; nothing was recorded, free some space"
    assert f"{said} there; until then nothing new is done, and nothing is stopped\n" in shell("status").stdout


def test_nothing_stays_in_force_where_nothing_was_planned(tmp_path: Path) -> None:
    with daemon(World(), tmp_path / "state") as shell:
        line = next(line for line in until(shell, "! ", "status").stdout.splitlines() if line.startswith("! "))
        assert line.startswith("! nothing new can be planned: ")
        assert "stays in force" not in line


def test_one_problem_is_told_as_one(tmp_path: Path) -> None:
    world = World()
    head = world.push({"a.yaml": job("good"), "b.yaml": job("bad", more="nmae: x")})
    with daemon(world, tmp_path / "state") as shell:
        assert "! 1 problem: b.yaml:" in until(shell, "good", "status").stdout
        assert "! 1 problem: b.yaml:" in shell("status", head, code=1).stdout


@pytest.mark.parametrize("args", [("stop", "one"), ("retry", "one"), ("open", "one"), ("logs", "one")])
def test_what_is_held_points_at_its_hold_when_there_is_nothing_to_do(tmp_path: Path, args: tuple[str, ...]) -> None:
    world = World(hold_first=True)
    world.push({"a.yaml": job("one")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "! held", "status")
        said = shell(*args, code=2).stderr
        assert re.search(r"first contact with this repository; .*; plumbline approve h-first-\w+$", said)
        assert said.count("plumbline approve") == 1


@pytest.mark.parametrize("args", [("status",), ("runs",), ("logs", "x"), ("run", "x"), ("stop", "x"), ("explain", "x")])
def test_without_a_daemon_there_is_one_clear_sentence(tmp_path: Path, args: tuple[str, ...]) -> None:
    said = Shell(tmp_path / "nowhere")(*args, code=3)
    assert said.stdout == ""
    assert said.stderr.startswith(f"plumbline: no daemon answers in {tmp_path / 'nowhere'}; start one with ")
    assert said.stderr.count("\n") == 1
    (tmp_path / "empty").mkdir()
    assert "no daemon answers" in Shell(tmp_path / "empty")(*args, code=3).stderr


def test_a_deep_state_folder_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    world = World()
    world.push({"a.yaml": job("good")})
    with daemon(world, deep / "state") as shell:
        until(shell, "good", "status")


def test_the_state_folder_comes_from_the_configuration(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "daemon.yaml"
    config.write_text(f"repository: {{url: /srv/project.git}}\nstate: {shell.state}\n")
    assert "project project" in RUNNER.invoke(shell_app(), ["-c", str(config), "status"]).stdout
    config.write_text("repository: {}\n")
    wrong = RUNNER.invoke(shell_app(), ["status", "-c", str(config)])
    assert wrong.exit_code == 3
    assert "the configuration is wrong" in wrong.stderr


def test_metrics_are_a_table_of_the_last_values_or_every_value(shell: Shell) -> None:
    text = shell("metrics", "good").stdout
    assert text.splitlines() == ["METRIC  LAST  STEP  AT  VALUES", "loss    0.25            1"]
    table = shell("metrics", "good", "--name", "loss", "-o", "csv").stdout
    assert table == "name,value,step,timestamp,replica,attempt\nloss,0.25,,,,1\n"
    (point,) = json.loads(shell("metrics", "good", "-o", "json").stdout)["points"]
    assert (point["name"], point["value"], point["attempt"]) == ("loss", 0.25, 1)
    assert shell("metrics", "good", "--name", "other").stdout == "no metrics\n"
    assert json.loads(shell("runs", "-q", "metrics.loss: <0.3", "-o", "json").stdout)["runs"][0]["operation"] == "good"
    assert json.loads(shell("runs", "-q", "metrics.loss: <0.2", "-o", "json").stdout)["runs"] == []


def test_metrics_of_a_dag_are_those_of_a_node(shell: Shell) -> None:
    done = shell("metrics", "graph", code=2)
    assert "is a DAG: name one of its nodes" in done.stderr


def test_csv_is_for_series_only(shell: Shell) -> None:
    assert "`runs` does not answer in csv" in shell("runs", "-o", "csv", code=2).stderr


def test_artifacts_are_listed_and_fetched_and_nothing_is_overwritten(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = shell("artifacts", "ls", "good").stdout
    assert table.splitlines()[1].startswith("model.bin  3     ")
    assert json.loads(shell("artifacts", "ls", "good", "-o", "json").stdout)["artifacts"][0]["kind"] == "file"
    assert shell("artifacts", "get", "good", "model.bin").stdout == "model.bin\n"
    assert (tmp_path / "model.bin").read_bytes() == b"abc"
    again = shell("artifacts", "get", "good", "model.bin", code=2)
    assert "exists already" in again.stderr
    assert shell("artifacts", "get", "good", "model.bin", "--to", "-").stdout == "abc"
    missing = shell("artifacts", "get", "good", "other", code=2)
    assert "has no artifact 'other'" in missing.stderr
    assert not list(tmp_path.glob(".plumbline-*"))
