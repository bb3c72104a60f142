"""Models are fitted in one thread, whatever the machine has."""

from __future__ import annotations

import pytest
import threadpoolctl

from planner.search.threads import in_one

pytestmark = pytest.mark.unit


def pools() -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]


def test_linear_algebra_has_one_thread_inside_and_what_it_had_after():
    with in_one():
        pass
    before = pools()
    with in_one():
        assert set(pools()) == {1}
    assert pools() == before
