"""From spec files to the desired state: resolve, patch, fill in, lower.

Pure. What a spec needs from outside its file is declared and handed in; nothing here fetches it. The way in is
`compile_tree`, after `wanted` named nothing more to read; `planner.compile.bind` binds a compiled leaf to a run.
"""

from planner.compile.cache import Cache
from planner.compile.given import (
    SETTINGS,
    CompileConfig,
    CompileInput,
    Entry,
    EntryKind,
    EntryRef,
    FileRow,
    FileState,
    Outside,
    Override,
)
from planner.compile.timing import CheckSchedule
from planner.compile.tree import compile_tree, ls_files, references, wanted

__all__ = [
    "SETTINGS",
    "Cache",
    "CheckSchedule",
    "CompileConfig",
    "CompileInput",
    "Entry",
    "EntryKind",
    "EntryRef",
    "FileRow",
    "FileState",
    "Outside",
    "Override",
    "compile_tree",
    "ls_files",
    "references",
    "wanted",
]
