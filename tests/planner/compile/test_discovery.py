"""Which files are specs, and whose name counts (design: "Discovery")."""

from dataclasses import replace

import pytest

from planner.compile import Cache, CompileConfig, EntryRef, compile_tree, ls_files, wanted
from tests.planner.compile.trees import compiled, given, ident

pytestmark = pytest.mark.unit

JOB = """\
version: 1.1
kind: operation
name: NAME
component: {run: {kind: job, container: {image: i, command: [c]}}}
"""


def job(name):
    return JOB.replace("NAME", name)


def states(files, **rest):
    return {row.path: row.state for row in ls_files(given(files, **rest))}


ROWS = {
    "an operation": ("a.yaml", job("a"), "in"),
    "in a folder, as yml": ("x/y/a.yml", job("a"), "in"),
    "json": ("a.json", '{"version": 1.1, "kind": "component", "run": {"kind": "job"}}', "in"),
    "another suffix": ("a.txt", job("a"), None),
    "yaml of somebody else": ("values.yaml", "image: x\nreplicas: 3\n", "ignored"),
    "helm": ("chart/t.yaml", "kind: Deployment\nmetadata: {{ .x }}\n", "ignored"),
    "a kubernetes version": ("k.yaml", "apiVersion: v1\nkind: Service\n", "ignored"),
    "a suspect": ("a.yaml", "version: 1.1\nrun: {\n", "in"),
    "empty": ("a.yaml", "", "ignored"),
}


@pytest.mark.parametrize(("path", "text", "state"), ROWS.values(), ids=ROWS)
def test_what_a_file_counts_as(path, text, state):
    assert states({path: text}).get(path) == state


def test_paths_include_and_exclude():
    files = {
        ".plumbline.yaml": "project: p\npaths: {include: ['ops/**'], exclude: [ops/old]}\n",
        "ops/a.yaml": job("a"),
        "ops/old/b.yaml": job("b"),
        "c.yaml": job("c"),
    }

    assert states(files) == {"ops/a.yaml": "in", "ops/old/b.yaml": "out", "c.yaml": "out"}
    assert set(compiled(files).roots) == {"a"}
    assert compiled(files).project == "p"


def test_the_configuration_names_the_project_where_the_repository_does_not():
    assert compiled({"a.yaml": job("a")}, CompileConfig("from-config")).project == "from-config"


def test_a_file_that_is_named_is_a_spec_whatever_it_holds():
    desired = compiled({"x.yaml": "hello: 1\n"}, named=frozenset({"x.yaml"}))

    assert [problem.code for problem in desired.problems] == ["PL-202", "PL-202"]


def test_a_file_that_a_root_in_force_comes_from_stays_a_spec():
    desired = compiled({"x.yaml": "hello: 1\n"}, in_force={"x": "x.yaml"})

    assert desired.bad_files == {"x.yaml"}


def test_a_suspect_is_a_problem_and_a_stranger_is_not():
    desired = compiled({"a.yaml": "kind: operation\nname: a\n", "b.yaml": "kind: Deployment\nversion: 3\n"})

    assert desired.bad_files == {"a.yaml"}
    assert {problem.place.path for problem in desired.problems} == {"a.yaml"}


@pytest.mark.parametrize(("kind", "known", "bad"), [("symlink", {}, False), ("submodule", {"x": "a.yaml"}, True)])
def test_specs_are_never_read_through_a_symlink(kind, known, bad):
    desired = compiled({"a.yaml": EntryRef(kind, "1" * 40)}, in_force=known)

    assert [problem.code for problem in desired.problems] == ["PL-308"]
    assert desired.roots == {}
    assert ("a.yaml" in desired.bad_files) is bad


PAD = "# " + "x" * 78 + "\n"
LARGE = {
    "an operation": ("a.yaml", job("a") + PAD * 13_000, "in"),
    "an operation in JSON": ("a.json", '{"kind": "operation", "x": "' + "x" * 1_000_000 + '"}', "in"),
    "an operation in UTF-16": ("a.yaml", (job("a") + PAD * 13_000).encode("utf-16"), "in"),
    "data": ("a.yaml", "- version: 2\n" * 80_000, "ignored"),
    "data that ends like a spec": ("a.yaml", PAD * 13_000 + job("a"), "ignored"),
    "helm": ("a.yaml", "kind: Deployment\n" + PAD * 13_000, "ignored"),
}


@pytest.mark.parametrize(("path", "text", "state"), LARGE.values(), ids=LARGE)
def test_a_large_file_is_a_problem_where_it_starts_like_a_spec(path, text, state):
    desired = compiled({path: text, "b.yaml": job("b")})

    assert states({path: text}) == {path: state}
    assert [problem.code for problem in desired.problems] == (["PL-103"] if state == "in" else [])
    assert set(desired.roots) == {"b"}


