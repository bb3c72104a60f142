"""Sweeps in repositories of tests, with what their trials report."""

from __future__ import annotations

from reconciler.backends.memory import Program

__all__ = ["GRID", "NESTED", "REPORTS", "SEARCH", "search"]

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
NESTED = b"""\
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: first
        component: {run: {kind: job, container: {image: i, command: [make]}}}
      - name: tune
        matrix: {kind: mapping, values: [{rate: 1}, {rate: 2}], concurrency: 1}
        component:
          inputs: [{name: rate, type: int}]
          run:
            kind: dag
            operations:
              - name: wait
                component: {run: {kind: job, container: {image: i, command: [wait]}}}
              - name: score
                dependencies: [wait]
                component: {run: {kind: job, container: {image: i, command: [score]}}}
"""
"""A sweep inside a DAG, whose trials are DAGs: the first operation of each waits."""
