"""Shares of a tree: what they fill the cache with is what compile would come to."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from planner.compile import Cache, Outside, compile_tree, reading, references, wanted
from planner.compile.share import compile_share, put_files, put_results, read_share, unread
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "golden" / "digests"
COMPONENT = (
    "version: 1.1\nkind: component\nname: c\ninputs: [{name: x, value: 1}]\nrun: {kind: job, container: {image: i}}\n"
)
FILES = {
    **{f"golden/{path.name}": path.read_text() for path in sorted(GOLDEN.glob("*.yaml"))},
    "src/a.py": "a",
    "lib/c.yaml": COMPONENT,
    "lib/not-a-spec.yaml": "a: 1\n",
    "plain.yaml": "version: 1.1\nkind: operation\nname: plain\ncomponent: {run: {kind: job, container: {image: i}}}\n",
    "ref.yaml": "version: 1.1\nkind: operation\nname: ref\npathRef: lib/c.yaml\nparams: {x: 2}\n",
    "hub.yaml": "version: 1.1\nkind: operation\nname: hub\nhubRef: train:2\n",
    "preset.yaml": "kind: operation\nname: small\nisPreset: true\nrunPatch: {container: {image: j}}\n",
    "with-preset.yaml": (
        "version: 1.1\nkind: operation\nname: with-preset\npresets: [small]\n"
        "component: {run: {kind: job, container: {image: i}}}\n"
    ),
    "bad.yaml": "version: 1.1\nkind: operation\nname: bad\ncomponent: {run: {kind: jb}}\n",
    "ops/code.yaml": (
        "version: 1.1\nkind: operation\nname: code\n"
        "component: {run: {kind: job, init: [{git: {}}], container: {image: i}}}\n"
    ),
}
OUTSIDE = {"hub:train:2": Outside("hub:train:2/c.yaml", "1" * 64, COMPONENT.encode())}

LEFT = {"ref.yaml", "hub.yaml", "with-preset.yaml", "ops/code.yaml", "golden/job.yaml"}
"""Files that need others: a component, a preset, or which files around their code are specs."""


def alone(it):
    cache = Cache()
    assert not wanted(it, cache)
    return compile_tree(replace(it, outside=OUTSIDE), cache)


def shared(it, count=3):
    """As `reconciler.shares` does it: all that goes between the shares is pickled."""
    cache, others = Cache(), [Cache() for _ in range(count)]
    paths = unread(it, cache)
    parts = [read_share(it, other, paths[index::count]) for index, other in enumerate(others)]
    for part in pickle.loads(pickle.dumps(parts)):
        put_files(cache, part.files)
        put_results(cache, part.results)
    assert unread(it, cache) == ()
    assert not wanted(it, cache)
    assert references(it, cache) == OUTSIDE.keys()
    now = replace(it, outside=OUTSIDE)
    for part, other in zip(parts, others, strict=True):
        put_files(other, pickle.loads(pickle.dumps(cache.files.items())))
        put_results(cache, pickle.loads(pickle.dumps(compile_share(now, other, part.left))))
    return now, cache, parts


def test_a_tree_in_shares_compiles_to_what_it_compiles_to_as_one():
    it = given(FILES)
    now, cache, _ = shared(it)

    assert compile_tree(now, cache) == alone(it)
    assert {"plain", "ref", "hub", "with-preset", "code"} <= compile_tree(now, cache).roots.keys()


def test_nothing_but_what_is_outside_is_left_to_read(monkeypatch):
    now, cache, _ = shared(given(FILES))
    read = []
    load = reading.load
    monkeypatch.setattr(reading, "load", lambda path, data: (read.append(path), load(path, data))[1])

    compile_tree(now, cache)
    assert read == ["hub:train:2/c.yaml"]


def test_what_needs_others_is_left_for_later():
    _, _, parts = shared(given(FILES))

    assert {path for part in parts for path in part.left} == LEFT


def test_files_without_others_keep_no_documents():
    it, cache = given(FILES), Cache()
    part = read_share(it, cache, unread(it, cache))
    kept = {file.path for _, file in cache.files.items() if file and file._loaded is not None}

    assert kept == LEFT
    assert all(file is False or file._loaded is None for _, file in part.files)


def test_settings_with_an_error_leave_all_for_later():
    it, cache = given({**FILES, ".plumbline.yaml": "paths: {include: ['**'], exclude: []}\n"}), Cache()
    assert read_share(it, cache, unread(it, cache)).results

    broken, cache = given({**FILES, ".plumbline.yaml": "nothing: 1\n"}), Cache()
    assert unread(broken, cache) == ()
    assert read_share(broken, cache, ()).files == []


def test_only_what_is_at_hand_is_unread():
    it = given(FILES)
    known = {entry.id for path, entry in it.entries.items() if path != "plain.yaml"}
    some = replace(it, blobs={ident: data for ident, data in it.blobs.items() if ident in known})

    assert set(unread(it, Cache())) - set(unread(some, Cache())) == {"plain.yaml"}
