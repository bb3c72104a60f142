"""What runs are rendered to: the golden folders, and that Kubernetes' own schemas take them."""

import copy

import pytest
import yaml

from tests.reconciler.backends.kubernetes import cases
from tests.reconciler.backends.kubernetes.orders import GOLDEN
from tests.reconciler.backends.kubernetes.schema import faults

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", cases.CASES)
def test_golden(name):
    """`python tests/golden/regenerate.py` writes them anew; the difference is read in the review."""
    assert cases.golden(name) == (GOLDEN / "render" / name / "manifests.yaml").read_text()


def test_every_folder_is_a_case():
    assert {path.name for path in (GOLDEN / "render").iterdir()} == set(cases.CASES)


@pytest.mark.parametrize("name", cases.CASES)
def test_the_schemas_of_kubernetes_take_it(name):
    for manifest in cases.manifests(name).listed:
        assert faults(manifest) == [], manifest["kind"]


def test_the_schemas_are_strict():
    manifest = copy.deepcopy(cases.manifests("job").workload)
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = "Always"
    assert faults(manifest)


@pytest.mark.parametrize("name", cases.CASES)
def test_the_same_order_gives_the_same_objects(name):
    assert yaml.safe_dump_all(cases.manifests(name).listed) == yaml.safe_dump_all(cases.manifests(name).listed)
