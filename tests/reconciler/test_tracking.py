"""The file beside every run: what a program sees of its run, and what it leaves behind for us."""

import ast
import json
import math
import re
import sys
import threading
from pathlib import Path

import pytest

from reconciler import tracking

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[1] / "golden" / "run-contract"
SCHEMA = json.loads((GOLDEN / "context-1.schema.json").read_text())
VARIABLES = ("RUN", "PROJECT", "COMMIT", "CONTEXT", "ARTIFACTS", "OUTPUT", "METRICS")


class Array:
    """What arrays and scalars of numpy have in common."""

    def __init__(self, content):
        self.content = content

    def tolist(self):
        return self.content


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.fixture
def outside(tmp_path, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(f"PLUMBLINE_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(outside, monkeypatch):
    """A run's folder, as a job's; `job.json` of the golden files is its context."""
    monkeypatch.setenv("PLUMBLINE_RUN", "digits@g3/train")
    monkeypatch.setenv("PLUMBLINE_CONTEXT", str(GOLDEN / "job.json"))
    monkeypatch.setenv("PLUMBLINE_ARTIFACTS", str(outside / "artifacts"))
    monkeypatch.setenv("PLUMBLINE_OUTPUT", str(outside / "output"))
    monkeypatch.setenv("PLUMBLINE_METRICS", str(outside / "metrics"))
    return outside


def lines(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines() if line]


def test_a_run_knows_its_context(run):
    assert tracking.run_key() == "digits@g3/train"
    assert tracking.context()["run"]["attempt"] == 2
    assert tracking.inputs() == {
        "data": "/var/lib/plumbline/runs/r-a5c2n4wz/outputs/digits.npz",
        "learning_rate": 0.01,
    }
    assert tracking.params() == {**tracking.inputs(), "note": "asked for in review"}


def test_what_a_program_changes_in_its_context_stays_with_it(run):
    tracking.context()["inputs"].clear()
    tracking.inputs().clear()

    assert tracking.inputs()["learning_rate"] == 0.01


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b"{", "cannot be read", id="half"),
        pytest.param(b"\xff", "cannot be read", id="not-utf-8"),
        pytest.param(b"[]", "not a JSON object", id="list"),
    ],
)
def test_a_context_that_cannot_be_read_is_told(run, monkeypatch, content, says):
    path = run / "context.json"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("PLUMBLINE_CONTEXT", str(path))

    with pytest.raises(RuntimeError, match=says):
        tracking.context()


def test_a_service_finds_its_port(run, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_CONTEXT", str(GOLDEN / "service.json"))

    assert tracking.port() == 34871
    assert tracking.port(default=8080) == 34871
    for index in (1, -1):
        with pytest.raises(IndexError, match=f"1 ports, none at index {index}"):
            tracking.port(index)


def test_artifacts_lie_under_outputs_with_their_folders_made(run):
    assert tracking.artifact_path() == run / "artifacts" / "outputs"
    path = tracking.artifact_path("plots", Path("a") / "loss.png")

    assert path == run / "artifacts" / "outputs" / "plots" / "a" / "loss.png"
    path.write_bytes(b"")


@pytest.mark.parametrize("parts", [("/etc/passwd",), ("..", "x"), ("a", "../../x")])
def test_artifacts_do_not_leave_the_run(run, parts):
    with pytest.raises(ValueError, match="leads out of the folder"):
        tracking.artifact_path(*parts)
    assert list(run.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param(0.25, 0.25, id="float"),
        pytest.param(3, 3, id="int"),
        pytest.param(1e300, 1e300, id="large"),
        pytest.param(math.nan, "NaN", id="nan"),
        pytest.param(math.inf, "Infinity", id="infinity"),
        pytest.param(-math.inf, "-Infinity", id="minus-infinity"),
    ],
)
def test_metrics_are_json_lines(run, value, kept):
    tracking.log_metric("loss", value, step=2)
    tracking.log_metrics({"loss": value, "train/acc": 0.5})

    first, second, third = lines(run / "metrics")
    assert (first["name"], first["value"], first["step"]) == ("loss", kept, 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["timestamp"])
    assert (second["name"], second["value"]) == ("loss", kept)
    assert "step" not in second
    assert third["timestamp"] == second["timestamp"]
    assert {key for line in (first, second, third) for key in line} == {"name", "value", "step", "timestamp"}


@pytest.mark.parametrize(
    ("name", "value", "step", "error"),
    [
        pytest.param("", 1.0, None, ValueError, id="no-name"),
        pytest.param("x" * 201, 1.0, None, ValueError, id="long-name"),
        pytest.param(7, 1.0, None, ValueError, id="number-as-name"),
        pytest.param("\udcff", 1.0, None, ValueError, id="no-unicode"),
        pytest.param("loss", "high", None, ValueError, id="text"),
        pytest.param("loss", None, None, TypeError, id="none"),
        pytest.param("loss", 1.0, 1.5, TypeError, id="half-a-step"),
    ],
)
def test_a_metric_that_is_none_is_refused_with_the_whole_call(run, name, value, step, error):
    with pytest.raises(error):
        tracking.log_metrics({"fine": 1.0, name: value}, step=step)
    assert not (run / "metrics").exists()


