"""Where the tracking library of Polyaxon left what an attempt told it. Decides nothing."""

from __future__ import annotations

from pathlib import Path

from reconciler.backends.machine.claims import Claim
from reconciler.backends.machine.own import artifacts_of
from reconciler.backends.traced import Traced

__all__ = ["traced_of"]


def traced_of(claim: Claim) -> Traced:
    """Of the attempt of a claim that was not cleaned."""
    return Traced(artifacts_of(Path(claim.record["attempt"]).parent), float(claim.record["made_at"]))
