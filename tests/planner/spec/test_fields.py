"""The table of fields: every field of the language is in exactly one class, and the table has nothing else."""

from __future__ import annotations

import pytest

from planner.spec import later
from planner.spec.anatomy import fields, sections
from planner.spec.component import Component
from planner.spec.fields import FIELDS, FieldClass, class_of
from planner.spec.operation import Operation
from planner.spec.places import camel, snake
from planner.spec.repository import Budgets, Policy, PolicyRule
from planner.spec.schedule import CronSchedule

pytestmark = pytest.mark.unit


def language():
    """All sections that a document can hold, by name."""
    found, open_ = {}, [Operation, Component]
    while open_:
        section = open_.pop()
        if section.__name__ in found:
            assert found[section.__name__] is section
            continue
        found[section.__name__] = section
        for field in section.model_fields.values():
            open_ += sections(field.annotation)
    return found


LANGUAGE = language()


def test_the_walk_finds_the_language():
    assert {"Operation", "Component", "Dag", "Service", "Container", "CronSchedule", "IO", "EnvVar"} <= LANGUAGE.keys()


@pytest.mark.parametrize("section", LANGUAGE.values(), ids=LANGUAGE)
def test_every_field_has_one_class(section):
    assert set(FIELDS[section.__name__]) == set(section.model_fields)


def test_no_class_without_a_section():
    assert FIELDS.keys() == LANGUAGE.keys()


@pytest.mark.parametrize("section", LANGUAGE.values(), ids=LANGUAGE)
def test_yaml_names_can_be_spelled_both_ways(section):
    """But for a field whose name is a word of Python, `from_`, and for the odd names of others."""
    odd = {"hostPID", "hostIPC", "Metrics"}
    both = [(yaml, name) for yaml, name in fields(section).items() if yaml not in odd]
    assert all(camel(name) == yaml and snake(yaml) == name.rstrip("_") for yaml, name in both)


def test_fields_of_later_are_of_known_sections_and_not_there_yet():
    known = {**LANGUAGE, "Policy": Policy, "PolicyRule": PolicyRule, "Budgets": Budgets}

    assert later.LATER.keys() <= known.keys()
    assert not [(name, there) for name, names in later.LATER.items() if (there := names & fields(known[name]).keys())]


@pytest.mark.parametrize(
    ("section", "attribute", "expected"),
    [
        ("Container", "image", FieldClass.IDENTITY),
        ("Container", "resources", FieldClass.IDENTITY),
        ("Param", "value", FieldClass.IDENTITY),
        ("GitInit", "paths", FieldClass.IDENTITY),
        ("Service", "replicas", FieldClass.IDENTITY),
        ("Dag", "concurrency", FieldClass.LIVE),
        ("Termination", "max_retries", FieldClass.LIVE),
        ("Termination", "timeout", FieldClass.LIVE),
        ("Operation", "queue", FieldClass.LIVE),
        ("Operation", "description", FieldClass.INERT),
        ("Operation", "tags", FieldClass.INERT),
    ],
)
def test_the_examples_of_the_design(section, attribute, expected):
    assert class_of(LANGUAGE[section], attribute) is expected


def test_all_fields_of_a_schedule_are_live():
    assert {class_of(CronSchedule, name) for name in CronSchedule.model_fields} == {FieldClass.LIVE}
