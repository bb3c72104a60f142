"""The version of this installation."""

from __future__ import annotations

import importlib.metadata

__all__ = ["version"]


def version() -> str:
    """The version of the installed distribution; `0+checkout` when it runs from a source tree."""
    try:
        return importlib.metadata.version("plumbline-gitops")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"
