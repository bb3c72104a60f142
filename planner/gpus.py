"""GPUs that an operation asks for, with all that is below it."""

from __future__ import annotations

from planner.model.desired import CompiledOperation, Leaf, Sweep
from planner.trials import at_once

__all__ = ["gpus_of"]


def gpus_of(operation: CompiledOperation) -> int:
    """Whole GPUs, of whatever vendor, that it never asks for more than at once.

    Operations of a DAG count together, whether they run at once or not: which of them do is known by nobody before.
    Trials of a sweep count as many as may be at work at once, which the sweep itself says.
    """
    if isinstance(operation.body, Leaf):
        requests = operation.body.gang.requests
        # What builds its image has ended before it starts.
        own = sum(amount for name, amount in requests.items() if "gpu" in name)
        return max(own, gpus_of(operation.build)) if operation.build is not None else own
    if isinstance(operation.body, Sweep):
        # Neither what builds its image nor what makes its suggestions is at work beside its trials.
        others = (gpus_of(one) for one in (operation.build, operation.body.tuner) if one is not None)
        return max(gpus_of(operation.body.trial) * at_once(operation.body), *others, 0)
    return sum(gpus_of(node.operation) for node in operation.body.nodes)
