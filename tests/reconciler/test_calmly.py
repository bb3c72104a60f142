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


def test_work_inside_of_such_work_does_not_end_it():
    assert calmly(lambda: (calmly(int), gc.isenabled())) == (0, False)
    assert gc.isenabled()
