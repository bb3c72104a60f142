from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.errors import Refused
from reconciler.source.objects import Raw, encode_tree, object_id, parse_commit, parse_tree

pytestmark = pytest.mark.unit

IDENT = "a" * 40
TREE = "b" * 40


def commit(committer: bytes = b"A <a@b> 5 +0000", message: bytes = b"one\n\ntwo\n", extra: bytes = b"") -> bytes:
    return b"tree " + TREE.encode() + b"\nauthor U <u@b> 4 +0100\ncommitter " + committer + extra + b"\n\n" + message


@pytest.mark.parametrize(
    ("committer", "seconds"),
    [
        (b"A <a@b> 5 +0000", 5),
        (b"A <a@b> 5", 5),
        (b"A > <a@b> 1767225600 -0800", 1767225600),
        (b"A <a@b> -5 +0000", -5),
        (b"A <a@b> 99999999999999 +0000", 0),
        (b"A <a@b> 99999999999999999999999 +0000", 0),
        (b"A <a@b>", 0),
        (b"", 0),
    ],
)
def test_instants_of_commits(committer, seconds):
    assert parse_commit(IDENT, commit(committer)).at == datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("message", "extra", "subject"),
    [
        (b"one\n\ntwo\n", b"", "one"),
        (b"", b"", ""),
        (b"\n\nlate\n", b"", "late"),
        ("grün\n".encode("latin-1"), b"\nencoding ISO-8859-1", "grün"),
        ("grün\n".encode("latin-1"), b"", "gr\ufffdn"),
        ("grün\n".encode(), b"\nencoding nonsense", "grün"),
        *((b"odd\n", b"\nencoding " + name, "odd") for name in (b"idna", b"hex", b"rot13", b"a\0b", b"\xff")),
        (b"signed\n", b"\ngpgsig -----BEGIN\n tree fake\n -----END", "signed"),
        (b"x" * 5000, b"", "x" * 1000),
    ],
)
def test_subjects_of_commits(message, extra, subject):
    found = parse_commit(IDENT, commit(message=message, extra=extra))
    assert (found.subject, found.author, found.tree, found.parents) == (subject, "U <u@b>", TREE, ())


@pytest.mark.parametrize("data", [b"", b"tree", b"nonsense\n\n", b"tree " + b"b" * 40 + b"\n\nmessage"])
def test_malformed_commits_are_refused(data):
    with pytest.raises(Refused, match="is malformed"):
        parse_commit(IDENT, data)


def test_a_tree_comes_back_in_gits_order():
    names = {b"a": 0o040000, b"a.b": 0o100644, b"a0": 0o100755, b"a-": 0o120000, b"\xff": 0o160000}
    raws = [Raw(name, mode, IDENT) for name, mode in names.items()]
    assert [raw.name for raw in parse_tree(encode_tree(raws), 20)] == [b"a-", b"a.b", b"a", b"a0", b"\xff"]
    assert set(parse_tree(encode_tree(raws), 20)) == set(raws)
    assert object_id("tree", b"") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize(
    "data",
    [
        b"100644 a",
        b"100644 a\0short",
        b"100644a\0" + b"x" * 20,
        b"999999 a\0" + b"x" * 20,
        b"020000 device\0" + b"x" * 20,
        b" a\0" + b"x" * 20,
        *(b"100644 " + name + b"\0" + b"x" * 20 for name in (b"", b".", b"..", b"a/b", b"/", b".git", b".GiT")),
    ],
)
def test_malformed_and_hostile_trees_are_refused(data):
    with pytest.raises(Refused):
        parse_tree(data, 20)
