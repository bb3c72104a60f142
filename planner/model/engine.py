"""What a spec may ask of a container engine: the rules of the configuration. Nothing here knows a spec."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EngineAllow", "EngineRules"]


class EngineAllow(StrEnum):
    """What the configuration may allow specs to ask for (`backends.engine.allow`)."""

    PRIVILEGED = "privileged"
    PRIVILEGE_ESCALATION = "privilegeEscalation"
    CAPABILITIES = "capabilities"  # those that are added; all are dropped otherwise
    HOST_PATH = "hostPath"  # folders of the machine
    VOLUMES = "volumes"  # named volumes of the engine, whoever made them


@dataclass(frozen=True, slots=True)
class EngineRules:
    """What specs may ask for.

    Attributes:
        allow: what is allowed of that which is not by default.
    """

    allow: frozenset[EngineAllow] = frozenset()
