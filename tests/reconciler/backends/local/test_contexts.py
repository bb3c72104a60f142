"""The context file of every kind and cause is what the golden folder says, and keeps the versioned schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from planner.spec import run as spec
from tests.reconciler.backends.local.contexts import KINDS, contexts

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[3] / "golden"
SCHEMA = json.loads((GOLDEN / "run-contract" / "context-1.schema.json").read_text())
FILES = contexts()


@pytest.mark.parametrize("name", FILES)
def test_a_context_file_is_as_it_was(name: str) -> None:
    assert (GOLDEN / "contexts" / name).read_text() == FILES[name], (
        "python tests/golden/regenerate.py, and read the diff"
    )


@pytest.mark.parametrize("name", FILES)
def test_every_process_gets_a_file_of_the_schema_with_its_role_and_index(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    counts: dict[str, int] = {}
    found = json.loads(FILES[name])
    for member, said in found.items():
        assert [error.message for error in validator.iter_errors(said)] == []
        replica = said["replica"]
        assert member == f"{replica['role']}-{replica['index']}"
        counts[replica["role"]] = replica["count"]
    assert sum(counts.values()) == len(found)


def test_no_kind_that_runs_is_left_out() -> None:
    leaves = {option.model_fields["kind"].default for option in spec.LeafRun.__args__}
    assert {kind for kind in leaves if kind} <= KINDS.keys()


def test_nothing_else_is_in_the_folder() -> None:
    assert {path.name for path in (GOLDEN / "contexts").iterdir()} == FILES.keys()
