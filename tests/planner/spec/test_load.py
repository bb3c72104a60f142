"""Loading: what a good document becomes, what a bad one is told, and which files are specs."""

from __future__ import annotations

import pytest

from planner.errors import Place
from planner.spec.component import Component
from planner.spec.load import load, looks_like_spec
from planner.spec.operation import Operation

pytestmark = pytest.mark.unit

HEAD = "version: 1.1\nkind: operation\npathRef: a.yaml\n"
RUN = "version: 1.1\nkind: component\nrun:\n  kind: job\n"


def only(text: str):
    loaded = load("ops/f.yaml", text.encode())
    assert len(loaded.problems) == 1, "\n".join(map(str, loaded.problems))
    return loaded.problems[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            RUN + "  container: {image: 3}\n",
            "ops/f.yaml:5:22: error PL-203: field `image` must be a string, not a number; quote it",
            id="number-for-text",
        ),
        pytest.param(
            RUN + "  container: {imgae: x}\n",
            "ops/f.yaml:5:15: error PL-201: unknown field `imgae`; did you mean `image`?",
            id="typing-error",
        ),
        pytest.param(
            RUN + "  image: x\n",
            "ops/f.yaml:5:3: error PL-201: unknown field `image`; it belongs in `container`",
            id="one-level-too-high",
        ),
        pytest.param(
            RUN + "schedule: {}\n",
            "ops/f.yaml:5:1: error PL-201: unknown field `schedule`; it belongs in an operation",
            id="of-the-other-kind",
        ),
        pytest.param(
            RUN + "inputs: [{name: a, validation: {min: 1}}]\n",
            "ops/f.yaml:5:33: error PL-201: unknown field `min`; did you mean `ge`?",
            id="word-of-the-docs",
        ),
        pytest.param(
            HEAD + "matrix: {kind: grid}\n",
            "ops/f.yaml:4:1: error PL-202: required field `params` is missing",
            id="a-sweep-without-params",
        ),
        pytest.param(
            RUN.replace("job", "mxjob"),
            "ops/f.yaml:4:9: error PL-205: run kind `mxjob` is not supported; "
            "the specification has dropped it; `mpijob` and `pytorchjob` run on many machines",
            id="kind-of-once",
        ),
        pytest.param(
            RUN.replace("job", "dagg"),
            "ops/f.yaml:4:9: error PL-206: unknown kind `dagg` of field `run`; did you mean `dag`?",
            id="kind-unknown",
        ),
        pytest.param(
            RUN + "inputs: [{name: a, isOptional: maybe}]\n",
            "ops/f.yaml:5:32: error PL-203: field `isOptional` must be true or false, not a string",
            id="maybe-for-true",
        ),
        pytest.param(
            HEAD + "termination: {maxRetries: '3'}\n",
            "ops/f.yaml:4:27: error PL-203: field `maxRetries` must be a whole number, not a string; remove the quotes",
            id="quoted-number",
        ),
        pytest.param(
            HEAD + "name: '{{ n }}'\n",
            "ops/f.yaml:4:7: error PL-208: field `name` cannot be a template: it is never rendered; write the name out",
            id="template-for-a-name",
        ),
        pytest.param(
            HEAD + f"name: {'n' * 129}\n",
            "ops/f.yaml:4:7: error PL-208: a name of 129 characters; use 128 at most",
            id="long-name",
        ),
        pytest.param(
            RUN + "inputs: [{name: a, type: string}]\n",
            "ops/f.yaml:5:26: error PL-204: unknown type `string`; did you mean `str`?",
            id="type-of-another-language",
        ),
        pytest.param(
            RUN + "inputs: [{name: a, type: 'List[flaot]'}]\n",
            "ops/f.yaml:5:26: error PL-204: unknown type `flaot`; did you mean `float`?",
            id="unknown-type-in-an-expression",
        ),
        pytest.param(
            RUN + "inputs: [{name: a, validation: {regex: '('}}]\n",
            "ops/f.yaml:5:40: error PL-204: not a regular expression: unclosed group; "
            "write it in the syntax of Rust's regex: it has no look-around and no backreferences",
            id="regex",
        ),
        pytest.param(
            "version: 1.1\nkind: component\n",
            "ops/f.yaml:1:1: error PL-202: required field `run` is missing",
            id="no-run",
        ),
        pytest.param(
            "version: 1.1\nkind: component\nrun: job\n",
            "ops/f.yaml:3:6: error PL-203: field `run` must be a mapping, not a string",
            id="run-is-text",
        ),
        pytest.param(
            "version: 1.1\nkind: component\nrun: {}\n",
            "ops/f.yaml:3:1: error PL-202: field `run` needs a `kind`; use `job`, `service`, `notifier`, `cleaner`, "
            "`tuner`, `tfjob`, `pytorchjob`, `mpijob`, `raycluster`, `rayjob`, `daskcluster`, `daskjob`, `sparkjob` or "
            "`dag`",
            id="run-without-kind",
        ),
        pytest.param(
            HEAD + "params: {a: {ref: ops.b}}\n",
            "ops/f.yaml:4:13: error PL-203: `value` must be a string when `ref` is set, not empty; "
            "name it, such as `outputs.loss`",
            id="ref-without-value",
        ),
        pytest.param(
            HEAD + "params: {a: {ref: '{{ ops.b }}', value: outputs.x}}\n",
            "ops/f.yaml:4:19: error PL-204: `{{ ops.b }}` is not a reference; "
            "write `ops.NAME` or `dag`, without braces",
            id="ref-in-braces",
        ),
        pytest.param("", "ops/f.yaml: error PL-210: the file has no document; remove it, or exclude it", id="empty"),
    ],
)
def test_problems_say_what_where_and_what_to_do(text, said):
    assert str(only(text)) == said


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        pytest.param(
            RUN + "  container: {env: [{name: A, value: {}}]}\n", "/run/container/env/0/value", id="list-item"
        ),
        pytest.param(RUN + "  container: {env: {A: {}}}\n", "/run/container/env/A", id="mapping-entry"),
        pytest.param(
            RUN + "  container: {resources: {limits: {a/b: {}}}}\n", "/run/container/resources/limits/a~1b", id="slash"
        ),
        pytest.param(RUN + "  container: {working_dir: 3}\n", "/run/container/working_dir", id="snake-case-as-written"),
        pytest.param(
            "version: 1.1\nkind: component\nrun: {kind: dag, operations: [{name: a, component: {run: {kind: jub}}}]}\n",
            "/run/operations/0/component/run/kind",
            id="nested",
        ),
        pytest.param(RUN + "  '<job>': 1\n", "/run/<job>", id="key-like-a-tag"),
        pytest.param(RUN + "  job: 1\n", "/run/job", id="key-like-a-kind"),
    ],
)
def test_pointers_follow_the_document(text, pointer):
    assert only(text).pointer == pointer


