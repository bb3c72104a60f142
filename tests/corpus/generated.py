"""Cases that are too large to be committed: for each class, name, content and the problems that it must have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COSTLY", "GENERATED", "Case"]

Case = tuple[bytes | Mapping[str, bytes], list[str]]
"""The content of a file, or the contents of a folder's files by path; and the problems as in `expect.yaml`."""

_HEAD = "version: 1.1\nkind: component\n"
_RUN = "run: {kind: job, container: {image: i, command: [c]}}\n"
_MILLION = 1_000_000


def _component(text: str, *problems: str) -> Case:
    """A component whose third line is where `text` begins."""
    return f"{_HEAD}{text}\n{_RUN}".encode(), list(problems)


def _raw(text: str, *problems: str) -> Case:
    return text.encode(), list(problems)


def _padded(size: int, *problems: str) -> Case:
    """A component of exactly so many bytes, most of them comments."""
    text = f"{_HEAD}{_RUN}"
    return _raw(text + "#" * (size - len(text) - 1) + "\n", *problems)


def _layers(count: int, layer: str) -> str:
    """Mappings in one field, each of which names the one before ten times."""
    rows = ["  - &a0 {x: 1}"]
    rows += [f"  - &a{n} {layer.format(n=n, refs=', '.join([f'*a{n - 1}'] * 10))}" for n in range(1, count)]
    return "tags:\n" + "\n".join(rows)


def _value(text: str, *problems: str) -> Case:
    """An operation that gives its one input, in line 4, a value."""
    component = f"component: {{inputs: [{{name: a}}], {_RUN.strip()}}}"
    return _raw(f"version: 1.1\nkind: operation\nname: t\nparams: {{a: {{value: {text}}}}}\n{component}\n", *problems)


