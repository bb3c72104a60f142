"""What holds for every document: it is compiled and bound without an exception, in two seconds of processor time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from planner import keys
from planner.compile import Cache, CompileConfig, Outside, boundary, compile_tree, references, wanted
from planner.compile.bind import BindError, BindRequest, bind, finish_run
from planner.compile.digests import is_sealed
from planner.compile.trialled import differs, with_values
from planner.model.desired import CompiledOperation, Dag, DesiredState, Sweep
from planner.search import suggest
from planner.spec.repository import load_repository
from reconciler import codec
from reconciler.compiling import check_schedule
from tests.fuzz.documents import document_of
from tests.planner.compile.trees import COMMIT, given

__all__ = ["LIMIT", "Look", "look", "starts"]

LIMIT = 2.0
"""Seconds of processor time, which other processes do not take away. An ordinary document needs a hundredth of them."""

_COMPONENT = b"version: 1.1\nkind: component\ninputs: [{name: x, value: 1}]\nrun: {kind: job, container: {image: i}}\n"
_OTHERS = {"src/a.py": "a", "src/b/c.txt": "c", "run.sh": "x", "component.yaml": _COMPONENT.decode()}


@dataclass(frozen=True)
class Look:
    """What came of a document.

    Attributes:
        seed: makes it again.
        seconds: of processor time.
        roots: how many operations it gave.
        bound: how many of their leaves could be bound.
        failure: what must not be, with its traceback; "" for nothing.
    """

    seed: str
    seconds: float
    roots: int = 0
    bound: int = 0
    failure: str = ""


def look(seed: str) -> Look:
    """Make the document of a seed and look at it."""
    name, data = document_of(seed)
    begun = time.process_time()
    ours: list[str] = []
    try:
        with _listening(ours):
            desired = _compiled({name: data, **_OTHERS}, name)
            _sound(desired)
            bound = sum(
                starts(leaf, _any(leaf) | given) for root in desired.roots.values() for leaf, given in _leaves(root)
            )
            load_repository(".plumbline.yaml", data)
    except Exception:  # noqa: BLE001 -- whatever it is, it is what is looked for
        return Look(seed, time.process_time() - begun, failure=traceback.format_exc())
    seconds = time.process_time() - begun
    ours += [str(problem) for problem in desired.problems if problem.code == boundary.OURS and not ours]
    if seconds > LIMIT:
        ours.append(f"{seconds:.1f} seconds")
    return Look(seed, seconds, len(desired.roots), bound, "\n".join(ours))


class _listening:  # noqa: N801 -- reads as a verb where it is used
    """Keeps the traceback of what the boundary around a file turns into PL-901."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def __enter__(self) -> None:
        self._told = boundary._where
        boundary._where = self._where

    def __exit__(self, *_: object) -> None:
        boundary._where = self._told

    def _where(self, error: Exception) -> str:
        self._heard.append("".join(traceback.format_exception(error)))
        return self._told(error)


def _compiled(files: dict[str, Any], name: str) -> DesiredState:
    it, cache = given(files, CompileConfig("fuzz"), named=frozenset({name})), Cache()
    for _ in range(4):
        missing = references(it, cache) - it.outside.keys()
        if not missing:
            break
        it = replace(it, outside={**it.outside, **{key: _fetched(key) for key in missing}})
    assert not wanted(it, cache)
    return compile_tree(it, cache, check_schedule)


def _fetched(key: str) -> Outside:
    """A component for most of the references out of the repository, and one of the failures for the others."""
    if key.endswith(("1", "x")):
        return Outside(key, failure="there is none", elsewhere=key.endswith("x"))
    return Outside(key, sha256(_COMPONENT).hexdigest(), _COMPONENT)


def _sound(desired: DesiredState) -> None:
    for root in desired.roots.values():
        assert is_sealed(root)
        assert codec.decode(CompiledOperation, codec.encode(root)) == root
    for problem in desired.problems:
        assert len(str(problem).encode()) <= 2_000, f"a long message: {problem}"
        assert "\n" not in str(problem), f"a message of two lines: {problem}"


def _leaves(
    operation: CompiledOperation, given: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[tuple[CompiledOperation, dict[str, Any]]]:
    """The leaves below an operation, with what a sweep around them gives: of each sweep its first trials."""
    match operation.body:
        case Dag(nodes=nodes):
            for node in nodes:
                yield from _leaves(node.operation, given)
        case Sweep(trial=trial, search=search):
            for suggestion in suggest(search, (), "fuzz", 3):
                yield from _leaves(_own(trial, suggestion.params), suggestion.params)
        case _:
            yield operation, dict(given)


def _own(trial: CompiledOperation, params: Mapping[str, Any]) -> CompiledOperation:
    try:
        return with_values(trial, params) if differs(trial) else trial
    except BindError:
        return trial


def starts(operation: CompiledOperation, values: Mapping[str, Any]) -> bool:
    """Whether a run of a leaf can be bound, with these values of its references."""
    request = BindRequest(
        operation=operation,
        key=keys.generation("t", 1).child("a"),
        values=dict(values),
        upstream={},
        identity=("default", "fuzz"),
        commit=COMMIT,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        because="fuzz",
    )
    try:
        finish_run(bind(request), {"run_outputs_path": "/o", "ports": [1], "base_url": "http://x"})
    except BindError:
        return False
    return True


def _any(leaf: CompiledOperation) -> dict[str, Any]:
    return dict(zip(leaf.body.references, _ANY * len(leaf.body.references), strict=False))


_ANY: list[Any] = [1, "x", None, [1], {"a": "{{ x }}"}, "{{"]