def test_a_large_file_that_a_root_comes_from_needs_no_look():
    files = {"a.yaml": EntryRef("blob", "1" * 40, 2_000_000)}

    assert wanted(given(files)) == {"1" * 40}
    assert wanted(given(files, in_force={"a": "a.yaml"})) == frozenset()
    assert [problem.code for problem in compiled(files, in_force={"a": "a.yaml"}).problems] == ["PL-103"]


def test_data_in_yaml_is_not_read_without_end():
    files = {f"{index:02}.json": EntryRef("blob", f"{index:040}", 5_000_000) for index in range(40)}
    files["huge.yaml"] = EntryRef("blob", "f" * 40, 3_000_000_000)
    files["z.yaml"] = EntryRef("blob", "e" * 40, 5_000_000)
    asked = wanted(given(files))

    assert len(asked) == 12
    assert "e" * 40 in asked, "YAML comes first"
    assert "f" * 40 not in asked


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_spec_in_utf_16_is_a_problem_and_other_files_in_it_are_not(encoding):
    files = {
        "a.yaml": ("\ufeff" + job("a")).encode(encoding),
        "b.yaml": ("\ufeffkind: Deployment\n").encode(encoding),
    }
    desired = compiled(files)

    assert states(files) == {"a.yaml": "in", "b.yaml": "ignored"}
    assert [(problem.code, problem.place.path) for problem in desired.problems] == [("PL-107", "a.yaml")]


def test_what_is_excluded_is_out_also_where_a_root_in_force_comes_from_it():
    files = {".plumbline.yaml": "paths: {exclude: [a.yaml]}\n", "a.yaml": job("a"), "b.yaml": job("b")}
    known = {"a": "a.yaml", "b": "b.yaml"}
    desired = compiled(files, in_force=known)

    assert states(files, in_force=known) == states(files) == {"a.yaml": "out", "b.yaml": "in"}
    assert set(desired.roots) == {"b"}
    assert desired.bad_files == frozenset(), "nothing holds the removal back"
    assert compiled(files, named=frozenset({"a.yaml"})).roots.keys() == {"a", "b"}


# What must be read


def test_reading_goes_from_settings_to_files_to_what_they_name():
    files = {
        ".plumbline.yaml": "paths: {include: [ops]}\n",
        "ops/a.yaml": "version: 1.1\nkind: operation\nname: a\npathRef: ../lib/dag.yaml\n",
        "lib/dag.yaml": (
            "version: 1.1\nkind: component\nrun: {kind: dag, operations: [{name: x, pathRef: ./x.yaml}]}\n"
        ),
        "lib/x.yaml": "version: 1.1\nkind: component\nrun: {kind: job, container: {image: i, command: [c]}}\n",
        "lib/unread.yaml": job("unread"),
    }
    whole = given(files)
    it, rounds, cache = replace(whole, blobs={}), [], Cache()
    while missing := wanted(it, cache):
        rounds.append(sorted(path for path in files if ident(files[path].encode()) in missing))
        it = replace(it, blobs={**it.blobs, **{blob: whole.blobs[blob] for blob in missing}})

    assert rounds == [[".plumbline.yaml"], ["ops/a.yaml"], ["lib/dag.yaml"], ["lib/x.yaml"]]
    assert compile_tree(it, cache) == compile_tree(whole)
    assert compile_tree(it, cache).files == ("ops/a.yaml",)


def test_compiling_without_the_contents_is_the_callers_mistake():
    with pytest.raises(ValueError, match="1 blobs are missing"):
        compile_tree(given({"a.yaml": job("a")}, blobs={}))


# Settings


@pytest.mark.parametrize(
    "settings",
    ["project: [\n", "projet: x\n", EntryRef("symlink", "1" * 40)],
    ids=["not yaml", "unknown field", "a symlink"],
)
def test_with_broken_settings_everything_stays_as_it_is(settings):
    desired = compiled({".plumbline.yaml": settings, "a.yaml": job("a")})

    assert desired.roots == {}
    assert desired.bad_files == {".plumbline.yaml"}
    assert desired.problems


def test_policies_go_by_file_and_prune_may_only_be_tightened():
    settings = """\
defaults: {onChange: stop, queue: low}
policies:
  - {match: "ops/**", runPolicy: manual, progressDeadline: PT2M, selfHeal: false, prune: false, namespace: team}
"""
    desired = compiled({".plumbline.yaml": settings, "ops/a.yaml": job("a"), "b.yaml": job("b")})
    a, b = desired.roots["a"].policy, desired.roots["b"].policy

    assert (a.run, a.on_change, a.self_heal, a.progress_deadline, a.prune) == ("manual", "stop", False, 120.0, False)
    assert (b.run, b.on_change, b.self_heal, b.progress_deadline, b.prune) == ("on-change", "stop", True, 600.0, True)
    assert desired.roots["a"].body.queue == "low"
    strict = compiled(
        {".plumbline.yaml": "defaults: {prune: true}\n", "a.yaml": job("a")}, CompileConfig("p", prune=False)
    )
    assert strict.roots["a"].policy.prune is False


