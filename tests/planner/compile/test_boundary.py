"""A fault of ours in one file is a problem of that file, and others go on (design: "Safety, both ways")."""

import pytest

from planner.compile import Cache, compile_tree, discover, operation, reading, roots, wanted
from tests.planner.compile.trees import compiled, given

pytestmark = pytest.mark.unit

OPERATION = "version: 1.1\nkind: operation\nname: NAME\ncomponent: {run: {kind: job, container: {command: [c]}}}\n"
COMPONENT = "version: 1.1\nkind: component\nrun: {kind: job, container: {command: [c]}}\n"
ESCAPED = [ValueError, OverflowError, ZeroDivisionError, RecursionError, MemoryError, TypeError, KeyError, IndexError]


def job(name):
    return OPERATION.replace("NAME", name)


FILES = {
    "a.yaml": job("a"),
    "b.yaml": job("bad") + "---\n" + job("b") + "nope: 1\n---\n" + COMPONENT,
    "c.yaml": job("c"),
}


@pytest.fixture(params=ESCAPED, ids=lambda error: error.__name__)
def escaping(request, monkeypatch):
    """What fails: the compile of the operation `bad`, from wherever it is called."""
    plain = roots.compile_root

    def failing(name, *rest):
        if name == "bad":
            raise request.param("cannot convert\nfloat infinity")
        return plain(name, *rest)

    monkeypatch.setattr(roots, "compile_root", failing)
    return request.param.__name__


def test_other_roots_go_on(escaping):
    desired = compiled(FILES, in_force={"old": "b.yaml"})

    assert set(desired.roots) == {"a", "c"}
    assert desired.bad_files == {"b.yaml"}
    assert [(problem.code, str(problem.place), problem.address) for problem in desired.problems] == [
        ("PL-901", "b.yaml:1:1", "bad"),
        ("PL-201", "b.yaml:10:1", ""),
    ]
    said = desired.problems[0]
    assert f"{escaping} in planner.compile.roots, line " in said.message
    assert "cannot convert" in said.message
    assert "\n" not in said.message
    assert said.hint == "this is our fault, not yours: please report it with the file; other files go on"


def test_a_failure_is_not_kept(escaping, monkeypatch):
    cache, it = Cache(), given({"a.yaml": job("bad")})
    assert compile_tree(it, cache).bad_files == {"a.yaml"}
    monkeypatch.undo()

    assert wanted(it, cache) == frozenset()
    assert compile_tree(it, cache).roots.keys() == {"bad"}, escaping


@pytest.mark.parametrize("step", ["load", "references"])
def test_reading_a_file_is_behind_it_too(step, monkeypatch):
    plain = getattr(reading, step)

    def failing(said, *rest):
        if getattr(said, "path", said) == "b.yaml":
            raise RecursionError
        return plain(said, *rest)

    monkeypatch.setattr(reading, step, failing)
    cache, it = Cache(), given({"a.yaml": job("a"), "b.yaml": COMPONENT, "c.yaml": job("c")})
    desired = compile_tree(it, cache)

    assert set(desired.roots) == {"a", "c"}
    assert [(problem.code, problem.place.path) for problem in desired.problems] == [("PL-901", "b.yaml")]
    monkeypatch.undo()
    assert compile_tree(it, cache).problems == ()


def test_a_component_that_fails_holds_what_refers_to_it_and_no_longer_than_it_fails(monkeypatch):
    reference = "version: 1.1\nkind: operation\nname: r\npathRef: lib/c.yaml\n"
    settings = "paths: {exclude: [lib]}\n"
    it = given({".plumbline.yaml": settings, "r.yaml": reference, "lib/c.yaml": COMPONENT, "a.yaml": job("a")})
    cache, plain = Cache(), reading.load

    def failing(path, data):
        if path == "lib/c.yaml":
            raise MemoryError
        return plain(path, data)

    monkeypatch.setattr(reading, "load", failing)
    assert set(compile_tree(it, cache).roots) == {"a"}
    monkeypatch.undo()
    assert set(compile_tree(it, cache).roots) == {"a", "r"}


def test_settings_that_fail_leave_everything_as_it_is(monkeypatch):
    def failing(path, data):
        raise OverflowError(f"{path} {len(data)}")

    monkeypatch.setattr(discover, "load_repository", failing)
    desired = compiled({".plumbline.yaml": "project: p\n", "a.yaml": job("a")})

    assert [problem.code for problem in desired.problems] == ["PL-901"]
    assert desired.bad_files == {".plumbline.yaml"}


def test_a_component_by_itself_is_behind_it(monkeypatch):
    def failing(*_):
        raise TypeError("x")

    monkeypatch.setattr(operation, "_body", failing)
    desired = compiled({"c.yaml": COMPONENT})

    assert [(problem.code, str(problem.place)) for problem in desired.problems] == [("PL-901", "c.yaml:1:1")]
    assert "TypeError in planner.compile.operation, line " in desired.problems[0].message