_COST: Mapping[str, Case] = {
    "largest-file.yaml": _padded(_MILLION),
    "file-one-byte-too-large.yaml": _padded(_MILLION + 1, "PL-103 0"),
    "million-bytes-of-text.yaml": _component(f'description: "{"x" * 999_000}"'),
    "more-than-a-million-bytes-of-text.yaml": _component(f'description: "{"x" * _MILLION}"', "PL-103 0"),
    "million-keys.yaml": _component("\n".join(f"k{n}: v" for n in range(_MILLION)), "PL-103 0"),
    # the head has 5 values; a key with its value are 2 more
    "eighty-thousand-keys.yaml": _component("\n".join(f"k{n}: v" for n in range(80_000)), "PL-105 25000"),
    "four-hundred-thousand-items.yaml": _component(f"tags: [{'a,' * 400_000}]", "PL-105 3"),
    # an empty document stands where the next one begins
    "two-hundred-thousand-documents.yaml": _raw("---\n" * 200_000, "PL-105 50002"),
    "deepest-value.yaml": _value("[" * 61 + "]" * 61),
    "value-one-level-too-deep.yaml": _value("[" * 62 + "]" * 62, "PL-104 4"),
    "thousand-brackets.yaml": _value("[" * 1_000 + "]" * 1_000, "PL-104 4"),
    "thousand-braces.yaml": _value("{a: " * 1_000 + "}" * 1_000, "PL-104 4"),
    "thousand-levels-of-indent.yaml": _raw("".join(f"{' ' * level}k:\n" for level in range(1_000)), "PL-104 65"),
    "thousand-dashes.yaml": _raw(f"{_HEAD}tags:\n{'- ' * 1_000}a\n", "PL-104 4"),
    "million-open-brackets.yaml": _raw("[" * 990_000, "PL-104 1"),
    "million-open-braces.yaml": _raw("{a: " * 240_000, "PL-104 1"),
    "million-dashes.yaml": _raw("- " * 490_000, "PL-104 1"),
    # the outermost of keys in keys is one mistake, and nothing behind it is read
    "million-question-marks.yaml": _raw("? " * 490_000, "PL-106 1", "PL-212 1"),
    "deep-by-aliases.yaml": _value(
        f"[&a {'[' * 30}{']' * 30}, &b {'[' * 30}*a{']' * 30}, {'[' * 30}*b{']' * 30}]", "PL-104 4"
    ),
    "aliases-that-multiply.yaml": _component(_layers(9, "[{refs}]"), "PL-105 9"),
    "aliases-that-multiply-in-mappings.yaml": _component(
        "tags:\n  - &a0 {x: 1}\n"
        + "\n".join(f"  - &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}" for n in range(1, 10)),
        "PL-105 9",
    ),
    "merge-keys-that-multiply.yaml": _component(_layers(9, "{{<<: [{refs}], k{n}: 1}}"), "PL-105 8"),
    "merge-of-a-wide-mapping-twice.yaml": _component(
        f"a: &w {{{', '.join(f'k{n}: 1' for n in range(12_000))}}}\nb: {{<<: *w}}\nc: {{<<: *w}}", "PL-105 4"
    ),
    "hundred-aliases.yaml": _value(f"[&a 1{', *a' * 100}]"),
    "hundred-and-one-aliases.yaml": _value(f"[&a 1{', *a' * 101}]", "PL-105 4"),
    "thousand-anchors-that-nobody-uses.yaml": _value(f"[{', '.join(f'&a{n} 1' for n in range(1_000))}]"),
    "anchor-of-a-hundred-thousand-letters.yaml": _value(f"[&{'a' * 100_000} 1, *{'a' * 100_000}]"),
    "tag-of-a-hundred-thousand-letters.yaml": _value(f"!{'a' * 100_000} 1", "PL-106 4"),
    "integer-of-a-hundred-thousand-digits.yaml": _value("9" * 100_000, "PL-106 4"),
    "float-of-a-hundred-thousand-digits.yaml": _value(f"0.{'9' * 100_000}", "PL-106 4"),
    "hexadecimal-of-a-hundred-thousand-digits.yaml": _value(f"0x{'f' * 100_000}", "PL-106 4"),
    "exponent-of-a-hundred-thousand-digits.yaml": _value(f"1e{'9' * 100_000}", "PL-106 4"),
    "key-longer-than-a-key-may-be.yaml": _component(f"{'k' * 1_100}: 1", "PL-101 3"),
    "name-of-a-hundred-thousand-letters.yaml": _component(f"name: {'n' * 100_000}", "PL-208 3"),
    "kind-of-a-hundred-thousand-letters.yaml": _raw(f"version: 1.1\nkind: {'c' * 100_000}\n", "PL-206 2"),
    "spaces-before-a-value.yaml": _component(f"name:{' ' * 900_000}t"),
    "hundred-thousand-comments.yaml": _component("# a\n" * 100_000),
    "sixty-thousand-tag-directives.yaml": _raw(
        "".join(f"%TAG !a{n}! b\n" for n in range(60_000)) + f"---\n{_HEAD}{_RUN}", "PL-105 101"
    ),
    "hundred-thousand-escapes.yaml": _component(f'description: "{chr(92)}u00e9{f"{chr(92)}u00e9" * 100_000}"'),
    "hundred-thousand-lines-of-text.yaml": _component("description: |\n" + "  a\n" * 100_000),
    "hundred-thousand-lines-of-a-quote.yaml": _component('description: "a' + "\n  a" * 100_000 + '"'),
    "hundred-thousand-blank-lines-of-text.yaml": _component("description: |\n" + "\n" * 100_000 + "  a"),
    "quote-never-closed-in-a-large-file.yaml": _raw(f'{_HEAD}name: "' + "a\n" * 400_000, "PL-101 400003"),
    "fifty-duplicates.yaml": _component("name: a\n" * 60, *[f"PL-102 {line}" for line in range(4, 54)], "PL-212 54"),
    "thousand-unknown-fields.yaml": _component(
        "\n".join(f"field{n}: 1" for n in range(1_000)), *[f"PL-201 {line}" for line in range(3, 53)], "PL-212 53"
    ),
    "dates-of-a-hundred-thousand-digits.yaml": _component(f"description: 2026-01-01T00:00:00.{'1' * 100_000}Z"),
}


