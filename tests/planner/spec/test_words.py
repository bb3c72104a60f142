"""Which word someone meant."""

from __future__ import annotations

import pytest

from planner.spec.anatomy import fields
from planner.spec.fields import LANGUAGE
from planner.spec.run import RUN_KINDS
from planner.spec.synonyms import SYNONYMS
from planner.spec.words import nearest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("section", "written", "meant"),
    [
        ("Operation", "scedule", "schedule"),
        ("Operation", "Schedule", "schedule"),
        ("Operation", "hub_reff", "hubRef"),
        ("Operation", "dependsOn", "dependencies"),
        ("Operation", "depends_on", "dependencies"),
        ("Operation", "needs", "dependencies"),
        ("Operation", "when", "conditions"),
        ("Operation", "parameters", "params"),
        ("Operation", "triggerRule", "trigger"),
        ("Dag", "steps", "operations"),
        ("Dag", "tasks", "operations"),
        ("Dag", "parallelism", "concurrency"),
        ("Container", "workdir", "workingDir"),
        ("Container", "environment", "env"),
        ("Container", "entrypoint", "command"),
        ("Job", "template", "container"),
        ("Job", "initContainers", "init"),
        ("Job", "podSpec", "environment"),
        ("Service", "instances", "replicas"),
        ("Termination", "backoffLimit", "maxRetries"),
        ("Termination", "activeDeadlineSeconds", "timeout"),
        ("Termination", "ttlSecondsAfterFinished", "ttl"),
        ("CronSchedule", "expression", "cron"),
        ("CronSchedule", "tz", "timezone"),
        ("CronSchedule", "catchup", "maxCatchUp"),
        ("CronSchedule", "startingDeadlineSeconds", "startDeadline"),
        ("IntervalSchedule", "every", "frequency"),
        ("RandomSweep", "numTrials", "numRuns"),
        ("BayesSweep", "hyperparameters", "params"),
        ("Metric", "direction", "optimization"),
        ("IO", "default", "value"),
        ("IO", "required", "isOptional"),
        ("Validation", "min", "ge"),
        ("Validation", "maximum", "le"),
        ("Validation", "choices", "options"),
        ("Validation", "pattern", "regex"),
        ("Container", "qwxz", ""),
    ],
)
def test_a_field_that_was_meant(section, written, meant):
    assert nearest(written, fields(LANGUAGE[section])) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("deployment", "service"), ("workflow", "dag"), ("pytorch", "pytorchjob"), ("experiment", "job"), ("zz", "")],
)
def test_a_kind_that_was_meant(written, meant):
    assert nearest(written, RUN_KINDS) == meant


def test_synonyms_stand_for_words_of_the_language():
    words = {name for section in LANGUAGE.values() for name in fields(section)} | {*RUN_KINDS}
    kinds = {section.model_fields["kind"].default for section in LANGUAGE.values() if "kind" in section.model_fields}

    assert not {meant for meanings in SYNONYMS.values() for meant in meanings} - words - kinds
