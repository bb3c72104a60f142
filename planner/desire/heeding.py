"""Which metrics somebody looks at while runs run: those that a rule of early stopping names. It decides no more."""

from __future__ import annotations

from typing import assert_never

from planner.model.desired import CompiledOperation, Dag, Leaf, Sweep
from planner.search.stopping import heeded

__all__ = ["heeds"]


def heeds(operation: CompiledOperation) -> frozenset[str]:
    """Names of the metrics that rules of an operation, or of what is in it, look at."""
    match operation.body:
        case Leaf():
            return frozenset()
        case Dag() as dag:
            return heeded(dag.early_stopping).union(*(heeds(node.operation) for node in dag.nodes))
        case Sweep() as sweep:
            return heeded(sweep.early_stopping) | heeds(sweep.trial)
        case _:
            assert_never(operation.body)