def _dag(operations: str, *problems: str) -> Case:
    """A DAG whose operations, from line 7 on, may use the component `c`."""
    component = "{name: c, run: {kind: job, container: {image: i, command: [c]}}}"
    head = f"version: 1.1\nkind: operation\nname: t\ncomponent: {{run: {{kind: dag, components: [\n{component}\n], "
    return _raw(f"{head}operations: [\n{operations}\n]}}}}\n", *problems)


def _node(number: int, upstream: str) -> str:
    return f"{{name: n{number}, dagRef: c, dependencies: [{upstream}]}},"


def _chain(length: int, *problems: str) -> Case:
    """Components of which each holds the next one; a file each."""
    dag = "version: 1.1\nkind: component\nrun: {{kind: dag, operations: [{{name: a, pathRef: {number}.yaml}}]}}\n"
    files = {f"{number}.yaml": dag.format(number=number + 1).encode() for number in range(length)}
    files[f"{length}.yaml"] = f"{_HEAD}{_RUN}".encode()
    files["op.yaml"] = b"version: 1.1\nkind: operation\nname: t\npathRef: 0.yaml\n"
    return files, list(problems)


_REFERENCES: Mapping[str, Case] = {
    "two-thousand-operations-in-a-row.yaml": _dag(
        "\n".join(_node(number, f"n{number - 1}" if number else "") for number in range(2_000))
    ),
    "three-thousand-operations-behind-one.yaml": _dag(
        _node(0, "") + "\n" + "\n".join(_node(number, "n0") for number in range(1, 3_000))
    ),
    "ten-thousand-operations-behind-one.yaml": _dag(
        _node(0, "") + "\n" + "\n".join(_node(number, "n0") for number in range(1, 10_000)), "PL-105 6253"
    ),
    "ten-thousand-dependencies-of-one.yaml": _dag(
        "\n".join(_node(number, "") for number in range(500))
        + "\n"
        + _node(500, ", ".join(f"n{number % 500}" for number in range(10_000)))
    ),
    "cycle-of-two-thousand.yaml": _dag(
        "\n".join(_node(number, f"n{(number - 1) % 2_000}") for number in range(2_000)), "PL-303 7"
    ),
    "hundred-cycles.yaml": _dag(
        "\n".join(_node(number, f"n{number ^ 1}") for number in range(200)),
        *[f"PL-303 {line}" for line in range(7, 107, 2)],
        "PL-212 107",
    ),
    "thousand-dependencies-that-are-not-there.yaml": _dag(
        _node(0, ", ".join(f"x{number}" for number in range(1_000))), *["PL-304 7"] * 50, "PL-212 7"
    ),
    "three-hundred-components-in-one-another": _chain(300, *[f"PL-104 {number}.yaml:3" for number in range(16, 300)]),
    "ten-components-in-one-another": _chain(10),
    "thousand-undefined-variables.yaml": _raw(
        f"{_HEAD}run:\n  kind: job\n  container:\n    image: i\n    command:\n"
        + "".join(f"      - '{{{{ x{number} }}}}'\n" for number in range(1_000)),
        *[f"PL-405 {line}" for line in range(8, 58)],
        "PL-212 58",
    ),
}

GENERATED: Mapping[str, Mapping[str, Case]] = MappingProxyType({"references": _REFERENCES, "yaml-cost": _COST})
"""Cases by class and name."""

_LOOPS = "{% for a in ('x' * 300) | list %}{% for b in ('x' * 300) | list %}{% endfor %}{% endfor %}"
"""A template that takes most of the steps that one operation may take."""
_JOB = f'{{run: {{kind: job, container: {{image: i, command: [c, "{_LOOPS}"]}}}}}}'
_IN_DAG = "component: {run: {kind: dag, "


_GLOBS = "paths:\n  include:\n" + "".join(f"    - '**/x{number}/*.yaml'\n" for number in range(10_000))


def _operation(rest: str, name: str = "t") -> bytes:
    return f"version: 1.1\nkind: operation\nname: {name}\n{rest}\n".encode()


def _preset(container: str) -> bytes:
    return (
        f"version: 1.1\nkind: operation\nname: p\nisPreset: true\nrunPatch: {{container: {{{container}}}}}\n".encode()
    )