def test_one_of_several_replicas_says_which_it_is(run, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_CONTEXT", str(GOLDEN / "service.json"))

    tracking.log_metric("loss", 1.0)

    assert lines(run / "metrics")[0]["replica"] == "main/1"


def test_metrics_need_no_readable_context(run, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_CONTEXT", str(run / "gone.json"))

    tracking.log_metric("loss", 1.0)

    assert lines(run / "metrics")[0]["value"] == 1.0


def test_metrics_that_cannot_be_written_cost_one_warning(run, monkeypatch, capsys):
    monkeypatch.setenv("PLUMBLINE_METRICS", str(run))

    tracking.log_metric("loss", 1.0)
    tracking.log_metric("loss", 0.5)

    assert capsys.readouterr().err.count("metrics are not recorded") == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(True, True, id="bool"),
        pytest.param("größer\n\u2028", "größer\n\u2028", id="text"),
        pytest.param(Path("/data/model"), "/data/model", id="path"),
        pytest.param(math.nan, "NaN", id="nan"),
        pytest.param([1, (2.5, -math.inf)], [1, [2.5, "-Infinity"]], id="nested"),
        pytest.param({1: Path("a")}, {"1": "a"}, id="mapping"),
        pytest.param(Array([[1, 2], [3, 4]]), [[1, 2], [3, 4]], id="array"),
        pytest.param(Array(math.inf), "Infinity", id="array-scalar"),
    ],
)
def test_outputs_are_json_lines(run, value, kept):
    tracking.output("best-model_1", value)

    raw = (run / "output").read_bytes()
    assert raw.count(b"\n") == 1
    assert json.loads(raw) == {"name": "best-model_1", "value": kept}


@pytest.mark.parametrize(
    ("name", "value", "error", "says"),
    [
        pytest.param("a b", 1, ValueError, "letters, digits", id="space"),
        pytest.param("a.b", 1, ValueError, "letters, digits", id="dot"),
        pytest.param("a\n", 1, ValueError, "letters, digits", id="newline"),
        pytest.param("", 1, ValueError, "letters, digits", id="empty"),
        pytest.param("a", object(), TypeError, "cannot be a object", id="object"),
        pytest.param("a", b"x", TypeError, "cannot be a bytes", id="bytes"),
        pytest.param("a", "\udcff", ValueError, "half of a surrogate pair", id="not-unicode"),
        pytest.param("a", {"\udcff": 1}, ValueError, "half of a surrogate pair", id="key-not-unicode"),
        pytest.param("a", Path("\udcff"), ValueError, "half of a surrogate pair", id="path-not-unicode"),
        pytest.param("a", nested(101), ValueError, "at most 100 levels", id="deep"),
        pytest.param("a", nested(100_000), ValueError, "at most 100 levels", id="very-deep"),
        pytest.param("a", 2**512, ValueError, "at most 512 bits", id="wide-number"),
        pytest.param("a", "x" * 65536, ValueError, "artifact_path", id="large"),
    ],
)
def test_an_output_that_cannot_be_read_is_refused_with_the_whole_call(run, name, value, error, says):
    with pytest.raises(error, match=says):
        tracking.outputs({"fine": 1, name: value})
    assert not (run / "output").exists()


