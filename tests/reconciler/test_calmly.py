"""Work that the collector of cycles lets alone."""

import gc

import pytest

from reconciler.compiling import calmly

pytestmark = pytest.mark.unit


def test_it_is_let_alone_and_collects_again_afterwards():
    assert calmly(gc.isenabled) is False
    assert gc.isenabled()


def test_it_collects_again_after_a_failure():
    with pytest.raises(ZeroDivisionError):
        calmly(lambda: 1 // 0)
    assert gc.isenabled()


def test_very_many_values_count_as_old_at_once():
    found = calmly(lambda: [[one] for one in range(200_000)])
    old = set(map(id, gc.get_objects(generation=2)))
    assert all(id(one) in old for one in found)
    assert gc.get_freeze_count() == 0


def test_what_was_frozen_before_stays_so():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        calmly(lambda: [[one] for one in range(200_000)])
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()


def test_work_inside_of_such_work_does_not_end_it():
    assert calmly(lambda: (calmly(int), gc.isenabled())) == (0, False)
    assert gc.isenabled()
