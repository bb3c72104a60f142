"""Runs as processes of this machine (docs/local-backend.md)."""

from reconciler.backends.code import Trees
from reconciler.backends.local.backend import LocalBackend
from reconciler.backends.local.settings import Containment, LocalSettings

__all__ = ["Containment", "LocalBackend", "LocalSettings", "Trees"]
