"""The sample's programs run as the contract says, in the locked environment of the demo."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.ports import free_port

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
LONGEST = 120


@dataclass(frozen=True)
class Run:
    """What one run left behind."""

    folder: Path
    code: int
    said: str
    complained: str

    @property
    def outputs(self):
        lines = (self.folder / "output").read_text().splitlines()
        return {line["name"]: line["value"] for line in map(json.loads, lines)}

    @property
    def metrics(self):
        return [json.loads(line) for line in (self.folder / "metrics").read_text().splitlines()]


@dataclass(frozen=True)
class Bench:
    """Starts components of the sample, each in a folder of its own."""

    python: Path
    sample: Path
    folder: Path

    def start(self, name, *, component, ports=(), schedule_at=None, **given):
        spec = yaml.safe_load((self.sample / f"components/{component}.yaml").read_text())
        inputs = {entry["name"]: entry["value"] for entry in spec.get("inputs", []) if "value" in entry} | given
        home = self.folder / name
        work = home / "work"
        for path in (path for entry in spec["run"]["init"] for path in entry["git"]["paths"]):
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.sample / path, work / path)
        shutil.copyfile(ROOT / "reconciler/tracking.py", home / "plumbline_tracking.py")
        context = {"globals": {"schedule_at": schedule_at}, "inputs": inputs, "params": inputs, "ports": list(ports)}
        (home / "context.json").write_text(json.dumps(context))
        container = spec["run"]["container"]
        words = [str(self.python), *container["command"][1:], *container.get("args", [])]
        for key, value in inputs.items():
            words = [word.replace("{{ " + key + " }}", str(value)) for word in words]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PLUMBLINE_RUN": f"{name}@g1",
            "PLUMBLINE_CONTEXT": str(home / "context.json"),
            "PLUMBLINE_ARTIFACTS": str(home),
            "PLUMBLINE_OUTPUT": str(home / "output"),
            "PLUMBLINE_METRICS": str(home / "metrics"),
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=work, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, name, *, component="", **given):
        with self.start(name, component=component or name, **given) as process:
            try:
                said, complained = process.communicate(timeout=LONGEST)
            finally:
                process.kill()
        return Run(self.folder / name, process.returncode, said, complained)


@pytest.fixture(scope="session")
def python():
    """The interpreter of the demo's environment, which is made when it is not there yet."""
    content = (ROOT / "requirements/demo.txt").read_bytes() + (ROOT / "scripts/setup").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    venv = cache / "plumbline" / f"venv-{hashlib.sha256(content).hexdigest()[:16]}"
    environment = {"PYTHON": sys.executable, **os.environ}
    subprocess.run(["scripts/setup", venv, "requirements/demo.txt"], cwd=ROOT, env=environment, check=True)
    return venv / "bin" / "python"


