"""Whole repositories: what they compile to, with every problem.

`python -m tests.planner.compile.test_golden` writes `expected.json` anew; read the change before committing it.
"""

import json
from pathlib import Path

import pytest

from planner import canon
from planner.changes import flat_fields
from planner.compile import CompileConfig, compile_tree, ls_files
from planner.model.desired import Dag
from tests.planner.compile.trees import folder

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


def summary(case):
    it = folder(GOLDEN / case / "repo", config=CompileConfig("golden"))
    desired = compile_tree(it)
    return {
        "project": desired.project,
        "roots": {name: root_summary(root) for name, root in desired.roots.items()},
        "problems": [f"{problem} [{problem.pointer}] {problem.address}".rstrip() for problem in desired.problems],
        "bad_files": sorted(desired.bad_files),
        "moved": dict(desired.moved),
        "files": {row.path: f"{row.state}: {row.why}" for row in ls_files(it)},
    }


def root_summary(root):
    found = {
        "kind": root.kind,
        "place": str(root.place),
        "description": root.description,
        "tags": list(root.tags),
        "refused": root.refused,
        "digest": root.digest,
        "fields": flat_fields(root),
    }
    if isinstance(root.body, Dag):
        found["order"] = [node.operation.name for node in root.body.nodes]
    return {name: value for name, value in found.items() if value}


def text(case):
    return json.dumps(canon.plain(summary(case)), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_a_repository_compiles_to_what_is_written_down(case):
    assert text(case) == (GOLDEN / case / "expected.json").read_text()


if __name__ == "__main__":
    for name in CASES:
        (GOLDEN / name / "expected.json").write_text(text(name))
