"""References out of the repository: which there are, what they lead to, and what is said where they lead nowhere."""

from dataclasses import replace

import pytest

from planner.compile import Cache, CompileConfig, Outside, compile_tree, references, wanted
from planner.compile import files as compiling
from planner.compile.fetched import MAX_OUTSIDE
from planner.compile.outside import hub_name
from tests.planner.compile.trees import given, ident

pytestmark = pytest.mark.unit

LOCAL = CompileConfig("demo", backend="k")
HEAD = "version: 1.1\nkind: "


def operation(name, ref, rest=""):
    return f"{HEAD}operation\nname: {name}\n{ref}\n{rest}"


def component(command="c"):
    return f"{HEAD}component\nrun: {{kind: job, container: {{image: i, command: [{command}]}}}}\n"


def dag(*refs):
    nodes = "".join(f"    - {{name: n{index}, {ref}}}\n" for index, ref in enumerate(refs))
    return f"{HEAD}component\nrun:\n  kind: dag\n  operations:\n{nodes}"


def got(text, path):
    return Outside(path, ident(text.encode()), text.encode())


def hub(**files):
    return {f"hub:{name}": got(text, f"hub:{name}/{name}.yaml") for name, text in files.items()}


def compiled(files, outside, cache=None):
    it = given(files, LOCAL, outside=outside)
    assert wanted(it, cache) == frozenset()
    return compile_tree(it, cache)


def said(desired):
    return [(one.code, f"{one.place}", one.message) for one in desired.problems]


REFERENCES = {
    "an operation": (operation("a", "hubRef: train:2"), {"hub:train:2"}),
    "a URL": (operation("a", "urlRef: https://x.org/c.yaml"), {"url:https://x.org/c.yaml"}),
    "snake case": (operation("a", "hub_ref: train"), {"hub:train"}),
    "hooks and a build": (
        component().replace("run:", "hooks: [{hubRef: slack}]\nbuild: {hubRef: kaniko}\nrun:"),
        {"hub:slack", "hub:kaniko"},
    ),
    "a tuner": (
        operation(
            "a",
            "hubRef: train",
            "matrix: {kind: iterative, maxIterations: 1, tuner: {hubRef: t}}\n",
        ),
        {"hub:train", "hub:t"},
    ),
    "inside DAGs": (
        dag("hubRef: a", "component: {run: {kind: dag, operations: [{name: x, hubRef: b}]}}", "urlRef: 'http://y/z'"),
        {"hub:a", "hub:b", "url:http://y/z"},
    ),
    "a preset": (f"{HEAD}operation\nname: p\nisPreset: true\nhooks: [{{hubRef: slack}}]\n", {"hub:slack"}),
    "what only looks like one": (
        component().replace("image: i", "image: i, env: {hubRef: x}"),
        set(),
    ),
    "a file with an error": (operation("a", "hubRef: train", "nope: 1\n"), set()),
}


@pytest.mark.parametrize(("text", "keys"), REFERENCES.values(), ids=REFERENCES)
def test_every_reference_of_a_file_is_named(text, keys):
    assert references(given({"a.yaml": text})) == keys


def test_what_is_referred_to_refers_further():
    files = {"a.yaml": operation("a", "pathRef: lib/c.txt"), "lib/c.txt": dag("hubRef: outer")}
    it = given(files)
    assert references(it) == {"hub:outer"}
    it = replace(it, outside=hub(outer=dag("hubRef: inner", "urlRef: 'http://y/z'")))
    assert references(it) == {"hub:outer", "hub:inner", "url:http://y/z"}


def test_a_component_from_outside_runs_with_its_own_references():
    outside = hub(outer=dag("hubRef: inner", "urlRef: 'http://y/z.yaml'"), inner=component("in"))
    outside["url:http://y/z.yaml"] = got(component("far"), "http://y/z.yaml")
    desired = compiled({"a.yaml": operation("a", "hubRef: outer")}, outside)

    assert said(desired) == []
    nodes = desired.roots["a"].body.nodes
    assert [node.operation.body.gang.replicas[0].container.command for node in nodes] == [("in",), ("far",)]
    assert f"{desired.roots['a'].place}" == "a.yaml:1:1"


