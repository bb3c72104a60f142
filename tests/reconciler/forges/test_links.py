"""Pages of files, from the address of a pull request."""

from __future__ import annotations

import pytest

from reconciler.forges.http.links import files_at

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "mark", "path", "found"),
    [
        ("https://github.com/o/r/pull/7", "/pull/", "/blob/c", "https://github.com/o/r/blob/c"),
        ("https://github.com/pull/pull/pull/7", "/pull/", "/blob/c", "https://github.com/pull/pull/blob/c"),
        ("https://g.org/a/b/-/merge_requests/7", "/-/merge_requests/", "/-/blob/c", "https://g.org/a/b/-/blob/c"),
        ("http://127.0.0.1:3000/o/r/pulls/7", "/pulls/", "/src/commit/c", "http://127.0.0.1:3000/o/r/src/commit/c"),
        ("", "/pull/", "/blob/c", ""),
        ("javascript:alert(1)/pull/7", "/pull/", "/blob/c", ""),
    ],
)
def test_they_are_below_the_repository(url, mark, path, found):
    assert files_at(url, mark, path) == found
