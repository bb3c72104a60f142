"""What keeps a search from making suggestions."""

from __future__ import annotations

__all__ = ["SearchUnavailable"]


class SearchUnavailable(Exception):  # noqa: N818 - it is no error of ours: the user installs what is missing
    """A library that a search needs is not installed; the text says which search, and what to do."""

    def __init__(self, search: str) -> None:
        super().__init__(f"{search} needs the extra `search`: pip install 'plumbline-gitops[search]'")
