"""A document for every seed: made ones, files of the corpus, and both changed by bytes, by words and by structure."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.spec import yaml as reader
from tests.generate import Case, document, mutated, text_of
from tests.generate.dice import Dice

__all__ = ["document_of"]

_CORPUS = Path(__file__).parents[1] / "corpus"

_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 0.1, 1e308, -0.0, "", " ", "x", "a.b.c", "🙂", "\u2028", "{{",
    "}}", "{{ x }}", "{{ params }}", "{{ params.as_args }}", "{{ globals }}", "{{ globals.uuid }}", "{{ inputs }}",
    "{{ [x, 1] }}", "{% for a in x %}{{ a }}{% endfor %}", "{{ 9 * 9 }}", "{{ x ~ x }}", "{# #}", "{{ 'a' * 999 }}",
    "{{ {'a': x} }}", "ops.a", "ops.", "dag", "runs.0", "runs.0f0e0d0c0b0a09080706050403020100", "outputs.o",
    "inputs.q", "artifacts.a.b", "globals.uuid", "job", "service", "dag", "tfjob", "raycluster", "choice",
    "uniform", "cron", "* * * * *", "@daily", "0 0 31 2 *", "PT1H", "-PT1H", "P99999W", "2026-02-30", "0001-01-01",
    "2026-03-29T02:30:00+99:99", "UTC", "../x", "/", ".", "a/b:c:d", "http://[::1", "1:2:3", "1:1:0",
    "0:1e308:1e-9", "List[int]", "Dict[str, List[", "status: a, b: ~c|d", "metrics.x: <1, (", [], [[]], [None],
    [1, 1], ["a", "a"], [[1, 2], [3]], list(range(300)), {}, {"": None}, {"a": {"b": []}}, {"kind": "job"},
    {"kind": None}, {"value": None}, {"ref": "dag", "value": "inputs.x"}, {"name": "a"}, [{"name": "a"}] * 2,
    {"kind": "range", "value": [0, 1e18, 1e-18]}, {"kind": "choice", "value": []},
    {"start": 1, "stop": 2, "step": 0},
)  # fmt: skip
"""Values that some field might stumble over, whatever it takes."""

_FRAGMENTS = (
    "{{ ", " }}", "{% if x %}", "{% endif %}", "{% for a in xs %}", "{% endfor %}", "{% else %}", "x", "xs", "n",
    "params", ".value", "['a']", "[0]", "[-1:]", "(", ")", "[", "]", "{", "}", "|", " upper", " default(1)",
    " join(',')", " sort", " map('string')", " tojson", " int", " replace('a', 'b')", " list", " * 9", " + ", " - ",
    " ~ ", "'a'", '"', "1", "1.5", "true", "none", " is ", "defined", " not ", " and ", " in ", " if ", " else ",
    ",", ":", "loop.index", "{#", "#}", "\\", "{% raw %}", "{% endraw %}", "__class__", "globals.uuid", "\n", "🙂",
    "%", " ** ", "==", "<",
)  # fmt: skip


def document_of(seed: str) -> tuple[str, bytes]:
    """The name and the content of the file of a seed."""
    dice = Dice(seed)
    way = dice.pick(_WAYS)
    return "a.json" if dice.chance(0.05) else "a.yaml", way(dice)


def _made(dice: Dice) -> bytes:
    return _case(dice).text.encode("utf-8", "replace")


def _case(dice: Dice) -> Case:
    return document(f"{dice.random.random()}")


def _made_and_torn(dice: Dice) -> bytes:
    return mutated(dice, _made(dice))


def _made_and_bent(dice: Dice) -> bytes:
    return text_of(_bent(dice, _case(dice).value)).encode("utf-8", "replace")


def _several(dice: Dice) -> bytes:
    return b"---\n".join(_made(dice) for _ in range(dice.whole(2, 4)))


def _written_and_torn(dice: Dice) -> bytes:
    """A file of the corpus after a few changes of its text."""
    return mutated(dice, dice.pick(_written(fine=dice.chance(0.5)))[0])


def _written_and_bent(dice: Dice) -> bytes:
    """A file of the corpus with other values here and there, as JSON."""
    return json.dumps(_bent(dice, _value(dice))).encode()


def _crossed(dice: Dice) -> bytes:
    """A part of one file in the place of a part of another one."""
    one, other = (json.loads(json.dumps(_value(dice))) for _ in range(2))
    spots, parts = list(_spots(one)), [holder[key] for holder, key in _spots(other)]
    if spots and parts:
        holder, key = dice.pick(spots)
        holder[key] = dice.pick(parts)
    return json.dumps(one).encode()


def _template(dice: Dice) -> bytes:
    """An operation whose words are templates of fragments."""
    words = ["".join(dice.pick(_FRAGMENTS) for _ in range(dice.whole(1, 12))) for _ in range(3)]
    inputs = [
        {"name": "x", "value": "text"},
        {"name": "n", "type": "int", "value": 1},
        {"name": "xs", "type": "list", "value": [1, "a", None]},
    ]
    container = {"image": words[0], "command": ["c", words[1]], "env": {"A": words[2]}}
    component = {"inputs": inputs, "run": {"kind": "job", "container": container}}
    return json.dumps({"version": 1.1, "kind": "operation", "name": "t", "component": component}).encode()


def _noise(dice: Dice) -> bytes:
    """Bytes, words and marks without any order."""
    return mutated(dice, b"version: 1.1\nkind: " + dice.random.randbytes(dice.whole(0, 60)), 12)


_WAYS = (
    *[_made] * 3,
    *[_made_and_torn] * 3,
    *[_made_and_bent] * 5,
    _several,
    *[_written_and_torn] * 3,
    *[_written_and_bent] * 4,
    *[_crossed] * 2,
    *[_template] * 3,
    _noise,
)


def _bent(dice: Dice, value: Any) -> Any:
    """A copy with one to four of its parts replaced, removed or doubled."""
    made = json.loads(json.dumps(value, default=str))
    for _ in range(dice.whole(1, 4)):
        spots = list(_spots(made))
        if not spots:
            return made
        holder, key = dice.pick(spots)
        if dice.chance(0.1):
            del holder[key]
        elif isinstance(holder, list) and dice.chance(0.1):
            holder.append(holder[key])
        else:
            holder[key] = json.loads(json.dumps(dice.pick(_VALUES)))
    return made


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a document: what holds it, and its key there. The first words of it are left as they are."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        if key != "version" and item not in ("operation", "component"):
            yield value, key
        yield from _spots(item)


def _value(dice: Dice) -> Any:
    """The first document of a file of the corpus; of a fine one half of the time, as what is wrong hides the rest."""
    return dice.pick([value for _, value in _written(fine=dice.chance(0.5)) if value])


@functools.cache
def _written(*, fine: bool) -> tuple[tuple[bytes, Any], ...]:
    """Files of the corpus: their content, and the value of their first document where they have one."""
    found = []
    for path in sorted((_CORPUS / "fine" if fine else _CORPUS).rglob("*")):
        if path.suffix in {".yaml", ".json"} and path.is_file() and path.name != "expect.yaml":
            data = path.read_bytes()
            documents = reader.read(path.name, data).documents
            found.append((data, documents[0].value if documents and isinstance(documents[0].value, dict) else None))
    return tuple(found)
