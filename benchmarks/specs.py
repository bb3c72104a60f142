"""Generated specs on the path of the daemon; `python -m benchmarks.specs FILE PROCESSES` compiles them alone."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from planner.compile import Cache, CompileConfig, CompileInput, Entry, EntryRef, references, wanted
from planner.errors import Severity
from planner.model.desired import DesiredState
from reconciler import compiling
from reconciler.shares import Shares


def given_of(specs: Iterable[tuple[str, str]]) -> CompileInput:
    """What compile is given of a repository of those specs, by name."""
    entries: dict[str, Entry] = {"ops": EntryRef("tree", "f" * 40)}
    blobs = {}
    for name, text in specs:
        entry, data = entry_of(text.encode())
        entries[f"ops/{name}.yaml"] = entry
        blobs[entry.id] = data
    return CompileInput("c" * 40, "t" * 40, entries, CompileConfig("bench", fixed=True), blobs)


def entry_of(data: bytes) -> tuple[EntryRef, bytes]:
    """A file of that content."""
    return EntryRef("blob", hashlib.sha1(data).hexdigest(), len(data)), data


def compiled(given: CompileInput, cache: Cache, shares: Shares | None = None) -> DesiredState:
    """The desired state. Hardly any generated spec may have a problem (a grid too large): else nothing is measured."""
    if shares is not None:
        compiling.calmly(shares.read, given, cache)
    assert not compiling.calmly(wanted, given, cache)
    references(given, cache)
    if shares is not None:
        compiling.calmly(shares.compile, given, cache)
    state = compiling.compiled(given, cache)
    bad = [problem for problem in state.problems if problem.severity is Severity.ERROR]
    if len(state.bad_files) * 1000 > len(given.entries):
        raise SystemExit(f"{len(state.bad_files)} generated specs are refused; the first problem: {bad[0]}")
    return state


def forget() -> None:
    """Empty what modules of the planner keep by content: types of Kubernetes, templates, patterns."""
    for name, module in list(sys.modules.items()):
        if name.startswith("planner."):
            for kept in vars(module).values():
                if hasattr(kept, "cache_clear"):
                    kept.cache_clear()


def main() -> None:
    """Compile all specs of a file, and print what it took."""
    given = given_of(json.loads(Path(sys.argv[1]).read_text()))
    begun = time.perf_counter()
    with Shares(processes=int(sys.argv[2])) as shares:
        compiled(given, Cache(), shares)
        seconds = time.perf_counter() - begun
    own, others = map(_megabytes, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "megabytes": own, "others": others}))


def _megabytes(whose: int) -> float:
    """The largest memory of this process, or of the largest of the others."""
    return resource.getrusage(whose).ru_maxrss / 1024


if __name__ == "__main__":
    main()
