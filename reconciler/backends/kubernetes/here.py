"""What the daemon's machine has for the pods of a cluster. It decides nothing and touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.backends.code import Trees
from reconciler.backends.kubernetes.tokens import Tokens
from reconciler.ports_clones import Clones

__all__ = ["Here"]


@dataclass(frozen=True, slots=True)
class Here:
    """What this machine has for the pods of a cluster.

    Attributes:
        folder: where logs are kept once their pods are gone, and what pods bring.
        trees: where their code comes from.
        cache: of exported trees.
        tokens: by which they may ask; None where they cannot reach the daemon.
        clones: where code of other repositories comes from; None for from nowhere.
    """

    folder: Path
    trees: Trees
    cache: Path
    tokens: Tokens | None = None
    clones: Clones | None = None
