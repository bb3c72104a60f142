"""Presets: which document a name means, what a preset must have, and who is compiled again (reference, section 5.4)."""

import pytest

from planner.compile import Cache, CompileConfig, compile_tree
from planner.compile import files as compiling
from planner.compile.discover import discover
from planner.compile.origin import Origin, Report
from planner.compile.presets import presets_of
from planner.compile.view import Tree, View
from tests.planner.compile.trees import compiled, given

pytestmark = pytest.mark.unit

LOCAL = CompileConfig("demo", backend="k")


def preset(name, rest="queue: fast", head="version: 1.1\n"):
    return f"{head}kind: operation\nname: {name}\nisPreset: true\n{rest}\n"


def operation(name, presets):
    component = "component: {run: {kind: job, container: {image: i, command: [c]}}}"
    return f"version: 1.1\nkind: operation\nname: {name}\npresets: {presets}\n{component}\n"


def said(desired):
    return [(one.code, f"{one.place}", one.message) for one in desired.problems]


def view_of(files):
    it = given(files)
    return View(Tree(it, discover(it, Cache())))


def found(files, names):
    """Names and places of the presets that `names` mean, and the codes of problems."""
    view, report = view_of(files), Report()
    origin = Origin(view.file("a.yaml").documents[0].places).at("presets")
    presets = presets_of(tuple(names), origin, view, report)
    return [f"{one.operation.name} {one.origin.place}" for one in presets], [one.code for one in report.problems]


def test_presets_are_found_in_the_order_written():
    files = {
        "a.yaml": operation("a", "[two, one]"),
        "p/one.yaml": preset("one") + "---\n" + preset("three"),
        "p/two.yaml": preset("two"),
    }

    assert found(files, ["two", "three", "one"]) == (
        ["two p/two.yaml:1:1", "three p/one.yaml:7:1", "one p/one.yaml:1:1"],
        [],
    )
    assert found(files, []) == ([], [])


def test_a_preset_is_no_operation():
    files = {"a.yaml": operation("a", "[]"), "p.yaml": preset("a") + "---\n" + preset("unused", "runPatch: {}")}
    desired = compiled(files, LOCAL)

    assert said(desired) == []
    assert list(desired.roots) == ["a"]


def test_what_a_preset_says_counts():
    files = {"a.yaml": operation("a", "slow, fast"), "p.yaml": preset("fast") + "---\n" + preset("slow", "queue: slow")}

    assert compiled(files, LOCAL).roots["a"].body.queue == "fast"


def test_a_preset_needs_no_version():
    files = {"a.yaml": operation("a", "[fast]"), "p.yaml": preset("fast", head="")}
    desired = compiled(files, LOCAL)

    assert said(desired) == []
    assert desired.roots["a"].body.queue == "fast"


BAD = {
    "a name that is near": (
        {"a.yaml": operation("a", "[fsat]"), "p.yaml": preset("fast")},
        [("PL-302", "a.yaml:4:11", "there is no preset `fsat`")],
        {"a.yaml"},
    ),
    "a name that is nowhere": (
        {"a.yaml": operation("a", "[one, zzz]"), "p.yaml": preset("one")},
        [("PL-302", "a.yaml:4:16", "there is no preset `zzz`")],
        {"a.yaml"},
    ),
    "an operation of that name": (
        {"a.yaml": operation("a", "[b]"), "b.yaml": operation("b", "[]")},
        [("PL-302", "a.yaml:4:11", "there is no preset `b`")],
        {"a.yaml"},
    ),
    "a template": (
        {"a.yaml": operation("a", "['{{ x }}']")},
        [
            (
                "PL-406",
                "a.yaml:4:11",
                "the name of a preset cannot be a template: presets are merged before templates are read",
            )
        ],
        {"a.yaml"},
    ),
    "no name": (
        {"p.yaml": "version: 1.1\nkind: operation\nisPreset: true\nqueue: q\n"},
        [("PL-202", "p.yaml:3:11", "a preset needs a name: operations name it")],
        {"p.yaml"},
    ),
    "twice": (
        {"a.yaml": operation("a", "[one]"), "p.yaml": preset("one"), "q.yaml": preset("one")},
        [
            ("PL-302", "a.yaml:4:11", "the preset `one`: more than one has that name"),
            ("PL-301", "p.yaml:3:7", "two presets named `one`: the other is at q.yaml:3:7"),
            ("PL-301", "q.yaml:3:7", "two presets named `one`: the other is at p.yaml:3:7"),
        ],
        {"a.yaml", "p.yaml", "q.yaml"},
    ),
    "broken": (
        {"a.yaml": operation("a", "[one]"), "p.yaml": preset("one", "qeue: q")},
        [
            ("PL-302", "a.yaml:4:11", "the preset `one`: its file has problems"),
            ("PL-201", "p.yaml:5:1", "unknown field `qeue`"),
        ],
        {"a.yaml", "p.yaml"},
    ),
    "presets of a preset": (
        {"p.yaml": preset("one", "presets: [two]"), "q.yaml": preset("two")},
        [("PL-209", "p.yaml:5:10", "the `presets` of a preset have no effect")],
        set(),
    ),
}


@pytest.mark.parametrize(("files", "problems", "bad"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_where_it_is_written(files, problems, bad):
    desired = compiled(files, LOCAL)

    assert said(desired) == problems
    assert desired.bad_files == bad


def test_a_change_of_a_preset_compiles_those_that_name_it(monkeypatch):
    seen, plain, cache = [], compiling.compile_file, Cache()
    monkeypatch.setattr(
        compiling, "compile_file", lambda loaded, *rest: seen.append(loaded.path) or plain(loaded, *rest)
    )
    files = {
        "a.yaml": operation("a", "[one]"),
        "b.yaml": operation("b", "[two]"),
        "c.yaml": operation("c", "[zzz]"),
        "d.yaml": operation("d", "[]"),
        "p/one.yaml": preset("one"),
        "p/two.yaml": preset("two"),
    }

    def again(**edits):
        """What a warm compile looks at; the cold one beside it looks at all."""
        files.update({path: text for path, text in edits.items() if text})
        for path in [path for path, text in edits.items() if not text]:
            del files[path]
        seen.clear()
        compile_tree(given(files, LOCAL), cache)
        warm = [path for path in seen if not path.startswith("p/")]
        assert compile_tree(given(files, LOCAL), cache) == compile_tree(given(files, LOCAL))
        return warm

    assert again() == ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]
    assert again(**{"p/one.yaml": preset("one", "queue: other")}) == ["a.yaml"]
    assert again(**{"p/three.yaml": preset("three")}) == ["c.yaml"]
    assert again(**{"p/three.yaml": preset("zzz")}) == ["c.yaml"]
    assert again(**{"p/two.yaml": None}) == ["b.yaml"]
    assert again(**{"p/four.yaml": preset("one")}) == ["a.yaml"]
    assert again(**{"README.md": "hello"}) == []
