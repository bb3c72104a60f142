"""A copy that is new, where one with pins was before: what was pushed over is brought by its id."""

from __future__ import annotations

import pytest

from reconciler.errors import Transient

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.mark.parametrize("form", ["path", "file"])
async def test_a_commit_that_was_pushed_over_is_brought_by_its_id(remote, follow, form):
    first = remote.commit({"a": b"1"})
    lost = remote.commit({"a": b"2", "code/x": b"x"})
    remote.point(first)
    source = follow(remote.path if form == "path" else f"file://{remote.path}")
    assert (await source.fetch()).id == first
    await source.pin(lost, lost)
    tree = await source.tree(lost)
    assert await source.blobs([tree.entries["code/x"].id]) == {tree.entries["code/x"].id: b"x"}
    assert await source.pins() == {lost: lost}


async def test_one_that_the_remote_has_lost_is_said(remote, follow):
    first = remote.commit({"a": b"1"})
    lost = remote.commit({"a": b"2"})
    remote.point(first)
    remote.collect()
    source = follow()
    await source.fetch()
    with pytest.raises(Transient, match=f"commit {lost} is not in the copy of .*, and is not to be had: "):
        await source.pin(lost, lost)
    assert await source.pins() == {}
    assert (await source.fetch()).id == first, "the copy is as good as before"
