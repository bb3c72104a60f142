"""Whatever a file holds, compile answers with problems, and what it lets through can be bound or says why not."""

import json
import random
from pathlib import Path

import pytest
import yaml

from planner.compile import CompileConfig
from planner.compile.digests import is_sealed
from planner.model.desired import CompiledOperation, Dag
from reconciler import codec
from tests.fuzz.look import starts
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
SPECS = [
    document
    for path in sorted((ROOT / "tests/golden/digests").glob("*.yaml"))
    for document in path.read_text().split("---\n")
]
WORDS = [
    "x",
    "-1",
    "0",
    "1e400",
    "true",
    "null",
    "~",
    "[]",
    "{}",
    "[1, [2]]",
    "{a: {b: c}}",
    '"{{ x }}"',
    '"{{ globals.uuid }}"',
    '"{{ globals }}"',
    '"{{ params }}"',
    '"{{ params.as_args }}"',
    '"{% for a in x %}{{ a }}{% endfor %}"',
    '"{{ 10 ** 9 }}"',
    '"{{ x * 99999 }}"',
    '"{{"',
    '"{# #}"',
    "ops.first",
    "dag",
    "outputs.o",
    "inputs.q",
    "globals.name",
    "job",
    "dag",
    "service",
    "../spec.yaml",
    "spec.yaml",
    "spec",
    ".",
    "..",
    "src",
    '"\\0"',
    '"\\ud800"',
    "2026-01-01",
    "999999999999999999999",
    "🙂",
]


def torn(dice, text):
    """The text with lines lost, doubled, cut and mixed."""
    lines = text.splitlines()
    for _ in range(dice.choice([1, 1, 1, 2])):
        index = dice.randrange(len(lines))
        match dice.randrange(5):
            case 0:
                del lines[index]
            case 1:
                lines.insert(index, dice.choice(lines))
            case 2:
                head, colon, _ = lines[index].rpartition(": ")
                lines[index] = f"{head}{colon}{dice.choice(WORDS)}"
            case 3:
                words = lines[index].split(" ")
                words[dice.randrange(len(words))] = dice.choice(WORDS)
                lines[index] = " ".join(words)
            case _:
                other = dice.choice(lines)
                lines[index] = (
                    lines[index][: dice.randrange(len(lines[index]) + 1)] + other[dice.randrange(len(other) + 1) :]
                )
        lines = lines or [""]
    return "\n".join(lines) + "\n"


VALUES = [yaml.safe_load(word) for word in WORDS if "ud800" not in word and not word.startswith(("~ ", '"\\\\'))]


def bent(dice, text):
    """The document with some of its values replaced by others."""
    document = yaml.safe_load(text)
    spots = list(scalars(document))
    for _ in range(dice.choice([1, 1, 2, 3])):
        holder, key = dice.choice(spots)
        holder[key] = dice.choice(VALUES)
    return json.dumps(document, default=str)


def scalars(value):
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(entries):
        if isinstance(item, dict | list):
            yield from scalars(item)
        elif key not in ("version", "kind", "name"):
            yield value, key


def leaves(operation):
    if isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            yield from leaves(node.operation)
    else:
        yield operation


@pytest.mark.parametrize("seed", range(8))
def test_no_file_breaks_compile(seed):
    dice = random.Random(seed)
    bound = 0
    for _ in range(60):
        text = dice.choice([torn, bent, bent])(dice, dice.choice(SPECS))
        desired = compiled(
            {"spec.yaml": text, "src/a.py": "a", "src/b/c.txt": "c", "run.sh": "x"}, CompileConfig("fuzz")
        )
        assert desired.roots or desired.problems or not desired.files
        for root in desired.roots.values():
            assert is_sealed(root)
            assert codec.decode(CompiledOperation, codec.encode(root)) == root
            bound += sum(started(leaf, dice) for leaf in leaves(root))
    assert bound > 5


def started(operation, dice):
    values = {name: dice.choice([1, "x", None, [1], {"a": "{{ x }}"}, "{{"]) for name in operation.body.references}
    return starts(operation, values)