def _uses(count: int, component: str) -> bytes:
    operations = ", ".join(f"{{name: n{number}, dagRef: c}}" for number in range(count))
    return _operation(f"{_IN_DAG}components: [{{name: c, {component}}}], operations: [{operations}]}}}}")


COSTLY: Mapping[str, tuple[bytes | Mapping[str, bytes], frozenset[str]]] = MappingProxyType(
    {
        "fifty documents with templates of many steps": (
            b"---\n".join(
                f"version: 1.1\nkind: operation\nname: n{number}\ncomponent: {_JOB}\n".encode() for number in range(50)
            ),
            frozenset({"PL-407"}),
        ),
        "fifty operations of a DAG with templates of many steps": (
            _operation(
                f"{_IN_DAG}operations: ["
                + ", ".join(f"{{name: n{number}, component: {_JOB}}}" for number in range(50))
                + "]}}"
            ),
            frozenset({"PL-407"}),
        ),
        "two thousand patterns": (
            f"{_HEAD}inputs:\n".encode()
            + b"".join(
                f"  - {{name: a{number}, validation: {{regex: '[\\w]{{{1_000 - number % 300}}}'}}}}\n".encode()
                for number in range(2_000)
            )
            + _RUN.encode(),
            frozenset({"PL-105", "PL-204", "PL-212"}),
        ),
        "eight thousand unknown params of five thousand inputs": (
            _operation(
                f"params: {{{', '.join(f'pa{number}x: 1' for number in range(8_000))}}}\ncomponent: {{inputs: ["
                + ", ".join(f"{{name: par{number}, value: 1}}" for number in range(5_000))
                + f"], {_RUN.strip()}}}"
            ),
            frozenset({"PL-105", "PL-401", "PL-212"}),
        ),
        "three thousand unknown dependencies": (
            _operation(
                f"{_IN_DAG}operations: ["
                + ", ".join(
                    f"{{name: train{number}, dependencies: [tra{number}x], dagRef: tr{number}}}"
                    for number in range(3_000)
                )
                + "]}}"
            ),
            frozenset({"PL-105", "PL-302", "PL-304", "PL-212"}),
        ),
        "three thousand uses of a wide component": (
            _uses(
                3_000,
                "run: {kind: job, container: {image: i, env: {"
                + ", ".join(f"A{number}: b" for number in range(10_000))
                + "}}}",
            ),
            frozenset({"PL-105"}),
        ),
        "two thousand uses of a component with many inputs": (
            _uses(
                2_000,
                "inputs: ["
                + ", ".join(f"{{name: p{number}, isOptional: true}}" for number in range(300))
                + f"], {_RUN.strip()}",
            ),
            frozenset({"PL-105"}),
        ),
        "five thousand inputs that name the next one": (
            f"{_HEAD}inputs:\n".encode()
            + b"".join(
                f"  - {{name: a{number}, value: '{{{{ a{number + 1} }}}}'}}\n".encode() for number in range(5_000)
            )
            + f"  - {{name: a5000, value: 1}}\n{_RUN}".encode(),
            frozenset({"PL-105", "PL-212", "PL-407"}),
        ),
        "a thousand operations over a wide preset": (
            _preset("env: {" + ", ".join(f"A{number}: b" for number in range(5_000)) + "}")
            + b"".join(
                b"---\n" + _operation(f"presets: [p]\ncomponent: {{{_RUN.strip()}}}", f"n{number}")
                for number in range(1_000)
            ),
            frozenset({"PL-105", "PL-212"}),
        ),
        "one preset ten thousand times": (
            _preset("args: [" + ", ".join(f"a{number}" for number in range(5_000)) + "]")
            + b"---\n"
            + _operation(f"presets: [{', '.join(['p'] * 10_000)}]\ncomponent: {{{_RUN.strip()}}}"),
            frozenset({"PL-105", "PL-204", "PL-211", "PL-212"}),
        ),
        "ten thousand globs over a thousand paths": (
            {
                ".plumbline.yaml": _GLOBS.encode(),
                **{f"{'a/' * 30}{number}.yaml": b"a: 1\n" for number in range(1_000)},
            },
            frozenset({"PL-601"}),
        ),
    }
)
"""Files whose cost is what matters: they end in time, with none but these codes."""
