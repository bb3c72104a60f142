"""Hubs: which file a name means, what ships with the package, and what is refused (design: section 4, item 10)."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from planner.compile import CompileConfig, compile_tree, references
from planner.spec.component import Component
from planner.spec.load import load
from reconciler.errors import Refused, Transient
from reconciler.hubs import FolderHub, packaged
from reconciler.hubs_git import GitHub, Origin
from reconciler.outside import offline
from reconciler.source import remote
from reconciler.source.remote import ANONYMOUS
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit


@pytest.fixture
def anyio_backend():
    return "asyncio"


def laid(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


FILES = {"train.yaml": "newest", "train/2.yaml": "two", "eval/1.0.yaml": "one"}
FOUND = [
    ("train", "", "train.yaml", b"newest"),
    ("train", "2", "train/2.yaml", b"two"),
    ("eval", "1.0", "eval/1.0.yaml", b"one"),
    ("eval", "", "", b""),
    ("train", "3", "", b""),
    ("nothing", "", "", b""),
]


@pytest.mark.parametrize(("name", "version", "path", "data"), FOUND)
def test_which_file_of_a_folder_a_name_means(tmp_path, name, version, path, data):
    found = FolderHub("team", laid(tmp_path, FILES)).read(name, version)

    assert (found.path, found.data) == (path, data) if path else found is None


def test_what_a_folder_has_is_listed_as_specs_name_it(tmp_path):
    assert FolderHub("team", laid(tmp_path, FILES)).names() == ["train", "eval:1.0", "train:2"]


def test_what_is_no_file_of_the_folder_is_refused(tmp_path):
    laid(tmp_path, {"out.yaml": "secret", "hub/deep.yaml/x": "", "hub/large.yaml": "#" * 1_000_001})
    (tmp_path / "hub/link.yaml").symlink_to(tmp_path / "out.yaml")
    hub = FolderHub("team", tmp_path / "hub")
    for name, words in {"link": "no file in its folder", "deep": "no file", "large": "more than 1,000,000"}.items():
        with pytest.raises(Refused, match=words):
            hub.read(name, "")


def test_a_folder_that_is_not_there_may_come_back(tmp_path):
    with pytest.raises(Transient, match="the hub `team` is not there"):
        FolderHub("team", tmp_path / "gone").read("train", "")


# -- git


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = laid(tmp_path / "hub", {**FILES, "train.yaml": "first"})
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "-a", "v1", "-m", "first")
    laid(folder, {"train.yaml": "newest"})
    git(folder, "commit", "-qam", "newest")
    return folder


def hub_of(repository: Path, folder: Path, ref: str = "HEAD") -> GitHub:
    return GitHub("team", Origin(remote.parse(str(repository)), ANONYMOUS, ref), folder)


@pytest.mark.anyio
@pytest.mark.process
async def test_a_version_of_a_repository_is_a_file_or_a_tag(repository, tmp_path):
    hub = hub_of(repository, tmp_path / "copy")
    for name, version, path, data in [*FOUND, ("train", "v1", "train.yaml", b"first"), ("eval", "v1", "", b"")]:
        found = await hub.find(name, version)
        assert (found.path, found.data) == (path, data) if path else found is None, (name, version)
    assert sorted(await hub.listed()) == ["eval:1.0", "train", "train:2"]


@pytest.mark.anyio
@pytest.mark.process
async def test_a_repository_is_read_at_its_branch_as_it_is_now_and_at_a_tag_as_it_was(repository, tmp_path):
    async def found() -> list[bytes]:
        hubs = [hub_of(repository, tmp_path / ref, f"refs/{ref}") for ref in ("heads/main", "tags/v1")]
        return [(await hub.find("train", "")).data for hub in hubs]

    assert await found() == [b"newest", b"first"]
    laid(repository, {"train.yaml": "newer still"})
    git(repository, "commit", "-qam", "again")
    assert await found() == [b"newer still", b"first"]


@pytest.mark.anyio
@pytest.mark.process
async def test_a_repository_that_cannot_be_read_may_come_back(repository, tmp_path):
    for hub in (hub_of(tmp_path / "gone", tmp_path / "a"), hub_of(repository, tmp_path / "b", "refs/heads/gone")):
        with pytest.raises(Transient, match="the hub `team`"):
            await hub.find("train", "")


# -- what ships with the package

PARAMS = {
    "git-clone": "{url: {value: 'https://forge.example/a.git'}}",
    "tensorboard": "{logdir: {value: /runs}}",
    "jupyter": "{}",
    "tuner": "{space: {value: {lr: [0.1, 0.2]}}}",
    "image-build": "{destination: {value: 'registry.example/a:1'}}",
    "report": "{}",
    "webhook": "{url: {value: 'https://chat.example/hook'}}",
}


def test_every_packaged_component_is_sound():
    hub = packaged()
    assert set(hub.names()) == set(PARAMS)
    for name in hub.names():
        loaded = load(f"{name}.yaml", hub.read(name, "").data)
        assert [str(problem) for problem in loaded.problems] == []
        (document,) = loaded.documents
        assert isinstance(document.spec, Component)
        assert document.name == name
        assert all(io.description for io in (*document.spec.inputs, *(document.spec.outputs or ())))


@pytest.mark.parametrize("name", PARAMS)
def test_every_packaged_component_compiles(name):
    text = f"version: 1.1\nkind: operation\nname: a\nhubRef: {name}\nparams: {PARAMS[name]}\n"
    it = given({"a.yaml": text}, CompileConfig("demo", backend="kubernetes"))
    it = given({"a.yaml": text}, it.config, outside=offline(references(it)))
    desired = compile_tree(it)

    assert [str(problem) for problem in desired.problems] == []
    assert set(desired.roots) == {"a"}


def script_of(name: str) -> str:
    (document,) = load(f"{name}.yaml", packaged().read(name, "").data).documents
    return str(document.spec.run.container.args[-1])


@pytest.mark.process
def test_the_tuner_suggests_what_was_not_tried(tmp_path):
    tried = [{"lr": 1, "depth": "a"}, {"lr": 2, "depth": "a"}]
    inputs = {"space": {"lr": [1, 2], "depth": ["a", "b"]}, "tried": tried, "count": 5, "seed": 7}
    context, output = tmp_path / "context.json", tmp_path / "output"
    context.write_text(json.dumps({"inputs": inputs}))
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", script_of("tuner")],
            env={"PLUMBLINE_CONTEXT": str(context), "PLUMBLINE_OUTPUT": str(output)},
            check=True,
        )
    first, second = (json.loads(line)["value"] for line in output.read_text().splitlines())

    assert first == second
    assert sorted(one["lr"] for one in first) == [1, 2]
    assert {one["depth"] for one in first} == {"b"}


TOLD = {
    "name": "train",
    "uuid": "r-7f3k2m4q",
    "status": "failed",
    "duration": 12.5,
    "inputs": {"rate": 0.1},
    "outputs": {},
    "condition": {"type": "failed", "reason": "exit code 1"},
}


def ran(name: str, folder: Path, **params: object) -> subprocess.CompletedProcess[str]:
    """The program of a packaged hook, with what it is told of a run."""
    context = folder / "context.json"
    context.write_text(json.dumps({"params": {**TOLD, **params}}))
    env = {"PLUMBLINE_CONTEXT": context, "PLUMBLINE_ARTIFACTS": folder, "PLUMBLINE_OUTPUT": folder / "output"}
    return subprocess.run(
        [sys.executable, "-c", script_of(name)],
        env={name: str(path) for name, path in env.items()},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.process
def test_the_report_is_a_page_on_the_run(tmp_path):
    assert ran("report", tmp_path, title="").returncode == 0
    page = tmp_path / "outputs/report.md"
    assert page.read_text().splitlines() == [
        "# train has failed",
        "",
        "- run: r-7f3k2m4q",
        "- status: failed",
        "- reason: exit code 1",
        "- seconds: 12.5",
        "",
        "| inputs | |",
        "|---|---|",
        "| rate | 0.1 |",
    ]
    assert json.loads((tmp_path / "output").read_text()) == {"name": "report", "value": str(page)}


@pytest.fixture
def chat():
    """A server on loopback: what was posted to it, and its address; a path that ends in 500 is answered so."""
    posted: list[dict[str, object]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path.endswith("500") else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield posted, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.process
def test_the_webhook_posts_how_a_run_ended(tmp_path, chat):
    posted, url = chat
    done = ran("webhook", tmp_path, url=f"{url}/hook", text="", seconds=10)
    assert (done.returncode, done.stdout) == (0, "webhook: 200\n")
    (body,) = posted
    assert (body["text"], body["status"], body["inputs"]) == ("train has failed: exit code 1", "failed", {"rate": 0.1})


@pytest.mark.process
@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("{url}/500", "webhook: it answers 500", id="an-error"),
        pytest.param("http://127.0.0.1:9/", "webhook: no answer: ", id="nobody-there"),
        pytest.param("file:///etc/passwd", "webhook: the url must begin with https:// or http://", id="no-url"),
    ],
)
def test_a_webhook_that_is_not_taken_fails_with_a_sentence(tmp_path, chat, path, said):
    done = ran("webhook", tmp_path, url=path.format(url=chat[1]), text="", seconds=10)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("revision", "content"), [("", "newest"), ("v1", "first"), ("--output=x", None), ("gone", None)]
)
def test_git_clone_clones_and_says_the_commit(repository, tmp_path, revision, content):
    output = tmp_path / "output"
    done = subprocess.run(
        ["/bin/sh", "-euc", script_of("git-clone")],
        env={
            "PATH": os.environ["PATH"],
            "URL": str(repository),
            "REVISION": revision,
            "PLUMBLINE_ARTIFACTS": str(tmp_path / "artifacts"),
            "PLUMBLINE_OUTPUT": str(output),
        },
        capture_output=True,
        check=False,
    )

    assert (done.returncode == 0) is (content is not None)
    if content is not None:
        assert (tmp_path / "artifacts/outputs/code/train.yaml").read_text() == content
        assert len(output.read_text().strip()) == len("commit=") + 40
    else:
        assert not output.exists()
