"""A cache never changes an answer, and an unchanged file costs nothing (design: section 6, rule 10)."""

import random

import pytest

from planner.compile import Cache, CompileConfig, EntryRef, compile_tree, ls_files, wanted
from planner.compile import files as compiling
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit


def operation(name, ref="../lib/c.yaml", rest=""):
    return f"version: 1.1\nkind: operation\nname: {name}\npathRef: {ref}\n{rest}"


def component(command, init="[git: ]"):
    return f"version: 1.1\nkind: component\nrun: {{kind: job, init: {init}, container: {{command: [{command}]}}}}\n"


START = {
    "ops/a.yaml": operation("a"),
    "ops/b.yaml": operation("b"),
    "lib/c.yaml": component("c"),
    "lib/d.yaml": component("d", "[{git: {paths: [src]}}]"),
    "lib/code.py": "1",
    "src/x.py": "1",
}
EDITS = {
    "ops/a.yaml": [*(operation("a", f"../lib/{name}.yaml") for name in "cde"), operation("b"), None],
    "ops/b.yaml": [operation("b"), operation("b", rest="nope: 1\n"), None],
    "lib/c.yaml": [component("c"), component("./lib/code.py, x"), component("src/x.py", "[]"), "a: 1\n", None],
    "lib/d.yaml": [component("d", "[{git: {paths: [src]}}]"), component("d", "[{git: {paths: [src/y.py]}}]")],
    "lib/e.yaml": [None, component("e")],
    "lib/code.py": ["1", "2", None],
    "lib/extra.yaml": [None, component("x"), "x: 1\n"],
    "src/x.py": ["1", "2", EntryRef("symlink", "1" * 40), EntryRef("blob", "2" * 40, executable=True), None],
    "src/y.py": [None, "y"],
    "src/m": [None, EntryRef("submodule", "3" * 40)],
    ".plumbline.yaml": [
        None,
        "paths: {exclude: [lib]}\n",
        "defaults: {runPolicy: on-commit}\n",
        "policies: [{match: ops/a.yaml, queue: q}]\n",
        "project: [\n",
    ],
}  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_a_warm_compile_gives_what_a_cold_one_gives(seed):
    dice, cache, files = random.Random(seed), Cache(), dict(START)
    for step in range(40):
        path = dice.choice(sorted(EDITS))
        files[path] = dice.choice(EDITS[path])
        it = given(
            {path: text for path, text in files.items() if text is not None},
            dice.choice([None, CompileConfig("other", backend="k")]),
            commit=f"{step:040}",
            in_force=dice.choice([{}, {"a": "ops/a.yaml", "b": "ops/b.yaml"}]),
        )

        assert wanted(it, cache) == frozenset()
        assert compile_tree(it, cache) == compile_tree(it), (step, path)
        assert ls_files(it, cache) == ls_files(it)


def test_what_did_not_change_is_not_compiled_again(monkeypatch):
    seen = []
    plain = compiling.compile_file
    monkeypatch.setattr(
        compiling, "compile_file", lambda loaded, *rest: seen.append(loaded.path) or plain(loaded, *rest)
    )
    cache, files = Cache(), dict(START)

    def changed(**edits):
        files.update({path: text for path, text in edits.items() if text is not None})
        seen.clear()
        compile_tree(given(files), cache)
        return sorted(seen)

    assert changed() == ["lib/c.yaml", "lib/d.yaml", "ops/a.yaml", "ops/b.yaml"]
    assert changed() == []
    assert changed(**{"README.md": "hello"}) == []
    assert changed(**{"src/x.py": "2"}) == ["lib/d.yaml"]
    assert changed(**{"lib/code.py": "2"}) == ["lib/c.yaml", "ops/a.yaml", "ops/b.yaml"]
    assert changed(**{"ops/a.yaml": operation("a", rest="# c\n")}) == ["ops/a.yaml"]
    assert changed(**{".plumbline.yaml": "policies: [{match: ops/b.yaml, queue: q}]\n"}) == ["ops/b.yaml"]


def test_what_was_not_used_for_long_is_forgotten():
    cache, first = Cache(), given({"a.yaml": operation("a")})
    compile_tree(first, cache)
    for index in range(40):
        compile_tree(given({"b.yaml": operation(f"b{index}")}), cache)

    assert wanted(given({"a.yaml": operation("a")}, blobs={}), cache) == {first.entries["a.yaml"].id}
