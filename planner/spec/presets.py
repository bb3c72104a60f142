"""How two specifications are laid over one another (reference, sections 4 and 5).

Only the words; what they do is decided where specifications are merged.
"""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["PatchStrategy", "RunPatch"]

PatchStrategy = Literal["post_merge", "pre_merge", "replace", "isnull"]
"""How a patch is laid over what is there: joined with the patch winning, joined with it losing, in place of it, or only
where nothing is."""

RunPatch = dict[str, Any]
"""A patch of `run`, read as the run that it is laid over once that is known."""
