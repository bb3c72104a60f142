"""What a run sees of the repository (design: "Code")."""

# One row of a table, one line.
# ruff: noqa: E501

import pytest

from planner.compile import EntryRef
from planner.model.gang import CodeTree
from tests.planner.compile.trees import compiled, given, ident

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\ncomponent:\n  run:\n    kind: job\n"
SPEC = OP + "    init: INIT\n    container: {command: [python, COMMAND]}\n"
FILES = {
    "src/a.py": "a",
    "src/deep/b.py": "b",
    "ops/helper.py": "h",
    "run.sh": EntryRef("blob", "7" * 40, 1, executable=True),
}


def spec(init, command="-V"):
    return SPEC.replace("INIT", init).replace("COMMAND", command)


def state(init, command="-V", path="ops/a.yaml", **files):
    return compiled({**FILES, **files, path: spec(init, command)})


def code(init, path="ops/a.yaml", **files):
    desired = state(init, path=path, **files)
    assert desired.problems == ()
    return desired.roots["t"].body.gang.code


def tree(path, files):
    return given(files).entries[path].id


PARTS = {
    "a folder": ("[{git: {paths: [src]}}]", [("src", "src")]),
    "files and folders": ("[{git: {paths: [src/deep, src/a.py]}}]", [("src/deep", "src/deep"), ("src/a.py", "src/a.py")]),
    "several entries, the same part once": (
        "[{git: {paths: [src]}}, {git: {paths: [src, run.sh]}}]",
        [("src", "src"), ("run.sh", "run.sh")],
    ),
    "the content of a folder somewhere else": ("[{git: {paths: [src/deep]}, path: lib}]", [("src/deep", "lib")]),
    "a file somewhere else": ("[{git: {paths: [src/a.py]}, path: lib}]", [("src/a.py", "lib/a.py")]),
    "at the working folder itself": ("[{git: {paths: [src, run.sh]}, path: .}]", [("src", ""), ("run.sh", "run.sh")]),
    "everything": ("[{git: {paths: [.]}}]", [("", "")]),
    "the folder of the spec file, without the spec": ("[git: ]", [("ops/helper.py", "ops/helper.py")]),
    "the same somewhere else": ("[{git: {}, path: .}]", [("ops/helper.py", "helper.py")]),
}  # fmt: skip


@pytest.mark.parametrize(("init", "expected"), PARTS.values(), ids=PARTS)
def test_parts(init, expected):
    assert [(part.source, part.target) for part in code(init)] == expected


GIVEN = OP.replace(
    "component:\n", "params: {where: {value: WHERE}}\ncomponent:\n  inputs: [{name: where, type: str}]\n"
)
GIVEN += "    init: [{git: {paths: ['{{ where }}/deep']}}]\n    container: {command: [ls]}\n"


def test_a_path_may_be_a_template_of_what_is_known():
    desired = compiled({**FILES, "a.yaml": GIVEN.replace("WHERE", "src")})
    assert [part.source for part in desired.roots["t"].body.gang.code] == ["src/deep"]


@pytest.mark.parametrize(
    ("said", "code"),
    [("..", "PL-204"), ("/src", "PL-204"), ("lib", "PL-302"), ("'{{ globals.uuid }}'", "PL-406")],
    ids=["out", "absolute", "nothing-there", "too-late"],
)
def test_a_path_of_a_template_is_held_to_the_same(said, code):
    desired = compiled({**FILES, "a.yaml": GIVEN.replace("WHERE", said)})
    assert [(one.code, one.severity) for one in desired.problems] == [(code, "error")]
    assert not desired.roots


def test_a_path_is_the_same_for_all_runs_of_a_sweep():
    sweep = "matrix: {kind: grid, params: {where: {kind: choice, value: [src, ops]}}}"
    desired = compiled({**FILES, "a.yaml": GIVEN.replace("params: {where: {value: WHERE}}", sweep)})
    assert [one.code for one in desired.problems] == ["PL-406"]


def test_a_part_is_named_by_its_content():
    files = {**FILES, "ops/a.yaml": spec("[{git: {paths: [src, src/a.py, run.sh]}}]")}

    assert code("[{git: {paths: [src, src/a.py, run.sh]}}]") == (
        CodeTree("src", tree("src", files), "src"),
        CodeTree("src/a.py", ident(b"a"), "src/a.py", is_file=True),
        CodeTree("run.sh", "7" * 40, "run.sh", is_file=True, executable=True),
    )


