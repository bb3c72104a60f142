"""The engine of a process of pytest."""

from __future__ import annotations

from tests.engine.fixtures import engine, free_port, podman

__all__ = ["engine", "free_port", "podman"]
