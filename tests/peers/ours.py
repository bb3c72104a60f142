"""What the project itself says of a document and of a merge, in the words of the comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from planner.compile import CompileConfig, CompileInput, EntryRef, compile_tree, wanted
from planner.errors import Problem, Severity
from reconciler.compiler import check_schedule

__all__ = ["errors"]


def errors(files: Mapping[str, str], main: str) -> tuple[Problem, ...]:
    """What is wrong with a document of a repository of those files; nothing means that it is taken."""
    blobs = {hashlib.sha1(text.encode()).hexdigest(): text.encode() for text in files.values()}
    entries = {
        path: EntryRef("blob", hashlib.sha1(text.encode()).hexdigest(), len(text)) for path, text in files.items()
    }
    given = CompileInput("c" * 40, "t" * 40, entries, CompileConfig("demo"), blobs, named=frozenset({main}))
    assert not wanted(given)
    state = compile_tree(given, None, check_schedule)
    return tuple(problem for problem in state.problems if problem.severity is Severity.ERROR)