def test_a_document_and_its_places():
    text = "# head\nversion: 1.1\nkind: operation\nname: train\nparams:\n  lr: 0.1\npath_ref: ../a.yaml\n"
    loaded = load("ops/train.yaml", text.encode())
    (document,) = loaded.documents
    assert loaded.valid
    assert (document.index, document.kind, document.name) == (0, "operation", "train")
    assert isinstance(document.spec, Operation)
    assert document.spec.path_ref == "../a.yaml"
    assert document.spec.params["lr"].value == 0.1
    assert document.places.value("/params/lr/value") == Place("ops/train.yaml", 6, 7)
    assert document.places.key("/pathRef") == Place("ops/train.yaml", 7, 1)


def test_what_was_written_is_told_from_defaults():
    loaded = load("f.yaml", (HEAD + "description: null\nparams: {a: {}, b: null, c: {x: 1}}\n").encode())
    spec = loaded.documents[0].spec
    assert "description" in spec.model_fields_set
    assert "queue" not in spec.model_fields_set
    assert {name: (param.has_value, param.value) for name, param in spec.params.items()} == {
        "a": (False, None),
        "b": (True, None),
        "c": (True, {"x": 1}),
    }
    assert spec.model_dump(exclude_unset=True)["params"] == {"a": {}, "b": {"value": None}, "c": {"value": {"x": 1}}}


def test_a_bad_document_keeps_its_name_and_the_others_their_specs():
    text = "version: 1.1\nkind: operation\nname: a\n---\n" + RUN
    loaded = load("f.yaml", text.encode())
    assert not loaded.valid
    assert [(document.name, document.kind, document.spec is None) for document in loaded.documents] == [
        ("a", "operation", True),
        ("", "component", False),
    ]


def test_every_problem_of_a_file_at_once_up_to_fifty():
    text = RUN + "".join(f"f{i}: 1\n" for i in range(20_000))
    assert len(load("f.yaml", text.encode()).problems) == 51


@pytest.mark.parametrize(
    ("text", "look"),
    [
        pytest.param("version: 1.1\nkind: component\n", "spec", id="spec"),
        pytest.param("kind: anything\nversion: '1.1'\n", "spec", id="unknown-kind-is-ours-to-refuse"),
        pytest.param('{"version": 1.1, "kind": "operation"}', "spec", id="json"),
        pytest.param("a: 1\n---\nversion: 1.1\nkind: operation\n", "spec", id="one-of-two-documents"),
        pytest.param("version: 1.1\nrun: {}\n", "suspect", id="without-kind"),
        pytest.param("kind: component\nrun: {}\n", "suspect", id="without-version"),
        pytest.param("version: 1.2\nkind: operation\n", "suspect", id="other-version"),
        pytest.param("version: 1.1\nkind: component\nrun: [\n", "suspect", id="broken"),
        pytest.param('{\n  "version": 1.1,\n  "kind": "operation",\n', "suspect", id="broken-json"),
        pytest.param("\ufeffkind: operation\nx: [\n", "suspect", id="broken-after-a-byte-order-mark"),
        pytest.param("apiVersion: v1\nkind: Deployment\n", "other", id="kubernetes"),
        pytest.param("version: '3'\nservices: {}\n", "other", id="compose"),
        pytest.param("apiVersion: v2\nname: chart\nversion: 1.1.0\n", "other", id="helm-chart"),
        pytest.param("{{- if .Values.x }}\nkind: Service\n{{- end }}\n", "other", id="helm-template"),
        pytest.param("a:\n  version: 1.1\n  kind: component\n", "other", id="nested"),
        pytest.param("version: 1.10\n", "other", id="version-1.10"),
        pytest.param("", "other", id="empty"),
    ],
)
def test_looks_like_spec(text, look):
    assert looks_like_spec(text.encode()) == look


def test_version_may_be_text_and_becomes_the_number():
    spec = load("f.yaml", RUN.replace("1.1", "'1.1'").encode()).documents[0].spec
    assert isinstance(spec, Component)
    assert spec.version == 1.1
