"""Code of runs from the source: what the local backend exports into its cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio.to_thread

from planner.model.gang import CodeTree
from reconciler.source.model import Entry, Kind
from reconciler.source.port import Source

__all__ = ["SourceTrees"]


class SourceTrees:
    """Exports code trees of a source; laws of `reconciler.backends.code.Trees`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def export(self, tree: CodeTree, dest: Path) -> None:
        """Write the content of `tree` to `dest`: a folder for a tree, a file for a blob."""
        kind: Kind = "blob" if tree.is_file else "tree"
        entry = Entry(tree.source, kind, tree.object_id, executable=tree.executable)
        if not tree.is_file:
            await self._source.export({"": entry}, dest)
            await anyio.to_thread.run_sync(_leave_out, dest, tree.exclude)
            return
        folder = dest.with_name(f"{dest.name}.folder")
        await anyio.to_thread.run_sync(_remove, folder)
        await self._source.export({"file": entry}, folder)
        await anyio.to_thread.run_sync(_take, folder, dest)


def _leave_out(dest: Path, paths: tuple[str, ...]) -> None:
    for path in paths:
        (dest / path).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _take(folder: Path, dest: Path) -> None:
    (folder / "file").rename(dest)
    folder.rmdir()