@pytest.fixture(scope="session")
def bench(python, sample, tmp_path_factory):
    return Bench(python, sample, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def prepared(bench):
    return bench.run("prepare")


@pytest.fixture(scope="session")
def trained(bench, prepared):
    return bench.run("train", data=prepared.outputs["data"], epochs=30)


def test_the_graph_gives_a_good_network(bench, prepared, trained):
    evaluated = bench.run("evaluate", data=prepared.outputs["data"], model=trained.outputs["model"], min_accuracy=0.9)

    assert [(run.code, run.complained) for run in (prepared, trained, evaluated)] == [(0, "")] * 3
    assert (prepared.outputs["train_size"], prepared.outputs["test_size"]) == (1078, 360)
    assert evaluated.outputs["accuracy"] > 0.9
    confusion = json.loads(Path(evaluated.outputs["confusion"]).read_text())
    assert sum(map(sum, confusion)) == prepared.outputs["test_size"]


def test_training_reports_each_epoch(trained):
    losses = [metric for metric in trained.metrics if metric["name"] == "loss"]

    assert [metric["step"] for metric in losses] == list(range(30))
    assert losses[-1]["value"] == trained.outputs["loss"] < losses[0]["value"]


def test_all_outputs_lie_in_the_folder_of_their_run(prepared, trained):
    for run, name in ((prepared, "data"), (trained, "model")):
        assert Path(run.outputs[name]).parent == run.folder / "outputs"


def test_a_network_that_is_not_good_enough_fails_and_says_how_good_it_is(bench, prepared, trained):
    outputs = {"data": prepared.outputs["data"], "model": trained.outputs["model"]}
    run = bench.run("strict", component="evaluate", min_accuracy=1, **outputs)

    assert run.code == 1
    assert run.complained == f"accuracy {run.outputs['accuracy']:.4f} is below the 1.0 that was asked for\n"


def test_training_says_what_it_misses(bench):
    run = bench.run("lost", component="train", data="/missing.npz")

    assert (run.code, run.complained.count("\n")) == (1, 1)
    assert run.complained.startswith("no prepared data at '/missing.npz'")


def test_the_report_on_the_data_is_kept(bench):
    run = bench.run("profile-data")

    assert (run.code, run.complained) == (0, "")
    assert run.outputs["samples"] == 1797
    assert "- samples: 1797" in Path(run.outputs["report"]).read_text()


def test_the_nightly_check_has_a_mean_and_a_spread(bench):
    run = bench.run("nightly", component="cross-validate", folds=2, epochs=8)

    assert (run.code, run.complained) == (0, "")
    assert [metric["step"] for metric in run.metrics] == [0, 1]
    assert run.outputs["mean_accuracy"] > 0.6
    assert 0 <= run.outputs["spread"] < 0.2


def test_the_drift_of_a_minute_is_the_same_whenever_it_is_looked_at(bench):
    one, again, other = (
        bench.run(f"drift-{number}", component="drift-check", schedule_at=f"2026-11-23T06:0{minute}:00Z", limit=limit)
        for number, (minute, limit) in enumerate([(0, 0.25), (0, 0.0), (1, 0.25)])
    )

    assert (one.code, other.code) == (0, 0)
    assert one.outputs == again.outputs != other.outputs
    assert again.code == 1
    assert "is over the limit of 0.0" in again.complained


def ask(url, content=None):
    body = None if content is None else json.dumps(content).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def until_ready(process, url):
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return ask(f"{url}/healthz")
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the service never got ready")


def test_the_service_answers_and_ends_when_asked_to(bench, trained):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    zero = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0]
    zero += [0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0]

    with bench.start("predict", component="predict", ports=[port], model=trained.outputs["model"]) as process:
        try:
            assert until_ready(process, url) == (200, {"status": "ready"})
            status, answer = ask(f"{url}/predict", {"images": [zero, zero]})
            assert (status, [found["digit"] for found in answer["predictions"]]) == (200, [0, 0])
            assert ask(f"{url}/predict", {"images": [[1]]})[0] == 400
            assert ask(f"{url}/other", {})[0] == 404
            assert ask(url)[0] == 404
            process.send_signal(signal.SIGTERM)
            said, complained = process.communicate(timeout=LONGEST)
        finally:
            process.kill()

    assert (process.returncode, complained) == (0, "")
    assert said.splitlines()[0] == f"ready on 127.0.0.1:{port}"
    assert said.splitlines()[-1] == "stopped"
    assert "/healthz" not in said


def test_a_service_without_a_model_trains_one(bench):
    port = free_port()
    with bench.start("own", component="predict", ports=[port]) as process:
        try:
            assert until_ready(process, f"http://127.0.0.1:{port}")[0] == 200
        finally:
            process.kill()
            said, complained = process.communicate()

    assert said.startswith("no model given, training one: epoch 0")
    assert complained == ""


def test_a_service_with_a_lost_model_ends_at_once(bench):
    run = bench.run("no-model", component="predict", ports=[1], model="/missing.joblib")

    assert run.code == 1
    assert run.complained.startswith("no model at '/missing.joblib'")


def test_a_script_by_hand_prints_what_it_would_report(bench, sample, tmp_path):
    shutil.copytree(sample, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    here = {"cwd": tmp_path / "mine", "env": {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}}
    place = [sys.executable, ROOT / "reconciler/tracking.py", "."]
    subprocess.run(place, check=True, stdout=subprocess.DEVNULL, **here)

    done = subprocess.run([bench.python, "-m", "digits.prepare"], capture_output=True, text=True, check=True, **here)

    assert f'output data="{tmp_path}/mine/outputs/digits.npz"' in done.stdout
    assert (tmp_path / "mine/outputs/digits.npz").is_file()
