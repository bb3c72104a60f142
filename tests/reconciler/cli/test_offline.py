"""Commands that need no daemon: validate, plan, ls-files and schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from planner.compile import CompileConfig
from planner.model.cluster import ClusterRules
from reconciler.cli import plan
from reconciler.cli.app import app
from reconciler.cli.schema import schema
from tests.reconciler.api.support import World, dag, job, policy
from tests.reconciler.cli.support import RUNNER, commit, daemon, git, repository, until, write

pytestmark = pytest.mark.process

PRESET = b"version: 1.1\nkind: operation\nname: fast\nisPreset: true\nqueue: fast\n"
COMPONENT = b"version: 1.1\nkind: component\nname: base\nrun: {kind: job, container: {image: i, command: [x]}}\n"
BAD = b"version: 1.1\nkind: operation\nname: bad\npathRef: missing.yaml\nscedule: {}\n"


def say(*args: str | Path, code: int = 0) -> Result:
    """What `plumbline ARGS` says; it must end with `code`."""
    result = RUNNER.invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, f"{result.exit_code}: {result.output}{result.exception!r}"
    return result


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon of this machine is asked, and paths are those of the test's folder."""
    monkeypatch.setenv("PLUMBLINE_STATE", str(tmp_path / "no-state"))
    monkeypatch.chdir(tmp_path)


# --- validate ---


def test_a_good_folder_is_listed(tmp_path: Path) -> None:
    write(tmp_path / "specs", {"ops/a.yaml": job("train"), "c.yaml": COMPONENT, "notes.yaml": b"hello: world\n"})
    text = say("validate", "specs").stdout
    assert text.splitlines() == [
        "specs/ops/a.yaml: operation train (job)",
        "specs/c.yaml: component base, not run",
        "1 operation, 1 component, 0 presets, 0 problems, 0 warnings",
    ]


def test_presets_are_listed_beside_operations_and_components(tmp_path: Path) -> None:
    write(tmp_path, {"p/fast.yaml": PRESET, "a.yaml": job("train") + b"presets: [fast]\n", "c.yaml": COMPONENT})
    assert say("validate").stdout.splitlines() == [
        "a.yaml: operation train (job)",
        "c.yaml: component base, not run",
        "p/fast.yaml: preset fast, not run",
        "1 operation, 1 component, 1 preset, 0 problems, 0 warnings",
    ]
    found = json.loads(say("validate", "--output", "json").stdout)
    assert found["presets"] == [{"path": "p/fast.yaml", "name": "fast"}]
    assert json.loads(say("validate", "--output", "json", "c.yaml").stdout)["presets"] == []


def test_a_preset_with_problems_is_listed_with_them(tmp_path: Path) -> None:
    write(tmp_path, {"fast.yaml": PRESET + b"foo: 1\n", "nameless.yaml": PRESET.replace(b"name: fast\n", b"")})
    said = say("validate", code=2).stdout.splitlines()
    assert [line.partition(": ")[2].split(":")[0] for line in said[:2]] == ["error PL-201", "error PL-202"]
    assert said[2:] == [
        "fast.yaml: preset fast, not run",
        "nameless.yaml: preset, not run",
        "0 operations, 0 components, 2 presets, 2 problems, 0 warnings",
    ]


