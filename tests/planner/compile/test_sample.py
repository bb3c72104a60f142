"""The sample repository compiles, and says what its README promises."""

from dataclasses import replace
from pathlib import Path

import pytest

from planner.compile import compile_tree, references
from planner.model.desired import Dag
from planner.model.schedule import CronSchedule
from reconciler.outside import offline
from tests.planner.compile.trees import folder

pytestmark = pytest.mark.unit

SAMPLE = Path(__file__).parents[3] / "sample-repo"


def compiled():
    """The sample, with the hub that comes along."""
    it = folder(SAMPLE)
    return compile_tree(replace(it, outside=offline(references(it))))


def test_the_sample_compiles_without_any_problem():
    desired = compiled()

    assert desired.problems == ()
    assert desired.bad_files == frozenset()
    assert desired.project == "digits"
    assert {name: root.kind for name, root in desired.roots.items()} == {
        "announce": "job",
        "compare": "dag",
        "digits": "dag",
        "drift-check": "job",
        "nightly": "job",
        "predict": "service",
        "profile-data": "job",
        "tune": "dag",
    }
    assert not any(root.refused for root in desired.roots.values())


def test_the_graph_of_the_sample():
    body = compiled().roots["digits"].body

    assert isinstance(body, Dag)
    assert [(node.operation.name, node.upstream) for node in body.nodes] == [
        ("prepare", ()),
        ("train", ("prepare",)),
        ("evaluate", ("prepare", "train")),
    ]


def test_the_schedules_of_the_sample():
    roots = compiled().roots

    assert {name for name, root in roots.items() if isinstance(root.schedule, CronSchedule)} == {
        "drift-check",
        "nightly",
    }
