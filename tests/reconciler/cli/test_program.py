"""The program itself: its help, its documentation, how quickly it starts and how it ends."""

from __future__ import annotations

import importlib
import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from reconciler.backends.memory import Program
from reconciler.cli import demo, show
from reconciler.cli.app import app
from reconciler.cli.spans import seconds
from reconciler.cli.table import ENTRIES, GROUPS
from tests.reconciler.api.support import World, job
from tests.reconciler.cli.support import RUNNER, daemon, until

DOCS = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
ROOT = Path(__file__).parents[3]
SLOW = (
    "sqlalchemy",
    "git",
    "rich",
    "pydantic",
    "httpx",
    "anyio",
    "yaml",
    "uvicorn",
    "starlette",
    "structlog",
    "jinja2",
)


def plumbline(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "reconciler.cli", *args]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": str(ROOT)}
    )


@pytest.mark.unit
def test_the_help_groups_commands_by_task() -> None:
    text = RUNNER.invoke(app, ["--help"]).stdout
    places = [text.index(f"\n{group}:") for group in GROUPS]
    assert places == sorted(places)
    for entry in ENTRIES:
        assert re.search(rf"^  {entry.name} ", text, re.MULTILINE)


@pytest.mark.unit
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_command_and_option_is_documented(entry: object) -> None:
    name = entry.name  # type: ignore[attr-defined]
    assert f"### plumbline {name}\n" in DOCS
    section = DOCS.split(f"### plumbline {name}\n")[1].split("\n#")[0] + DOCS.split("## Try")[0]
    result = RUNNER.invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert entry.summary in " ".join(result.stdout.split())  # type: ignore[attr-defined]
    for option in re.findall(r"^  (--?[^ ].*?)(?:  |$)", result.stdout, re.MULTILINE):
        for word in re.findall(r"--?[a-zA-Z][-a-z]*", re.sub(r"<.*?>", "", option)):
            assert word in section, f"{word} of {name} is not in docs/cli.md"


@pytest.mark.unit
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_option_says_what_it_does(entry: object) -> None:
    command = get_command(app).get_command(None, entry.name)  # type: ignore[attr-defined]
    assert [option.name for option in command.params if not option.help] == []


@pytest.mark.unit
@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color_counts_for_the_demo_too(no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    demo.printer()("  ok: it is so")
    assert ("\x1b" in terminal.getvalue()) is coloured


@pytest.mark.unit
@pytest.mark.parametrize("name", re.findall(r"^### plumbline (\S+)$", DOCS, re.MULTILINE))
def test_every_documented_command_exists(name: str) -> None:
    assert name in {entry.name for entry in ENTRIES}
    assert callable(importlib.import_module(f"reconciler.cli.{name.replace('-', '_')}").run)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        pytest.param(["stauts"], 2, "did you mean `status`?", id="typo"),
        pytest.param(["--nothing"], 2, "No such option", id="option"),
        pytest.param(["runs", "--limit", "x"], 2, "--limit", id="value"),
        pytest.param(["daemon"], 2, "name the configuration", id="daemon-without"),
        pytest.param(["daemon", "-c", "/does/not/exist.yaml"], 3, "cannot read the configuration", id="no-file"),
    ],
)
def test_a_wrong_call_is_said_in_words(args: list[str], code: int, words: str) -> None:
    result = RUNNER.invoke(app, args)
    assert (result.exit_code, words in result.stderr) == (code, True), result.output


@pytest.mark.unit
def test_our_own_fault_ends_with_4_and_keeps_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(show, "value", lambda _: {}[0])
    result = RUNNER.invoke(app, ["schema"])
    assert result.exit_code == 4
    assert "this is our fault, not yours: KeyError" in result.stderr
    assert "Traceback" not in result.stderr
    (kept,) = tmp_path.glob("plumbline-crash-*.txt")
    assert str(kept) in result.stderr
    assert "Traceback" in kept.read_text()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30m", 1800),
        ("2h", 7200),
        ("1d12h", 129_600),
        ("PT2H", 7200),
        ("P1DT1H", 90_000),
        ("90", 90),
        ("90s", 90),
        ("1w", 604_800),
        ("", None),
        ("0", None),
        ("soon", None),
        ("-1h", None),
        ("2h30", 7230),
        ("9" * 30 + "w", None),
        ("1.5h", None),
    ],
)
def test_spans_of_time(text: str, length: int | None) -> None:
    assert seconds(text) == length


@pytest.mark.process
def test_the_help_loads_nothing_slow() -> None:
    program = (
        "import sys\n"
        "from reconciler.cli.__main__ import main\n"
        "sys.argv = ['plumbline', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert "Usage: plumbline" in done.stdout
    assert not set(SLOW) & set(done.stderr.split())


@pytest.mark.process
def test_the_program_runs_as_a_module_and_ends_with_its_codes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1.1\nkind: operation\n")
    wrong = plumbline("validate", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (2, "")
    assert wrong.stdout.startswith("a.yaml:1:1: error PL-202: ")
    assert plumbline("--state", str(tmp_path), "status").returncode == 3
    assert plumbline("--version").stdout.strip()
    assert plumbline().returncode == 2


@pytest.mark.process
def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m reconciler.cli schema | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60)
    assert done.stdout == "{\n"
    assert done.stderr == ""


@pytest.mark.process
def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    world = World(programs={"train": Program(seconds=None)})
    world.push({"a.yaml": job("train")})
    with daemon(world, tmp_path / "state") as shell:
        until(shell, "running", "status")
        command = [sys.executable, "-m", "reconciler.cli", "--state", str(shell.state), "logs", "-f", "train"]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    assert (first, rest, said) == ("train@g1#1 ran in memory\n", "", "")
    assert process.returncode == 130
