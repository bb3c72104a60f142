"""Older spellings become those of today; everything else stays to the byte, and the meaning with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.compile import CompileConfig, compile_tree
from planner.spec import convert, edits
from planner.spec.convert import converted
from planner.spec.places import snake
from reconciler.compiling import check_schedule
from tests.generate import mixed
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit

HEAD = "version: 1.1\nkind: component\n"
RUN = "run: {kind: job, container: {image: i, command: [c]}}\n"
CORPUS = Path(__file__).parents[2] / "corpus"

CASES = {
    "snake case": ("is_approved: true # yes\n", "isApproved: true # yes\n"),
    "snake case in quotes": ("'is_approved': true\n", "'isApproved': true\n"),
    "text for a list": ("tags: a, b  # two\n", "tags: [a, b]  # two\n"),
    "quoted text for a list": ("tags: 'a, b c'\n", "tags: ['a', 'b c']\n"),
    "one word for a list": ("presets: base\n", "presets: [base]\n"),
    "words that would be something else": ("tags: a, yes, 1\n", 'tags: [a, "yes", "1"]\n'),
    "no word for a list": ("tags: ''\n", "tags: []\n"),
    "a template for a list": ("build: {hubRef: b, presets: '{{ p }}'}\n", "build: {hubRef: b, presets: '{{ p }}'}\n"),
    "an option in flow": (
        "inputs: [{name: a, type: int, options: [1, 2], is_list: false}]\n",
        "inputs: [{name: a, type: int, validation: {options: [1, 2]}, isList: false}]\n",
    ),
    "options in lines": (
        "inputs:\n- name: a\n  options:\n  # 1\n  - x   # one\n\n  - y\n  # type\n  type: str\n",
        "inputs:\n- name: a\n  validation:\n    options:\n    # 1\n    - x   # one\n\n    - y\n  # type\n  type: str\n",
    ),
    "both": (
        "inputs:\n  - name: a\n    options: [1]\n    delayValidation: true  # late\n",
        "inputs:\n  - name: a\n    validation:\n      options: [1]\n      delay: true  # late\n",
    ),
    "beside a validation in lines": (
        "inputs:\n  - name: a\n    validation:\n      ge: 1  # one\n    delay_validation: true\n    type: int\n",
        "inputs:\n  - name: a\n    validation:\n      delay: true\n      ge: 1  # one\n    type: int\n",
    ),
    "beside a validation in flow": (
        "inputs:\n  - options: [1]\n    name: a\n    validation: {ge: 1}\n",
        "inputs:\n  - name: a\n    validation: {options: [1], ge: 1}\n",
    ),
    "the last one in flow": (
        "inputs: [{name: a, validation: {ge: 1}, options: [1]}]\n",
        "inputs: [{name: a, validation: {options: [1], ge: 1}}]\n",
    ),
    "spaces in a text stay": (
        "inputs:\n  - name: a\n    options:\n      - |\n        x  \n         \n        y\n",
        "inputs:\n  - name: a\n    validation:\n      options:\n        - |\n          x  \n           \n          y\n",
    ),
    "lines at the end of a text stay": (
        "inputs:\n  - name: a\n    options:\n      - |+\n        x\n\n\n    type: str\n",
        "inputs:\n  - name: a\n    validation:\n      options:\n        - |+\n          x\n\n\n    type: str\n",
    ),
    "a text moves without the line after it": (
        "inputs:\n  - name: a\n    validation:\n      ge: 1\n    options:\n      - |\n        1\n    type: int\n",
        "inputs:\n  - name: a\n    validation:\n      options:\n        - |\n          1\n      ge: 1\n    type: int\n",
    ),
    "both beside a validation in lines": (
        "inputs:\n  - name: a\n    options:\n      - 1\n    validation:\n      ge: 1\n    delayValidation: true # d\n",
        "inputs:\n  - name: a\n    validation:\n      options:\n        - 1\n      delay: true # d\n      ge: 1\n",
    ),
    "both at the end in flow": (
        "inputs: [{name: a, validation: {ge: 1}, options: [1], delayValidation: true}]\n",
        "inputs: [{name: a, validation: {options: [1], delay: true, ge: 1}}]\n",
    ),
    "the first of two cannot move": (
        "inputs:\n  - {name: a, delayValidation: !!bool true, options: [1]}\n",
        "inputs:\n  - {name: a, delayValidation: !!bool true, validation: {options: [1]}}\n",
    ),
    "a name in snake case that moves as well": (
        "inputs: [{name: a, delay_validation: true, options: [1]}]\n",
        "inputs: [{name: a, validation: {delay: true, options: [1]}}]\n",
    ),
    "beside a validation without anything": (
        "inputs: [{name: a, options: [1], validation: null}]\n",
        "inputs: [{name: a, options: [1], validation: null}]\n",
    ),
    "names of a user stay": (
        "inputs: [{name: my_name, type: dict, value: {my_key: {is_list: 1}}}]\n",
        "inputs: [{name: my_name, type: dict, value: {my_key: {is_list: 1}}}]\n",
    ),
    "an anchor for two of a kind": (
        "inputs:\n  - &a {name: a, is_list: true}\noutputs:\n  - *a\n",
        "inputs:\n  - &a {name: a, isList: true}\noutputs:\n  - *a\n",
    ),
    "an anchor that is a value as well": (
        "inputs:\n  - &a {name: a, is_list: true}\n  - {name: b, value: *a}\n",
        "inputs:\n  - &a {name: a, is_list: true}\n  - {name: b, value: *a}\n",
    ),
    "what is merged": (
        "inputs:\n  - &a {name: a, is_list: true, options: [[1]]}\n  - {<<: *a, name: b, validation: {minItems: 1}}\n",
        "inputs:\n  - &a {name: a, isList: true, options: [[1]]}\n  - {<<: *a, name: b, validation: {minItems: 1}}\n",
    ),
    "options that are an alias": (
        "inputs:\n  - {name: a, value: &v [1], isList: true}\n  - {name: b, options: *v}\n",
        "inputs:\n  - {name: a, value: &v [1], isList: true}\n  - {name: b, options: *v}\n",
    ),
    "nothing": ("tags: [a]\n", "tags: [a]\n"),
}

RUNS = {
    "elastic": (
        "{kind: pytorchjob, elastic_policy: {rdvzBackend: c10d, rdvz_port: 1, rdvzId: x, Metrics: []}, worker: {}}",
        "{kind: pytorchjob, elasticPolicy: {rdzvBackend: c10d, rdzvPort: 1, rdzvId: x, metrics: []}, worker: {}}",
    ),
    "kubernetes": (
        "{kind: job, environment: {host_pid: true, affinity: {node_affinity: {}}, node_selector: {my_label: x}}}",
        "{kind: job, environment: {hostPID: true, affinity: {nodeAffinity: {}}, nodeSelector: {my_label: x}}}",
    ),
    "in a dag": (
        "{kind: dag, operations: [{name: a, path_ref: a.yaml, params: {x: {context_only: true, value: {my_key: 1}}}}]}",
        "{kind: dag, operations: [{name: a, pathRef: a.yaml, params: {x: {contextOnly: true, value: {my_key: 1}}}}]}",
    ),
    "groups of a user": (
        "{kind: raycluster, workers: {my_group: {min_replicas: 1}}}",
        "{kind: raycluster, workers: {my_group: {minReplicas: 1}}}",
    ),
}


def text_of(text: str, path: str = "a.yaml") -> str:
    found = converted(path, text.encode())
    assert found.problems == (), found.problems
    assert converted(path, found.data).data == found.data
    return found.data.decode()


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_fields(before, after):
    assert text_of(HEAD + before + RUN) == HEAD + after + RUN


@pytest.mark.parametrize(("before", "after"), RUNS.values(), ids=RUNS)
def test_runs(before, after):
    assert text_of(f"{HEAD}run: {before}\n") == f"{HEAD}run: {after}\n"


@pytest.mark.parametrize("written", ["'1.1'", '"1.1"'])
def test_the_version_is_a_number(written):
    before = f"# x\nversion: {written} # v\nkind: component\n{RUN}"
    assert text_of(before) == before.replace(written, "1.1")


def test_line_breaks_stay():
    before = f"{HEAD}inputs:\n  - name: a\n    options:\n      - 1\n{RUN}".replace("\n", "\r\n")
    after = f"{HEAD}inputs:\n  - name: a\n    validation:\n      options:\n        - 1\n{RUN}".replace("\n", "\r\n")
    assert text_of(before) == after


def test_every_document_of_a_file():
    text = f"---\n{HEAD}is_approved: true\n{RUN}--- # two\n{HEAD}is_approved: true\n{RUN}...\n"
    assert text_of(text) == text.replace("is_approved", "isApproved")


def test_json_stays_json():
    before = '\ufeff{\n\t"version": "1.1", "kind": "component", "tags": "a, b",\n'
    before += ' "inputs": [{"name": "a", "options": [1]}],\n "run": {"kind": "job"}}'
    after = before.replace('"1.1"', "1.1").replace('"a, b"', '["a", "b"]')
    after = after.replace('"options": [1]', '"validation": {"options": [1]}')

    assert text_of(before, "a.json") == after
    json.loads(after.removeprefix("\ufeff"))


@pytest.mark.parametrize("text", ["is_approved: true\nfoo: 1\n", "is_approved: [\n", "isApproved: 1\nis_approved: 1\n"])
def test_a_bad_file_stays_as_it_is(text):
    data = (HEAD + text + RUN).encode()

    found = converted("a.yaml", data)
    assert found.data == data
    assert found.problems


def test_what_would_become_another_file_is_refused(monkeypatch):
    data = f"{HEAD}is_approved: true\n{RUN}".encode()
    for made in ("isApproved: false\n", "foo: 1\n", "isApproved: [\n"):
        rounds = [HEAD + made + RUN] * 2
        monkeypatch.setattr(
            convert, "applied", lambda text, edits, rounds=rounds: (rounds.pop() if rounds else text, False)
        )
        found = converted("a.yaml", data)
        assert (found.data, found.problems, found.refused) == (data, (), True)


def test_too_many_values_after_the_edits_are_refused():
    entries = "".join(f"  - {{name: i{number}, options: [1], delayValidation: true}}\n" for number in range(5_000))
    data = f"{HEAD}inputs:\n{entries}{RUN}".encode()

    found = converted("a.yaml", data)
    assert (found.data == data, found.refused) == (True, True)


def meaning(name: str, data: bytes) -> Any:
    """What comes of a file alone: digests of its operations, and problems."""
    desired = compile_tree(given({name: data}, CompileConfig("c"), named=frozenset({name})), None, check_schedule)
    digests = {root: (one.digest, one.live) for root, one in desired.roots.items()}
    return digests, sorted((problem.code, problem.message) for problem in desired.problems)


def assert_same_meaning(name: str, data: bytes) -> bool:
    """Whether the file changes; what it means must not."""
    made = converted(name, data).data
    if made == data:
        return False
    assert converted(name, made).data == made, name
    assert meaning(name, made) == meaning(name, data), name
    return True


def test_what_the_corpus_means_stays():
    files = [
        path
        for path in sorted(CORPUS.rglob("*"))
        if path.suffix in {".yaml", ".yml", ".json"} and path.name != "expect.yaml" and not path.is_symlink()
    ]
    assert sum(assert_same_meaning(path.name, path.read_bytes()) for path in files) > 0


def test_what_generated_documents_mean_stays():
    changed = 0
    for name, text in mixed(60, "convert"):
        value = snaked(yaml.safe_load(text))
        assert_same_meaning(f"{name}.yaml", yaml.safe_dump(value, sort_keys=False).encode())
        changed += assert_same_meaning(f"{name}.json", json.dumps(value, indent=2).encode())
    assert changed > 40  # a name of a user in snake case may lead nowhere


def snaked(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(name): snaked(inner) for name, inner in value.items()}
    return [snaked(item) for item in value] if isinstance(value, list) else value


def test_a_large_file_ends():
    entries = "".join(f"  - {{name: i{number}, options: [1], is_list: false}}\n" for number in range(4_000))
    text = f"{HEAD}inputs:\n{entries}{RUN}"

    assert text_of(text).count("validation: {options: [1]}, isList") == 4_000


class Breaks:
    """The pattern of line breaks, which counts the characters that it looks at."""

    def __init__(self) -> None:
        self.pattern = edits._BREAK
        self.looked = 0

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        self.looked += len(text)
        return self.pattern.finditer(text)

    def match(self, text: str, at: int) -> re.Match[str] | None:
        self.looked += 1
        return self.pattern.match(text, at)


def entry(number: int) -> dict[str, Any]:
    return {"name": f"i{number}", "options": [1], "delayValidation": True}


def in_flow(count: int) -> str:
    value = {"version": 1.1, "kind": "component", "inputs": [entry(number) for number in range(count)]}
    return json.dumps({**value, "run": {"kind": "job", "container": {"image": "i", "command": ["c"]}}})


def in_lines(count: int) -> str:
    return f"{HEAD}{yaml.safe_dump({'inputs': [entry(number) for number in range(count)]}, sort_keys=False)}{RUN}"


@pytest.mark.parametrize(("name", "made"), [("a.json", in_flow), ("a.yaml", in_lines)], ids=["one-line", "many-lines"])
def test_two_moves_in_each_of_many_inputs_cost_no_more_than_their_number(monkeypatch, name, made):
    def work(count: int) -> dict[str, float]:
        breaks, rounds = Breaks(), []
        monkeypatch.setattr(edits, "_BREAK", breaks)
        monkeypatch.setattr(convert, "applied", lambda *args: rounds.append(args) or edits.applied(*args))
        text = made(count)
        assert converted(name, text.encode()).data != text.encode()
        monkeypatch.undo()
        return {"rounds": len(rounds), "looked": breaks.looked / len(text)}

    for done in (work(200), work(400)):
        assert done["rounds"] == 1
        assert done["looked"] <= 2