def test_every_problem_is_named_at_once_with_its_place_and_a_hint(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": BAD, "b.yaml": b"version: 1.1\nkind: operation\n  name: x\n", "c.yaml": job("good")})
    said = say("validate", code=2)
    assert "a.yaml:5:1: error PL-201: " in said.stdout
    assert "did you mean `schedule`?" in said.stdout
    assert "b.yaml:3:" in said.stdout
    assert "c.yaml: operation good (job)" in said.stdout
    assert "Traceback" not in said.output


def test_a_file_that_is_named_counts_as_a_spec_and_others_are_not_reported(tmp_path: Path) -> None:
    write(tmp_path, {".plumbline.yaml": b"project: p\n", "a.yaml": BAD, "b.yaml": job("good"), "c.yaml": b"x: 1\n"})
    assert say("validate", "b.yaml").stdout.startswith("b.yaml: operation good (job)\n1 operation, 0 components")
    assert "c.yaml" in say("validate", "c.yaml", code=2).stdout
    assert "a.yaml" not in say("validate", "b.yaml").stdout
    assert say("validate", "a.yaml", "b.yaml", code=2).stdout.count("operation good") == 1


def test_what_a_named_file_refers_to_is_found_beside_it(tmp_path: Path) -> None:
    reference = b"version: 1.1\nkind: operation\nname: it\npathRef: ../c/base.yaml\n"
    repository(tmp_path / "repo", {"c/base.yaml": COMPONENT, "ops/it.yaml": reference})
    assert "operation it (job)" in say("validate", "repo/ops/it.yaml").stdout


def test_problems_as_sarif_have_paths_of_the_repository(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"models/.plumbline.yaml": b"project: m\n", "models/a.yaml": BAD})
    (run,) = json.loads(say("validate", "repo/models", "-o", "sarif", code=2).stdout)["runs"]
    (result,) = [result for result in run["results"] if result["ruleId"] == "PL-201"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("models/a.yaml", 5)


def test_no_other_command_answers_in_sarif(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": job("train")})
    assert "`plan` does not answer in sarif" in say("-o", "sarif", "plan", code=2).output
    assert "`runs` does not answer in sarif" in say("runs", "-o", "sarif", code=2).output


def test_problems_as_json(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": BAD})
    found = json.loads(say("validate", "-o", "json", code=2).stdout)
    (problem,) = [problem for problem in found["problems"] if problem["code"] == "PL-201"]
    assert (problem["path"], problem["line"], problem["column"]) == ("a.yaml", 5, 1)


def test_what_is_not_there_or_ignored_is_said(tmp_path: Path) -> None:
    assert "there is nothing at nowhere" in say("validate", "nowhere", code=2).stderr
    repository(tmp_path / "repo", {".gitignore": b"secret.yaml\n"})
    write(tmp_path / "repo", {"secret.yaml": job("x")})
    assert "is ignored by git" in say("validate", "repo/secret.yaml", code=2).stderr


def test_hostile_files_end_in_problems(tmp_path: Path) -> None:
    bomb = b"a: &a [x,x]\n" + b"".join(b"b%d: &b%d [*a,*a]\n" % (number, number) for number in range(2000))
    write(
        tmp_path,
        {
            "deep.yaml": b"kind: operation\nx: " + b"[" * 5000,
            "tag.yaml": b"kind: operation\nx: !!python/object/apply:os.system ['true']\n",
            "bomb.yaml": b"kind: operation\n" + bomb,
            "bytes.yaml": b"kind: operation\n\xff\xfe\n",
        },
    )
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    said = say("validate", code=2)
    assert {"PL-104", "PL-106", "PL-107"} <= {word.rstrip(":") for word in said.stdout.split()}


# --- plan ---


def test_the_files_as_they_are_are_planned_against_head(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"a.yaml": job("one"), "b.yaml": job("two", command="other")})
    assert "plan: 2 unchanged" in say("plan", "repo", "--exit-code").stdout
    write(tmp_path / "repo", {"a.yaml": job("one", command="changed"), "c.yaml": job("three", command="third")})
    (tmp_path / "repo" / "b.yaml").unlink()
    text = say("plan", "repo").stdout
    assert "note: compared with HEAD (" in text
    assert "- remove two" in text
    assert "~ update one (job): its spec changed" in text
    assert "+ start three (job): new in the repository" in text
    assert say("plan", "repo", "--exit-code", code=1).stdout == text


def test_commits_are_planned_against_each_other_or_the_parent(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    first = repository(repo, {"a.yaml": job("one")})
    git(repo, "branch", "start")
    second = commit(repo, {"b.yaml": job("two", command="other")})
    assert "+ start two" in say("plan", "repo", "--base", "start", "--head", "HEAD").stdout
    assert "+ start two" in say("plan", "repo", "--head", second[:12]).stdout
    comment = say("plan", "repo", "--head", second[:12], "--markdown").stdout
    assert "| start | <code>two</code> job | new in the repository |" in comment
    assert f"<code>{second[:10]}</code> against <code>" in comment
    assert "as if that had been applied and had succeeded" in comment, "what it is compared with is said there too"
    backwards = json.loads(say("plan", "repo", "--base", "HEAD", "--head", first, "-o", "json").stdout)
    assert [(action["verb"], action["root"]) for action in backwards["actions"]] == [("remove", "two")]
    assert "compared with nothing, as it is the first commit" in say("plan", "repo", "--head", first).stdout


def test_a_schedule_is_planned_as_of_an_instant(tmp_path: Path) -> None:
    nightly = job("nightly", more="schedule: {kind: cron, cron: '0 2 * * *'}")
    first = repository(tmp_path / "repo", {"a.yaml": nightly})
    text = say("plan", "repo", "--head", first, "--at", "2031-05-06T00:00:00Z").stdout
    assert "next ticks: 2031-05-06 02:00 UTC" in text


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        pytest.param(("--head", "nothing"), 2, "`nothing` names no commit", id="ref"),
        pytest.param(("--head", "--upload-pack=x"), 2, "names no commit", id="option-as-ref"),
        pytest.param(("--at", "tomorrow"), 2, "is no instant", id="instant"),
        pytest.param(("--live", "--base", "HEAD"), 2, "exclude each other", id="both"),
        pytest.param(("--live",), 3, "no daemon answers", id="no-daemon"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(tmp_path: Path, args: tuple[str, ...], code: int, words: str) -> None:
    repository(tmp_path / "repo", {"a.yaml": job("one")})
    assert words in say("plan", "repo", *args, code=code).stderr


def test_without_git_there_is_no_plan(tmp_path: Path) -> None:
    write(tmp_path / "specs", {"a.yaml": job("one")})
    assert "is no git repository" in say("plan", "specs", code=2).stderr


def test_problems_end_a_plan_with_2_and_leave_what_they_concern(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"a.yaml": job("one"), "b.yaml": job("two", command="other")})
    write(tmp_path / "repo", {"a.yaml": BAD})
    text = say("plan", "repo", code=2).stdout
    assert "! not complete" in text
    assert "one stays as it is" in text


def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    git(tmp_path / "repo", "init", "--quiet")
    write(tmp_path / "repo", {"a.yaml": job("one")})
    text = say("plan", "repo").stdout
    assert "compared with nothing, as there is no commit yet" in text
    assert "+ start one" in text


def test_a_bare_repository_has_commits_and_no_files(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"a.yaml": job("one")})
    git(tmp_path, "clone", "--quiet", "--bare", "repo", "bare.git")
    assert "+ start one" in say("plan", "bare.git", "--head", "HEAD").stdout
    assert "name a commit with --head" in say("plan", "bare.git", code=2).stderr


def test_a_project_further_down_is_planned_by_itself(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repository(repo, {"sub/.plumbline.yaml": b"project: sub\n", "sub/a.yaml": job("one"), "b.yaml": BAD})
    assert "plan: 1 unchanged" in say("plan", "repo/sub").stdout
    assert "+ start one" in say("plan", "repo/sub", "--head", "HEAD").stdout
    assert "1 operation, 0 components, 0 presets, 0 problems" in say("validate", "repo/sub").stdout


def test_a_daemon_that_follows_the_repository_is_asked_for_what_is_really_there(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    files = {"a.yaml": dag("graph")}
    repository(repo, files)
    world = World()
    world.service.settings = world.service.settings.model_copy(
        update={"repository": world.service.settings.repository.model_copy(update={"url": f"file://{repo}"})}
    )
    world.push(files)
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "succeeded", "status")
        write(repo, {"a.yaml": dag("graph").replace(b"[two]", b"[other]")})
        text = shell("plan", str(repo)).stdout
        assert text.startswith("note: compared with the world as it is: project project, instance test\n")
        assert "first: carried over from graph@g1/first, will not run" in text
        assert "no daemon was asked" in shell("plan", str(repo), "--offline").stdout
        assert "asked for its pins only" in shell("plan", str(repo), "--base", "HEAD").stdout
        assert "no daemon was asked" in shell("plan", str(repo), "--base", "HEAD", "--offline").stdout
        assert json.loads(shell("plan", str(repo), "--live", "-o", "json").stdout)["actions"][0]["verb"] == "update"
        write(repo, policy("project: other"))
        assert "error PL-602" in shell("plan", str(repo), code=2).stdout
        other = tmp_path / "other"
        repository(other, files)
        assert "no daemon was asked" in shell("plan", str(other)).stdout


IMAGE = b"""\
version: 1.1
kind: operation
name: serve
component:
  run:
    kind: service
    container: {image: nginx, securityContext: {privileged: true}}
"""
"""What one machine has no program for, a cluster runs; whether it may be privileged is the configuration's word."""
OF_A_CLUSTER = """\
repository: {url: /srv/models.git}
backend: kubernetes
backends: {kubernetes: {allow: [%s]}}
"""


def test_files_are_compiled_as_for_the_backend_that_runs_them(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"a.yaml": b"# nothing yet"})
    write(tmp_path / "repo", {"a.yaml": IMAGE})
    text = say("plan", "repo").stdout
    assert "note: compiled as for the local backend: name the daemon's configuration with -c, or another" in text
    assert "the local backend needs a command" in text
    text = say("plan", "repo", "--backend", "kubernetes").stdout
    assert "note: compiled as for the kubernetes backend; its rules and connections are not known" in text
    assert "needs a command" not in text
    assert "+ start serve" in text
    for allowed, starts in (("", False), ("privileged, privilegeEscalation", True)):
        (tmp_path / "daemon.yaml").write_text(OF_A_CLUSTER % allowed)
        text = say("plan", "repo", "-c", "daemon.yaml").stdout
        assert "note: compiled as for the kubernetes backend, by daemon.yaml" in text
        assert ("+ start serve" in text) is starts
        assert ("privileged" in text) is not starts


def test_files_are_checked_as_for_a_backend(tmp_path: Path) -> None:
    write(tmp_path / "specs", {"a.yaml": IMAGE})
    assert "the local backend needs a command" in say("validate", "specs").stdout
    assert "0 problems, 0 warnings" in say("validate", "specs", "--backend", "kubernetes").stdout
    assert "no backend `mars`" in say("validate", "specs", "--backend", "mars", code=2).stderr
    assert "excludes --backend" in say("validate", "specs", "--expect", "--backend", "local", code=2).stderr


def test_a_backend_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    repository(tmp_path / "repo", {"a.yaml": job("one")})
    (tmp_path / "daemon.yaml").write_text(OF_A_CLUSTER % "")
    words = "there is no backend `mars`: write local, engine or kubernetes"
    assert words in say("plan", "repo", "--backend", "mars", code=2).stderr
    both = say("plan", "repo", "--backend", "local", "-c", "daemon.yaml", code=2).stderr
    assert "--backend and --config exclude each other" in both
    for other in ("--live", "--server"):
        assert "is for plans without a daemon" in say("plan", "repo", "--backend", "local", other, code=2).stderr


def test_a_daemon_says_what_it_compiles_by(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repository(repo, {"a.yaml": job("one")})
    world = World()
    world.service.settings = world.service.settings.model_copy(
        update={"repository": world.service.settings.repository.model_copy(update={"url": str(repo)})}
    )
    world.core.compiling = CompileConfig("project", "test", backend="kubernetes", cluster=ClusterRules())
    world.push({"a.yaml": job("one")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "succeeded", "status")
        write(repo, {"b.yaml": IMAGE})
        for options in ((), ("--base", "HEAD")):
            text = shell("plan", str(repo), *options).stdout
            assert "note: compiled as for the kubernetes backend, as the daemon does" in text
            assert "needs a command" not in text
            assert "privileged" in text, "its rules count"
        offline = shell("plan", str(repo), "--backend", "kubernetes").stdout
        assert "no daemon was asked" in offline
        assert "+ start serve" in offline
        world.core.compiling = None  # of a version that does not say it
        assert "compiled as for the local backend: name" in shell("plan", str(repo)).stdout


def test_files_that_are_too_many_for_the_daemon_are_planned_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    head = repository(repo, {"a.yaml": job("one")})
    world = World()
    world.service.settings = world.service.settings.model_copy(
        update={"repository": world.service.settings.repository.model_copy(update={"url": str(repo)})}
    )
    world.push({"a.yaml": job("one")})
    monkeypatch.setattr(plan, "LARGEST_PLAN", 10)
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "succeeded", "status")
        assert "asked for its pins only" in shell("plan", str(repo)).stdout
        assert "plan them with --offline" in shell("plan", str(repo), "--live", code=2).stderr
        assert "no daemon was asked" in shell("plan", str(repo), "--offline").stdout
        assert f"has no commit {head}" in shell("plan", str(repo), "--live", "--head", "HEAD", code=2).stderr


# --- ls-files and schema ---


def test_files_are_listed_with_the_reason(tmp_path: Path) -> None:
    files = {"a.yaml": job("one"), "b.yaml": b"x: 1\n", "old/c.yaml": job("two"), "code.py": b""}
    write(tmp_path, files | policy("paths: {exclude: 'old/**'}"))
    rows = {row["path"]: row["state"] for row in json.loads(say("ls-files", "-o", "json").stdout)["files"]}
    assert rows == {"a.yaml": "in", "b.yaml": "ignored", "old/c.yaml": "out"}
    assert "out      old/c.yaml  left out by `paths`" in say("ls-files").stdout


def test_an_excluded_file_is_out_for_every_command(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repository(repo, {"a.yaml": job("one"), "b.yaml": job("two", command="other")})
    write(repo, policy("paths: {exclude: a.yaml}"))
    rows = {row["path"]: row["state"] for row in json.loads(say("ls-files", "repo", "-o", "json").stdout)["files"]}
    assert rows == {"a.yaml": "out", "b.yaml": "in"}
    assert "a.yaml" not in say("validate", "repo").stdout
    assert "- remove one" in say("plan", "repo").stdout


def test_a_project_that_is_renamed_is_no_problem_without_a_ledger(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repository(repo, {"a.yaml": job("one"), **policy("project: before")})
    write(repo, policy("project: after"))
    assert "0 problems" in say("validate", "repo").stdout
    say("plan", "repo")


def test_the_schema_has_the_names_that_people_write() -> None:
    made: dict[str, Any] = json.loads(say("schema").stdout)
    assert made == json.loads(json.dumps(schema()))
    definitions = made["$defs"]
    assert {"maxRetries", "timeout"} <= definitions["Termination"]["properties"].keys()
    assert "pathRef" in definitions["Operation"]["properties"]
    assert [part["required"] for part in made["oneOf"]] == [["version", "kind"], ["kind"]]
    assert definitions["Operation"]["additionalProperties"] is False


# --- graph ---


def test_a_graph_needs_no_daemon(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": dag("flow"), "b.yaml": job("train")})
    assert say("graph", "flow").stdout.splitlines() == [
        "flow (dag): 2 nodes in 2 layers",
        "  1 first   job",
        "  2 second  job    after first",
    ]
    assert say("graph").stdout == say("graph", "flow").stdout
    assert say("graph", "train").stdout.splitlines()[0] == "train (job): 1 node in 1 layer"
    assert say("-o", "mermaid", "graph", "flow").stdout.splitlines()[:2] == ["flowchart TD", '    n0["first"]']
    found = json.loads(say("graph", "flow", "-o", "json").stdout)
    assert [(edge["source"], edge["target"]) for edge in found["edges"]] == [("first", "second")]
    assert [graph["operation"] for graph in json.loads(say("graph", "-o", "json").stdout)["graphs"]] == ["flow"]


def test_a_graph_of_nothing_says_so(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": dag("flow"), "bad.yaml": BAD})
    assert "did you mean flow?" in say("graph", "flwo", code=2).output
    assert "`plumbline validate` says what is wrong" in say("graph", "bad", code=2).output
    assert "`ls-files` does not answer in mermaid" in say("ls-files", "-o", "mermaid", code=2).output
    assert "`validate` does not answer in mermaid" in say("-o", "mermaid", "validate", code=2).output
    assert "no daemon answers" in say("graph", "flow@last", code=3).output


# --- what a commit wakes, and when schedules fire ---

LISTENS = "events: [{ref: repository, kinds: [connection_git_commit], paths: ['data/**', '*.csv']}]"


def test_a_plan_says_whom_the_commit_wakes(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    files = {"a.yaml": job("train", more=LISTENS), "b.yaml": job("other"), "data/a": b"1", "data/b": b"1", "c": b"1"}
    repository(repo, files)
    assert "wakes" not in say("plan", "repo").stdout
    write(repo, {"c": b"2"})
    assert "wakes" not in say("plan", "repo").stdout
    write(repo, {"data/a": b"2"})
    (repo / "data/b").unlink()
    line = "note: wakes train: its event listens to data/**, *.csv; it touches data/a and 1 more"
    assert line in say("plan", "repo").stdout.splitlines()
    commit(repo, {})
    assert line in say("plan", "repo", "--head", "HEAD").stdout.splitlines()
    # Who listens is who listened before: the commit that brings an operation does not start it.
    write(repo, {"new.yaml": job("new", more=LISTENS, command="x"), "data/c": b"1"})
    assert "wakes new" not in say("plan", "repo").stdout


def test_schedules_of_another_repository_are_not_those_of_its_daemon(tmp_path: Path) -> None:
    hourly = "schedule: {kind: cron, cron: '0 * * * *'}"
    repo, other = tmp_path / "repo", tmp_path / "other"
    repository(repo, {"a.yaml": job("followed", more=hourly)})
    repository(other, {"a.yaml": job("mine", more=hourly)})
    world = World()
    world.service.settings = world.service.settings.model_copy(
        update={"repository": world.service.settings.repository.model_copy(update={"url": str(repo)})}
    )
    world.push({"a.yaml": job("followed", more=hourly)})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "followed", "status")
        live = shell("schedule", "next", "--path", str(repo))
        assert (live.stdout.partition(":")[0], live.stderr) == ("followed", "")
        found = shell("schedule", "next", "--path", str(other))
        assert found.stdout.startswith("mine: 0 * * * * (UTC)")
        assert f"the daemon that answers follows {repo}, and --live asks it" in found.stderr
        assert shell("schedule", "next", "--path", str(other), "--live").stdout.startswith("followed: ")
        nowhere = tmp_path / "nowhere"
        nowhere.mkdir()
        assert shell("schedule", "next", "--path", str(nowhere)).stdout.startswith("followed: ")