def test_a_spec_at_the_root_sees_everything_but_specs():
    files = {
        "ops/other.yaml": spec("[]").replace("name: t", "name: o"),
        "ops/values.yml": "x: 1\n",
        "ops/sub/c.py": "c",
    }

    assert [(part.source, part.is_file) for part in code("[git: ]", "a.yaml", **files)] == [
        ("ops/helper.py", True),
        ("ops/sub", False),
        ("ops/values.yml", True),
        ("run.sh", True),
        ("src", False),
    ]


def test_a_comment_in_a_spec_changes_no_digest():
    before = state("[git: ]")
    after = compiled({**FILES, "ops/a.yaml": spec("[git: ]") + "# a comment\n"})

    assert before.roots["t"].digest == after.roots["t"].digest
    assert before.tree != after.tree


@pytest.mark.parametrize("path", ["src/a.py", "run.sh"])
def test_content_and_exec_bit_change_the_digest(path):
    init = "[{git: {paths: [src, run.sh]}}]"
    other = {"src/a.py": "other", "run.sh": EntryRef("blob", "7" * 40, 1)}[path]

    assert state(init).roots["t"].digest != state(init, **{path: other}).roots["t"].digest


PROBLEMS = {
    "nothing there": ("[{git: {paths: [srcc]}}]", {}, ["PL-302 error", "did you mean `src`?"]),
    "nothing there, deeper": ("[{git: {paths: [src/aa.py]}}]", {}, ["PL-302 error", "did you mean `src/a.py`?"]),
    "a symlink": ("[{git: {paths: [l]}}]", {"l": EntryRef("symlink", "1" * 40)}, ["PL-308 error", "name the place itself"]),
    "through a symlink": ("[{git: {paths: [l/x]}}]", {"l": EntryRef("symlink", "1" * 40)}, ["PL-308 error", "name the place itself"]),
    "a submodule": ("[{git: {paths: [m]}}]", {"m": EntryRef("submodule", "1" * 40)}, ["PL-308 error", "name the place itself"]),
    "a submodule below": ("[{git: {paths: [src]}}]", {"src/m": EntryRef("submodule", "1" * 40)}, ["PL-308 warning", "commit what the run needs"]),
    "a symlink beside the spec": ("[git: ]", {"ops/l": EntryRef("symlink", "1" * 40)}, ["PL-308 warning", "name what it stands for in `paths`"]),
    "two files at one place": ("[{git: {paths: [src/a.py]}, path: .}, {git: {paths: [x/a.py]}, path: .}]", {"x/a.py": "x"}, ["PL-211 error", "give one of them another `path`"]),
}  # fmt: skip


@pytest.mark.parametrize(("init", "files", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems(init, files, expected):
    (problem,) = state(init, **files).problems

    assert [f"{problem.code} {problem.severity}", problem.hint] == expected
    assert problem.pointer.startswith("/component/run/init/")


def test_very_many_parts_are_a_problem():
    files = {f"ops/f{index}.py": str(index) for index in range(1001)}

    assert [problem.code for problem in state("[git: ]", **files).problems] == ["PL-204"]


UNSEEN = {
    "no code at all": ("[]", "src/a.py", True),
    "with ./": ("[]", "./src/a.py", True),
    "beside the spec": ("[]", "helper.py", True),
    "other code": ("[{git: {paths: [src/deep]}}]", "src/a.py", True),
    "the file": ("[{git: {paths: [src/a.py]}}]", "src/a.py", False),
    "its folder": ("[{git: {paths: [src]}}]", "src/a.py", False),
    "everything": ("[{git: {paths: [.]}}]", "src/a.py", False),
    "no file of the repository": ("[]", "other.py", False),
}


def test_many_groups_of_equal_code_have_its_parts_once():
    groups = ", ".join(f"g{index}: {{init: [{{git: {{}}}}], container: {{command: [c]}}}}" for index in range(300))
    run = f"kind: raycluster\n    head: {{container: {{command: [c]}}}}\n    workers: {{{groups}}}\n"
    files = {f"ops/{index}.txt": "x" for index in range(300)}
    desired = compiled({"ops/a.yaml": OP.replace("kind: job\n", run), **files})

    assert len(desired.roots["t"].body.gang.code) == 300


@pytest.mark.parametrize(("init", "command", "warned"), UNSEEN.values(), ids=UNSEEN)
def test_a_command_that_names_what_it_will_not_see(init, command, warned):
    desired = state(init, command)

    assert [(problem.code, problem.severity) for problem in desired.problems] == [("PL-703", "warning")] * warned
    assert "t" in desired.roots


def test_a_module_that_it_will_not_see():
    (problem,) = state("[]", "-m, src.a").problems

    assert problem.code == "PL-703"
    assert "src/a.py" in problem.hint
