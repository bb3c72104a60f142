"""Names, labels and annotations of objects."""

from dataclasses import replace

import pytest

from planner import keys
from planner.model.run import Stamp
from reconciler.backends.kubernetes import names
from tests.reconciler.backends.kubernetes.orders import AT, STAMP, Ask, job, order

pytestmark = pytest.mark.unit

IMAGE = "container: {image: busybox, command: ['true']}"


@pytest.mark.parametrize(
    "name",
    ["train", "3d-model", "UPPER_case", "x" * 63, "_", "9" * 63],
    ids=["plain", "digit", "upper", "long", "underscore", "digits"],
)
def test_names_of_objects(name):
    key = keys.generation(name, 12).at_attempt(120)
    for found in (names.object_name(key, STAMP), names.service_name(key, STAMP)):
        assert names.is_label_value(found)
        assert found == found.lower()
    assert names.service_name(key, STAMP)[0].isalpha()
    assert len(names.token_name(key, STAMP)) <= 253


def test_a_service_keeps_its_name_over_generations_rounds_and_attempts():
    first = keys.generation("serve", 1).at_attempt(1)
    for other in (keys.generation("serve", 7).at_attempt(3), keys.generation("serve", 7).at_round(2).at_attempt(1)):
        assert names.service_name(other, STAMP) == names.service_name(first, STAMP)
        assert names.object_name(other, STAMP) != names.object_name(first, STAMP)


@pytest.mark.parametrize(
    "other",
    [
        keys.generation("other", 1),
        keys.tick("serve", AT),
        keys.request("serve", "4k2f"),
        keys.generation("serve", 1).child("inner"),
    ],
    ids=["root", "tick", "request", "node"],
)
def test_services_that_may_be_up_together_have_names_of_their_own(other):
    assert names.service_name(other, STAMP) != names.service_name(keys.generation("serve", 1), STAMP)


def test_a_service_of_another_project_has_another_name():
    key, theirs = keys.generation("serve", 1), Stamp("5f0c", 7, "default", "other")
    assert names.service_name(key, theirs) != names.service_name(key, STAMP)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vision", "vision"),
        ("", ""),
        ("a" * 63, "a" * 63),
        ("a" * 64, "a" * 48 + "-ffe054fe7ae0"),
        ("team a/b", "team-a-b-0ead84d3178b"),
        ("ü", "607474ca475a"),
        ("-x-", "x-c6cf95e52d17"),
    ],
    ids=["itself", "empty", "longest", "too-long", "signs", "letters", "dashes"],
)
def test_label_values(text, found):
    assert names.label_value(text) == found
    assert names.is_label_value(found)


def test_whose_an_object_is_comes_back_from_its_annotations():
    made = order(job(IMAGE), Ask(key=keys.tick("train", AT).child("eval").at_round(2)))
    metadata = {"annotations": names.annotations_of(made)}
    assert names.key_of(metadata) == made.key
    assert names.stamp_of(metadata) == STAMP


@pytest.mark.parametrize(
    "annotations",
    [None, {}, {names.KEY: "no key"}, {names.KEY: 7}, {names.LEDGER: "5f0c", names.SEQUENCE: "x"}],
    ids=["none", "empty", "text", "number", "sequence"],
)
def test_an_object_that_is_not_ours_is_nobodys(annotations):
    assert names.key_of({"annotations": annotations}) is None
    assert names.stamp_of({"annotations": annotations}) is None


def test_labels_of_the_spec_come_along_and_ours_hold():
    spec = job("environment: {labels: {team: vision, app.kubernetes.io/name: mine}}\n" + IMAGE)
    labels = names.labels_of(order(spec))
    assert labels["team"] == "vision"
    assert labels["app.kubernetes.io/name"] == "train"


def test_the_selector_is_of_the_labels():
    made = order(job(IMAGE))
    labels = names.labels_of(made)
    for term in names.selector(STAMP.instance, STAMP.project).split(","):
        name, _, value = term.partition("=")
        assert labels[name] == value


def test_labels_do_not_know_the_sequence():
    made = order(job(IMAGE))
    later = replace(made, stamp=replace(STAMP, sequence=99))
    assert names.labels_of(later) == names.labels_of(made)
