"""The cluster of a test run: one, shared by all tests and by all workers of it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import OwnCluster
from tests.cluster.control import ControlError
from tests.cluster.given import VARIABLE, GivenCluster
from tests.cluster.start import UnfitError

LONGEST = (
    "test_faults",
    "test_chart_rights",
    "test_daemon",
    "test_release",
    "test_election",
    "test_build",
    "test_backend",
    "test_render",
)
"""Files that take the longest: they begin first, so that none of them is left over for one process at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them first; the order is kept where files are given out to processes with `--no-loadscope-reorder`."""
    here = Path(__file__).parent
    place = {here / f"{name}.py": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnCluster | GivenCluster]:
    """The user's own cluster where the environment names one, otherwise one of this machine with a node."""
    found = GivenCluster.of_environment(tmp_path_factory.mktemp("given")) or _shared(tmp_path_factory)
    yield found
    found.close()


@pytest.fixture
def own_cluster(cluster: OwnCluster | GivenCluster) -> OwnCluster:
    """For tests that need the node's insides: not run on a cluster of the user's."""
    if isinstance(cluster, GivenCluster):
        pytest.skip(f"NOT RUN: it needs the insides of a cluster of its own, and {VARIABLE} names another")
    return cluster


@pytest.fixture
def namespace(cluster: OwnCluster | GivenCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, with its default account; deleted at the end, without waiting."""
    words = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    body = {"metadata": {"generateName": f"{words}-"}}
    name = cluster.api.create("/api/v1/namespaces", body)["metadata"]["name"]
    cluster.api.wait(f"/api/v1/namespaces/{name}/serviceaccounts/default", lambda account: account is not None)
    yield name
    cluster.api.delete(f"/api/v1/namespaces/{name}")


def _shared(factory: pytest.TempPathFactory) -> OwnCluster:
    """Start it, or join the one that another worker started; who closes last ends it, so no worker is special."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _started()
    number = factory.getbasetemp().parent / "cluster"
    with number.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if joined := _joined(number):
            return joined
        cluster = _started()
        number.write_text(str(cluster.instance.number))
        return cluster


def _joined(number: Path) -> OwnCluster | None:
    try:
        return OwnCluster.join(int(number.read_text()))
    except (FileNotFoundError, ControlError):  # nobody started it, or all who held it have ended
        return None


def _started() -> OwnCluster:
    try:
        return OwnCluster.start()
    except UnfitError as error:
        pytest.fail(f"{error}. Leave these tests out with -m 'not cluster'.", pytrace=False)
