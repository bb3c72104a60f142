"""What the project itself says of a document and of a merge, in the words of the comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from planner.compile import Cache, CompileConfig, CompileInput, EntryRef, compile_tree, wanted
from planner.compile.discover import discover
from planner.compile.merge import merged
from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed
from planner.compile.resolve import Found
from planner.compile.view import Tree, View
from planner.errors import Problem, Severity
from planner.spec.load import load
from planner.spec.operation import Operation
from reconciler.compiling import check_schedule
from tests.generate import Pair, text_of
from tests.peers.compare import plain

__all__ = ["LAID", "errors", "laid_over"]

LAID = "laid"
"""The name of the preset of a pair."""
_OF_OPERATIONS = (
    *["matrix", "schedule", "joins", "events", "dependencies", "trigger", "conditions", "skipOnUpstreamSkip"],
)


def errors(files: Mapping[str, str], main: str) -> tuple[Problem, ...]:
    """What is wrong with a document of a repository of those files; nothing means that it is taken."""
    given = _given(files, main)
    state = compile_tree(given, None, check_schedule)
    return tuple(problem for problem in state.problems if problem.severity is Severity.ERROR)


def _given(files: Mapping[str, str], main: str) -> CompileInput:
    data = {path: text.encode() for path, text in files.items()}
    blobs = {hashlib.sha1(content).hexdigest(): content for content in data.values()}
    entries = {path: EntryRef("blob", hashlib.sha1(item).hexdigest(), len(item)) for path, item in data.items()}
    given = CompileInput("c" * 40, "t" * 40, entries, CompileConfig("demo"), blobs, named=frozenset({main}))
    assert not wanted(given)
    return given


def laid_over(pair: Pair) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The component of a pair with all that is laid over it, and what is wrong with that."""
    operation = pair.operation | ({"presets": [LAID]} if pair.preset else {})
    files = {"a.yaml": text_of(operation)} | ({"p.yaml": text_of({**pair.preset, "name": LAID})} if pair.preset else {})
    loaded = load("a.yaml", files["a.yaml"].encode())
    if not loaded.valid:
        return {}, loaded.problems
    (document,) = loaded.documents
    assert isinstance(document.spec, Operation)
    assert document.spec.component is not None
    given, report, origin = _given(files, "a.yaml"), Report(), Origin(document.places)
    view = View(Tree(given, discover(given, Cache())))
    found = Found(document.spec.component, origin.at("component"))
    whole = merged(Placed(document.spec, origin), found, None, (view, report))
    own = plain(whole.operation.section)
    found_problems = tuple(problem for problem in report.problems if problem.severity is Severity.ERROR)
    return plain(whole.found.component) | {key: own[key] for key in _OF_OPERATIONS if key in own}, found_problems
