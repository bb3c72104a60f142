"""Sweeps in repositories of tests, with what their trials report."""

from __future__ import annotations

from reconciler.backends.memory import Program

__all__ = ["REPORTS", "SEARCH", "search"]

SEARCH = (
    "{kind: hyperopt, algorithm: rand, numRuns: 2, maxIterations: 3, metric: {name: loss, optimization: minimize}, "
    "params: {rate: {kind: uniform, value: [0, 1]}, kind: {kind: choice, value: [a, b]}}}"
)
GRID = "{kind: grid, params: {rate: {kind: choice, value: [0.1, 0.2, 0.3]}}}"


def search(name: str = "tune", matrix: str = SEARCH) -> bytes:
    """An operation with a matrix over `rate` and `kind`."""
    return f"""\
version: 1.1
kind: operation
name: {name}
matrix: {matrix}
component:
  inputs:
    - {{name: rate, type: float, value: 0.5}}
    - {{name: kind, type: str, value: a}}
  run:
    kind: job
    container: {{image: i, command: [fit], args: ["{{{{ rate }}}}", "{{{{ kind }}}}"]}}
""".encode()


REPORTS = {
    "0000": Program(seconds=0.0, metrics={"loss": 0.5}),
    "0001": Program(seconds=0.0, metrics={"loss": 0.25}),
    "0002": Program(seconds=0.0, exit_code=3),
    "0003": Program(seconds=0.0, metrics={"loss": float("nan")}),
    "0004": Program(seconds=0.0, metrics={"loss": 0.75}),
    "0005": Program(seconds=None),
}
"""What the trials of `SEARCH` do: the last one does not end."""
