"""What an attempt finds in place, in real pods that ask a daemon for it: the laws are those of every backend."""

import pytest

from tests.cluster.bringing import BringingClusterWorld
from tests.contracts.bringing import BringingContract

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


class TestKubernetesBrings(BringingContract):
    @pytest.fixture
    async def world(self, cluster, namespace, tmp_path):
        world = BringingClusterWorld(cluster, namespace, tmp_path)
        world.answer()
        yield world
        await world.close()