def test_an_output_that_cannot_be_written_is_an_error(run, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_OUTPUT", str(run / "missing" / "output"))

    with pytest.raises(FileNotFoundError):
        tracking.output("a", 1)


@pytest.mark.parametrize("before", ["", "a=1\n", "a=1", '{"name": "a", "va'], ids=["new", "whole", "half", "torn"])
def test_a_line_never_joins_what_another_program_left(run, before):
    (run / "output").write_text(before)

    tracking.output("b", 2)

    kept = (run / "output").read_text()
    assert kept.startswith(before)
    assert kept.splitlines()[-1] == '{"name": "b", "value": 2}'


def test_lines_of_many_writers_stay_whole(run):
    writers, rounds = 8, 60

    def write(writer):
        for step in range(rounds):
            tracking.log_metrics({f"w{writer}": step, "filler/" + "x" * 190: step}, step=step)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    written = lines(run / "metrics")
    assert len(written) == writers * rounds * 2
    for number in range(writers):
        assert [line["step"] for line in written if line["name"] == f"w{number}"] == list(range(rounds))


def test_outside_of_a_run_everything_works_and_nothing_is_kept(outside, capsys):
    tracking.log_metrics({"loss": 0.5, "bad": math.nan}, step=3)
    tracking.log_metric("done", 1)
    tracking.output("path", Path("a"))

    assert capsys.readouterr().out.splitlines() == [
        "metric loss=0.5 step=3",
        "metric bad=NaN step=3",
        "metric done=1.0",
        'output path="a"',
    ]
    assert (tracking.run_key(), tracking.context(), tracking.params(), tracking.inputs()) == ("", {}, {}, {})
    assert (tracking.port(), tracking.port(1, default=8080)) == (0, 8080)
    assert list(outside.iterdir()) == []
    assert tracking.artifact_path("m", "x") == outside / "outputs" / "m" / "x"


def test_it_is_one_file_for_old_pythons_without_libraries():
    tree = ast.parse(Path(tracking.__file__).read_text(), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_copies_itself_to_where_scripts_are_tried(outside, capsys):
    assert tracking._main([str(outside)]) == 0
    assert (outside / "plumbline_tracking.py").read_bytes() == Path(tracking.__file__).read_bytes()
    assert tracking._main([]) == 2
    assert tracking._main([str(outside / "missing")]) == 2
    assert capsys.readouterr().err.count("usage:") == 2


def violations(value, schema, at="$"):
    """What of `value` breaks `schema`: the keywords that our schema uses, each of them, and no others."""
    schema = dict(schema)
    for comment in ("$schema", "$id", "$defs", "title", "description"):
        schema.pop(comment, None)
    if "$ref" in schema:
        return violations(value, SCHEMA["$defs"][schema.pop("$ref").removeprefix("#/$defs/")], at)
    found = []
    for keyword, rule in schema.items():
        found += [f"{at}: {problem}" for problem in KEYWORDS[keyword](value, rule, schema)]
    properties = schema.get("properties", {})
    more = schema.get("additionalProperties", {})
    if isinstance(value, dict):
        for name, item in value.items():
            found += violations(item, properties.get(name, more if isinstance(more, dict) else {}), f"{at}.{name}")
    for index, item in enumerate(value if isinstance(value, list) else []):
        found += violations(item, schema.get("items", {}), f"{at}[{index}]")
    return found


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}


def of_type(value, rule, schema):
    kinds = [rule] if isinstance(rule, str) else rule
    right = any(isinstance(value, TYPES[kind]) for kind in kinds) and not isinstance(value, bool)
    return [] if right else [f"{value!r} is not {rule}"]


KEYWORDS = {
    "type": of_type,
    "const": lambda value, rule, schema: [] if value == rule else [f"{value!r} is not {rule!r}"],
    "pattern": lambda value, rule, schema: (
        [] if not isinstance(value, str) or re.search(rule, value) else [f"{value!r} is not {rule}"]
    ),
    "minLength": lambda value, rule, schema: [] if not isinstance(value, str) or len(value) >= rule else ["too short"],
    "minimum": lambda value, rule, schema: [f"{value} < {rule}"] if isinstance(value, int) and value < rule else [],
    "maximum": lambda value, rule, schema: [f"{value} > {rule}"] if isinstance(value, int) and value > rule else [],
    "required": lambda value, rule, schema: [f"{name} is missing" for name in rule if name not in value],
    "oneOf": lambda value, rule, schema: (
        [] if sum(not violations(value, branch) for branch in rule) == 1 else [f"{value!r} fits no branch"]
    ),
    "properties": lambda value, rule, schema: [],
    "items": lambda value, rule, schema: [],
    "additionalProperties": lambda value, rule, schema: (
        [f"{name} is unknown" for name in value if name not in schema.get("properties", {})] if rule is False else []
    ),
}


@pytest.mark.parametrize("kind", ["job", "service"])
def test_the_example_of_each_kind_keeps_the_schema(kind):
    example = json.loads((GOLDEN / f"{kind}.json").read_text())

    assert violations(example, SCHEMA) == []
    assert example["run"]["kind"] == kind


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        pytest.param(("schema",), "plumbline.context/2", "$.schema: 'plumbline.context/2' is not", id="version"),
        pytest.param(("run", "attempt"), 0, "$.run.attempt: 0 < 1", id="attempt"),
        pytest.param(("run", "key"), "train", "$.run.key: 'train' is not", id="key"),
        pytest.param(("run", "colour"), "red", "$.run: colour is unknown", id="unknown"),
        pytest.param(("globals", "schedule_at"), "tonight", "fits no branch", id="instant"),
        pytest.param(("ports",), ["8080"], "$.ports[0]: '8080' is not integer", id="port-as-text"),
        pytest.param(("upstream", "prepare"), {"outputs": {}}, "$.upstream.prepare: status is missing", id="upstream"),
    ],
)
def test_the_schema_finds_what_breaks_the_contract(path, value, problem):
    example = json.loads((GOLDEN / "job.json").read_text())
    *parents, last = path
    place = example
    for name in parents:
        place = place[name]
    place[last] = value

    assert any(problem in found for found in violations(example, SCHEMA))


def test_an_added_member_of_globals_keeps_the_schema():
    example = json.loads((GOLDEN / "job.json").read_text())
    example["globals"]["base_url"] = "/services/v1/digits"

    assert violations(example, SCHEMA) == []


def test_what_is_written_is_what_the_readers_are_held_to(run):
    tracking.outputs({"accuracy": 0.97, "labels": [0, 1, 2], "loss": math.nan, "null": None})

    golden = (GOLDEN / "output.txt").read_text().splitlines()
    assert set((run / "output").read_text().splitlines()) <= set(golden)