NOWHERE = {
    "a failure": (
        {"hub:x": Outside(failure="no hub has the component `x`", hint="did you mean `y`?")},
        [("PL-310", "a.yaml:4:9", "`x`: no hub has the component `x`")],
    ),
    "nobody looked": ({}, [("PL-311", "a.yaml:4:9", "`x`: not looked up here")]),
    "somebody else could": (
        {"hub:x": Outside(failure="not looked up yet", elsewhere=True)},
        [("PL-311", "a.yaml:4:9", "`x`: not looked up yet")],
    ),
    "two components": (
        hub(x=f"{component()}---\n{component()}"),
        [("PL-302", "a.yaml:4:9", "hub:x/x.yaml has 2 components")],
    ),
    "an operation": (
        hub(x=operation("o", "hubRef: x")),
        [("PL-302", "a.yaml:4:9", "hub:x/x.yaml has no component")],
    ),
    "not a spec": (
        hub(x="hello: 1\n"),
        [
            ("PL-310", "a.yaml:4:9", "`x`: the component has problems"),
            ("PL-202", "hub:x/x.yaml:1:1", "required field `kind` is missing"),
            ("PL-202", "hub:x/x.yaml:1:1", "required field `version` is missing"),
        ],
    ),
    "a broken component": (
        hub(x=component().replace("image", "imgae")),
        [
            ("PL-310", "a.yaml:4:9", "`x`: the component has problems"),
            ("PL-201", "hub:x/x.yaml:3:30", "unknown field `imgae`"),
        ],
    ),
    "a mistake that only compiling finds": (
        hub(x=component("'{{ lr }}'")),
        [("PL-405", "hub:x/x.yaml:3:50", "'lr' is undefined")],
    ),
    "a path out of a hub": (
        hub(x=dag("pathRef: other.yaml")),
        [("PL-302", "hub:x/x.yaml:6:27", "a component that is not of this repository cannot use `pathRef`")],
    ),
    "a circle": (
        hub(x=dag("hubRef: x")),
        [("PL-303", "hub:x/x.yaml:6:26", "the component contains itself")],
    ),
}


@pytest.mark.parametrize(("outside", "problems"), NOWHERE.values(), ids=NOWHERE)
def test_a_reference_that_leads_nowhere_holds_its_file(outside, problems):
    inline = operation("b", "component: {run: {kind: job, container: {image: i, command: [c]}}}")
    desired = compiled({"a.yaml": operation("a", "hubRef: x"), "b.yaml": inline}, outside)

    assert [one[:2] for one in said(desired)] == [one[:2] for one in problems]
    assert [one[2] for one in said(desired)] == [one[2] for one in problems]
    assert (set(desired.roots), desired.bad_files) == ({"b"}, {"a.yaml"})


def test_who_could_not_look_it_up_is_no_error():
    desired = compiled({"a.yaml": operation("a", "hubRef: x")}, {})

    assert [problem.severity for problem in desired.problems] == ["warning"]


def test_a_change_outside_compiles_those_that_refer_to_it(monkeypatch):
    seen, plain, cache = [], compiling.compile_file, Cache()
    monkeypatch.setattr(
        compiling, "compile_file", lambda loaded, *rest: seen.append(loaded.path) or plain(loaded, *rest)
    )
    files = {f"{name}.yaml": operation(name, f"hubRef: {name}") for name in "abc"}

    def again(outside):
        seen.clear()
        desired = compiled(files, outside, cache)
        warm = list(seen)
        assert desired == compiled(files, outside)
        return warm

    first = hub(a=dag("hubRef: b"), b=component(), c=component())
    assert again(first) == ["a.yaml", "b.yaml", "c.yaml"]
    assert again(dict(first)) == []
    assert again({**first, **hub(b=component("new"))}) == ["a.yaml", "b.yaml"]
    assert again({**first, "hub:b": Outside(failure="gone")}) == ["a.yaml", "b.yaml"]
    assert again({**first, "hub:c": got(component(), "elsewhere.yaml")}) == ["a.yaml", "b.yaml", "c.yaml"]
    assert again({**first, "hub:b": Outside(failure="gone for good")}) == ["a.yaml", "b.yaml", "c.yaml"]


def test_references_without_end_are_cut_off():
    """Each leads to the next: a host could go on for ever."""
    it = given({"a.yaml": operation("a", "urlRef: 'http://h/0'")}, LOCAL)
    for _ in range(100):
        new = references(it) - it.outside.keys()
        if not new:
            break
        (key,) = new
        path = key.removeprefix("url:")
        text = dag(f"urlRef: 'http://h/{int(path.rpartition('/')[2]) + 1}'")
        it = replace(it, outside={**it.outside, key: got(text, path)})
    assert len(it.outside) == 20
    assert {problem.code for problem in compile_tree(it).problems} <= {"PL-104", "PL-105"}
    assert compile_tree(it).bad_files == {"a.yaml"}


def test_more_references_than_are_looked_up_are_a_problem():
    refs = (f"hubRef: c{index:05}" for index in range(MAX_OUTSIDE + 10))
    it = given({"a.yaml": dag(*refs), "b.yaml": operation("b", "hubRef: c00000")}, LOCAL)
    it = replace(it, outside={key: got(component(), f"{key}/x.yaml") for key in references(it)})
    desired = compile_tree(it)

    assert len(it.outside) == MAX_OUTSIDE
    assert [problem.code for problem in desired.problems] == ["PL-105"] * 10
    assert set(desired.roots) == {"b"}


NAMES = {
    "train": ("", "train", ""),
    "train:2": ("", "train", "2"),
    "team/train:v1.0-rc_1": ("team", "train", "v1.0-rc_1"),
    "../train": None,
    "a/b/c": None,
    "train:": None,
    "-x": None,
    "a:.b": None,
    "": None,
    "a" * 129: None,
}


@pytest.mark.parametrize(("ref", "parts"), NAMES.items())
def test_the_parts_of_a_name(ref, parts):
    found = hub_name(ref)

    assert (found and (found.owner, found.name, found.version)) == parts
