"""The JSON Schema takes what the loader takes, and refuses what is wrong in the shape of a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planner.errors import Problem
from planner.spec.fields import LANGUAGE
from planner.spec.load import Loaded, load
from planner.spec.places import snake
from reconciler.cli.schema import schema as document_schema
from tests.generate import mixed
from tests.generate.each import each_field

pytestmark = pytest.mark.unit

SCHEMA = json.loads(json.dumps(document_schema()))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TESTS = Path(__file__).parents[2]
SHAPE = {"PL-201", "PL-202", "PL-203", "PL-206", "PL-207", "PL-208"}
UNSAID = {
    "yaml-meaning/exponent-is-no-whole-number.yaml": "1e3 and 1000 are one number for JSON Schema",
    "yaml-meaning/point-zero-is-no-whole-number.yaml": "2.0 and 2 are one number for JSON Schema",
}
"""Files whose shape is wrong in a way that no schema can say."""


def specs() -> Iterator[tuple[str, Loaded]]:
    """The spec files of the corpus that are YAML, those of small repositories included."""
    for path in sorted((TESTS / "corpus").rglob("*")):
        if path.suffix in {".yaml", ".yml", ".json"} and path.name != "expect.yaml" and not path.is_symlink():
            loaded = load(path.name, path.read_bytes())
            if not any(problem.code.startswith("PL-1") for problem in loaded.problems):
                yield path.relative_to(TESTS / "corpus").as_posix(), loaded


SPECS = dict(specs())


def refusal(value: Any) -> str:
    """Why the schema refuses a document; "" where it takes it."""
    found = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(value))
    return f"{list(found.absolute_path)}: {found.message}"[:300] if found else ""


def of_shape(problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in problems if problem.code in SHAPE]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_reference_leads_somewhere():
    for reference in sorted(set(_references(SCHEMA))):
        at: Any = SCHEMA
        for part in reference.removeprefix("#/").split("/"):
            at = at[int(part)] if isinstance(at, list) else at[part]


def _references(made: Any) -> Iterator[str]:
    if isinstance(made, dict):
        yield from (inner for key, inner in made.items() if key == "$ref")
        made = list(made.values())
    for inner in made if isinstance(made, list) else ():
        yield from _references(inner)


@pytest.mark.parametrize("section", LANGUAGE)
def test_editors_show_every_field_with_its_meaning(section):
    made = SCHEMA["$defs"][section]
    made = made if "properties" in made else made["anyOf"][0]
    expected = {field.alias or name for name, field in LANGUAGE[section].model_fields.items()}

    assert made["properties"].keys() == expected
    assert not [name for name, field in made["properties"].items() if "description" not in field]
    assert not [name for name in expected if "_" in name]
    assert made["additionalProperties"] is False


def test_it_takes_what_the_loader_takes():
    refused = {
        name: told
        for name, loaded in SPECS.items()
        if loaded.valid
        for document in loaded.documents
        if (told := refusal(document.value))
    }
    assert refused == {}


def test_it_takes_fields_in_snake_case():
    refused = {}
    for name, loaded in SPECS.items():
        for document in loaded.documents if loaded.valid else ():
            value = snaked(document.value)
            if load("a.json", json.dumps(value).encode()).valid and (told := refusal(value)):
                refused[name] = told
    assert refused == {}


def snaked(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(name): snaked(inner) for name, inner in value.items()}
    return [snaked(item) for item in value] if isinstance(value, list) else value


def test_it_refuses_what_is_wrong_in_shape():
    taken = {
        name: found
        for name, loaded in SPECS.items()
        if (found := of_shape(loaded.problems)) and not any(refusal(one.value) for one in loaded.documents)
    }
    assert taken.keys() == UNSAID.keys(), {name: found for name, found in taken.items() if name not in UNSAID}


def test_it_takes_generated_documents():
    refused = [told for _, text in mixed(200, "schema") for told in map(refusal, documents(text)) if told]
    assert refused == []


def documents(text: str) -> list[Any]:
    loaded = load("a.yaml", text.encode())
    assert loaded.valid, loaded.problems
    return [document.value for document in loaded.documents]


def test_it_judges_odd_values_as_the_loader_does():
    wrong = []
    for number, case in enumerate(each_field("schema", 20)):
        if number % 5 == 0:
            loaded = load("a.json", json.dumps(case.value).encode())
            told = refusal(case.value)
            if bool(told) and loaded.valid:
                wrong.append(f"{case.fault}: refused, {told}")
            if not told and (found := of_shape(loaded.problems)):
                wrong.append(f"{case.fault}: taken, {found}")
    assert wrong == []
