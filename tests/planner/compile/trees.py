"""Trees for tests: from texts by path, or from a folder on disk, with ids as git gives them to content."""

import hashlib
from pathlib import Path

from planner.compile import CompileConfig, CompileInput, EntryRef, compile_tree, wanted

COMMIT = "c" * 40


def ident(data):
    return hashlib.sha1(data).hexdigest()


def given(files, config=None, **rest):
    """A compile input of files: text or bytes by path; an `EntryRef` is taken as it is. Every blob is at hand."""
    entries, blobs = {}, {}
    for path, content in files.items():
        if isinstance(content, EntryRef):
            entries[path] = content
            continue
        data = content if isinstance(content, bytes) else content.encode()
        entries[path] = EntryRef("blob", ident(data), len(data))
        blobs[ident(data)] = data
    folders(entries)
    rest = {"commit": COMMIT, "tree_id": tree_id(entries, ""), "blobs": blobs} | rest
    return CompileInput(entries=entries, config=config or CompileConfig("demo"), **rest)


def folders(entries):
    """Add every folder; its id covers all below it."""
    names = {"/".join(path.split("/")[:depth]) for path in entries for depth in range(1, path.count("/") + 1)}
    for name in sorted(names, reverse=True):
        entries[name] = EntryRef("tree", tree_id(entries, name))


def tree_id(entries, folder):
    prefix = f"{folder}/" if folder else ""
    below = sorted(
        (path, entry.kind, entry.id, entry.executable)
        for path, entry in entries.items()
        if path.startswith(prefix) and path != folder and entry.kind != "tree"
    )
    return ident(repr([(path[len(prefix) :], *rest) for path, *rest in below]).encode())


def folder(root, **rest):
    """A compile input of a folder on disk."""
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return given(files, **rest)


def compiled(files, config=None, check=None, **rest):
    """The desired state of files."""
    it = given(files, config, **rest)
    assert wanted(it) == frozenset()
    return compile_tree(it, None, check)
