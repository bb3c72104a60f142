"""What the reference knows and Plumbline does not run yet.

Such a field is refused by name instead of being called unknown, so that nobody looks for a typing error. A field
leaves this table when its section gains it; nothing else has to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LATER", "LATER_RUN_KINDS"]

LATER: Mapping[str, frozenset[str]] = MappingProxyType({})
"""YAML names of fields by the name of their section's model."""

LATER_RUN_KINDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("mxjob", "xgbjob", "paddlejob"),
        "the specification has dropped it; `mpijob` and `pytorchjob` run on many machines",
    )
)
"""Values of `run.kind` that there were once, with what to do."""
