"""Runs of the arms, each kept by what made it: its code, the problems and the versions of what they stand on."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environment import Peer, running
from benchmarks.quality import arms
from benchmarks.quality.learned import FOLDER
from benchmarks.quality.problems import ALL, Problem

ROOT = Path(__file__).parents[2]
_SHARED = ("benchmarks/quality/problems.py", "benchmarks/quality/learned.py")
_OURS = ("chance.py", "draws.py", "numbers.py", "points.py", "spaces.py", "unlike.py", "ranking.py")
_KINDS = {
    "tpe": ("parzen*.py",),
    "bayes": ("bayes.py", "gaussian.py", "acquisition.py", "features.py", "candidates.py"),
    "hyperband": ("hyperband.py", "rungs.py"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison: a kind of search on a problem, with so many trials at work."""

    kind: str
    problem: Problem
    pending: int

    @property
    def name(self) -> str:
        return f"{self.kind} / {self.problem.name} / {self.pending}"


def cells() -> list[Cell]:
    """All comparisons."""
    pairs = [("tpe", 1), ("tpe", 8), ("bayes", 1), ("bayes", 8), ("hyperband", 1), ("hyperband", 8)]
    return [Cell(kind, problem, pending) for kind, pending in pairs for problem in ALL]


@functools.cache
def _version(side: str, kind: str) -> str:
    if side == "theirs":
        folder = ROOT / "benchmarks/peers/optuna"
        files = [folder / "serve.py", folder / "requirements.txt"]
    else:
        found = ROOT / "planner/search"
        files = [path for pattern in (*_OURS, *_KINDS[kind]) for path in sorted(found.glob(pattern))]
    # What the search is asked with, defaults among it.
    digest = hashlib.sha256(repr(arms.wanted(kind, ALL[0])).encode() if side == "ours" else b"")
    for path in [*files, *(ROOT / name for name in _SHARED)]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _path(side: str, cell: Cell, seed: int) -> Path:
    name = cell.problem.name.replace(" ", "-")
    return FOLDER / side / f"{cell.kind}-{name}-{cell.pending}-{seed}-{_version(side, cell.kind)}.json"


def kept(side: str, cell: Cell, seed: int) -> list[float] | None:
    """What an arm lost, if it has been run."""
    path = _path(side, cell, seed)
    return json.loads(path.read_text())["lost"] if path.exists() else None


def fill(side: str, cell: Cell, seeds: range) -> Iterator[tuple[int, float]]:
    """Run what is not kept yet; gives seeds and seconds."""
    missing = [seed for seed in seeds if kept(side, cell, seed) is None]
    if not missing:
        return
    with running("optuna") if side == "theirs" else contextlib.nullcontext() as peer:
        for seed in missing:
            began = time.perf_counter()
            lost = _ours(cell, seed) if peer is None else _theirs(cell, peer, seed)
            seconds = time.perf_counter() - began
            path = _path(side, cell, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(f".{time.time_ns()}")
            half.write_text(json.dumps({"lost": lost, "seconds": seconds}))
            half.replace(path)
            yield seed, seconds


def _ours(cell: Cell, seed: int) -> list[float]:
    if cell.kind == "hyperband":
        return arms.our_rungs(cell.problem, seed, cell.pending)
    return arms.ours(cell.kind, cell.problem, seed, cell.pending)


def _theirs(cell: Cell, peer: Peer, seed: int) -> list[float]:
    if cell.kind == "hyperband":
        return arms.their_rungs(cell.problem, peer, (seed, cell.pending))
    return arms.theirs(cell.kind, cell.problem, peer, (seed, cell.pending))
