"""Addresses of a forge's pages, made of the one that it gives for a pull request."""

from __future__ import annotations

__all__ = ["files_at"]


def files_at(url: str, mark: str, path: str) -> str:
    """Where files of a commit are shown; "" where `url` is not the address of a pull request.

    Args:
        url: of a pull request, as its forge says it.
        mark: what comes between the repository and the number in it.
        path: of the commit's files, below the repository.
    """
    repository, found, _ = url.rpartition(mark)
    return f"{repository}{path}" if found and repository.startswith(("https://", "http://")) else ""