def test_renames_are_handed_on():
    desired = compiled({".plumbline.yaml": "moved: {old: a}\n", "a.yaml": job("a")})

    assert desired.moved == {"old": "a"}
    assert desired.problems == ()


def test_a_rename_to_nothing_is_said_where_it_is_written():
    files = {".plumbline.yaml": "moved:\n  old: a\n  zz: yy\n  held: c\n", "a.yaml": job("a"), "c.yaml": "kind: ["}
    desired = compiled(files, in_force={"c": "c.yaml"})

    assert [str(problem) for problem in desired.problems if problem.place.path == ".plumbline.yaml"] == [
        (
            ".plumbline.yaml:3:7: warning PL-302: `zz` is moved to `yy`, which is no operation of this commit; "
            "correct the name, or remove the line"
        )
    ]
    assert desired.bad_files == {"c.yaml"}


def test_prune_that_the_daemon_does_not_allow_is_said():
    settings = "defaults: {prune: true}\npolicies:\n- {match: a.yaml, prune: true}\n- {match: b.yaml, prune: false}\n"
    desired = compiled({".plumbline.yaml": settings, "a.yaml": job("a")}, CompileConfig("p", prune=False))

    assert [(problem.code, str(problem.place), problem.severity) for problem in desired.problems] == [
        ("PL-603", ".plumbline.yaml:1:19", "warning"),
        ("PL-603", ".plumbline.yaml:3:26", "warning"),
    ]
    assert compiled({".plumbline.yaml": settings, "a.yaml": job("a")}).problems == ()


def test_the_name_that_the_ledger_fixed_stays_in_force():
    files = {".plumbline.yaml": "project: new\n", "a.yaml": job("a"), "b.yaml": job("b") + "nope: 1\n"}
    desired = compiled(files, CompileConfig("old", fixed=True), in_force={"a": "a.yaml", "gone": "c.yaml"})

    assert desired.project == "old"
    assert desired.roots == {}
    assert ".plumbline.yaml" in desired.bad_files, "so nothing is removed"
    assert [(problem.code, str(problem.place)) for problem in desired.problems] == [
        ("PL-602", ".plumbline.yaml:1:10"),
        ("PL-201", "b.yaml:5:1"),
    ]
    same = compiled({**files, ".plumbline.yaml": "project: old\n"}, CompileConfig("old", fixed=True))
    assert set(same.roots) == {"a"}
    assert compiled(files, CompileConfig("old")).project == "new", "without a ledger the file's name counts"


# Names


def test_an_operation_without_a_name_gets_one_from_its_path():
    text = job("x").replace("name: x\n", "")
    desired = compiled({"ops/train it.yaml": f"{text}---\n{text}"})

    assert set(desired.roots) == {"ops-train-it", "ops-train-it-2"}
    assert [str(problem) for problem in desired.problems] == [
        (
            "ops/train it.yaml:1:1: info PL-307: an operation without a name is called `ops-train-it`; "
            "add `name: ops-train-it`"
        ),
        (
            "ops/train it.yaml:5:1: info PL-307: an operation without a name is called `ops-train-it-2`; "
            "add `name: ops-train-it-2`"
        ),
    ]
    assert desired.bad_files == frozenset()


def test_of_two_equal_names_none_counts_when_neither_is_in_force():
    desired = compiled({"a.yaml": job("x"), "b.yaml": job("x"), "c.yaml": job("c")})

    assert set(desired.roots) == {"c"}
    assert [(str(problem.place), problem.code) for problem in desired.problems] == [
        ("a.yaml:3:7", "PL-301"),
        ("b.yaml:3:7", "PL-301"),
    ]
    assert "b.yaml:3:7" in desired.problems[0].message


def test_of_two_equal_names_the_one_in_force_stays():
    files = {"a.yaml": job("x"), "b.yaml": job("x") + "---\n" + job("y")}
    desired = compiled(files, in_force={"x": "a.yaml"})

    assert desired.roots["x"].place.path == "a.yaml"
    assert set(desired.roots) == {"x"}
    assert desired.bad_files == {"b.yaml"}
    assert [(problem.code, problem.place.path) for problem in desired.problems] == [("PL-301", "b.yaml")]


@pytest.mark.parametrize("broken", [job("x") + "nope: 1\n", "version: 1.1\nkind: [\n"], ids=["a field", "the syntax"])
def test_a_broken_file_keeps_the_names_of_its_roots(broken):
    desired = compiled({"a.yaml": broken, "b.yaml": job("x")}, in_force={"x": "a.yaml"})

    assert desired.roots == {}
    assert desired.bad_files == {"a.yaml", "b.yaml"}


def test_one_bad_file_holds_its_own_roots_only():
    desired = compiled({"a.yaml": job("a") + "---\n" + job("b") + "nope: 1\n", "c.yaml": job("c")})

    assert set(desired.roots) == {"c"}
    assert desired.bad_files == {"a.yaml"}
    assert desired.files == ("a.yaml", "c.yaml")
