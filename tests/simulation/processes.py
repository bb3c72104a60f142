"""Seeds in processes of their own: two at once, each with the same order of sets, on the tree itself or on a copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ROOT", "Ran", "copy_with", "replay_command", "start"]

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Ran:
    """What came of a process.

    Attributes:
        seeds: that it ran.
        violations: by seed, then by invariant.
        counts: of lies, faults and moves.
    """

    seeds: list[int] = field(default_factory=list)
    violations: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Ran) -> None:
        """Take in what another process ran."""
        self.seeds += other.seeds
        self.violations |= other.violations
        self.counts += other.counts


class Running:
    """A process that runs seeds; `wait` gives what came of it."""

    def __init__(self, arguments: Sequence[str], tree: Path) -> None:
        path = os.pathsep.join([str(tree), str(ROOT)])
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.simulation", "--json", *arguments]
        self._process = subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True)

    def wait(self) -> Ran:
        """What came of it, once it is over."""
        text, _ = self._process.communicate()
        ran = Ran()
        for line in text.splitlines():
            told = json.loads(line)
            ran.seeds.append(told["seed"])
            ran.counts += Counter(told["counts"])
            if told["violations"]:
                ran.violations[told["seed"]] = told["violations"]
        return ran

    def end(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.communicate()


def start(arguments: Sequence[str], tree: Path = ROOT) -> Running:
    """Run `python -m tests.simulation --json ARGUMENTS` on the code of `tree`."""
    return Running(arguments, tree)


def copy_with(patch: Path, folder: Path) -> Path:
    """A copy of both packages in `folder` with `patch` in it.

    Raises:
        RuntimeError: the patch does not apply to the code any more.
    """
    for path in _sources():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    # Outside of every repository, so that it is the folder's files that are patched.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_DIR": str(folder / "none")}
    command = ["git", "apply", "-C1", str(patch)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{patch.name} does not apply any more; make it anew (docs/simulation.md): {done.stderr}")
    return folder


def _sources() -> Iterator[Path]:
    for package in ("planner", "reconciler"):
        yield from sorted(path for path in (ROOT / package).rglob("*.py") if path.is_file())


def replay_command(seed: int) -> str:
    """What a person types to see a seed's history."""
    return f"python -m tests.simulation {seed} -v"
