"""`plumbline convert`: specs in the spelling of today."""

from __future__ import annotations

__all__: list[str] = []
