"""What a run left in its folder, as its record knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from planner.keys import Key

__all__ = ["Artifact", "Artifacts", "Copy", "Earlier"]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A summary of a run's artifacts at its end; the backend keeps the list of all of them.

    Attributes:
        folder: the run's folder, as other runs of the backend reach it; what is kept is in `outputs` below it.
        names: of the files and folders directly below `outputs`, in order; only the first, where there is `more`.
        files: how many files there are at any depth.
        size: their bytes together.
        more: whether there was more than could be looked at.
    """

    folder: str
    names: tuple[str, ...] = ()
    files: int = 0
    size: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder that a run left.

    Attributes:
        path: below its `outputs`.
        kind: `file`, `folder`, `link` or `other`; only files and folders can be had.
        size: bytes of a file.
        modified: when it was last written.
        digest: SHA-256 of a file's content in hexadecimal, as it was at the run's end; "" where it was not taken.
        executable: whether its owner may execute it.
    """

    path: str
    kind: str
    size: int
    modified: datetime
    digest: str = ""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of a run's artifacts in the daemon's store.

    Attributes:
        store: URL of the store.
        owed_at: when it was recorded that there is to be one.
        at: when all of it was there; None before.
        files: how many files were copied.
        size: their bytes together.
        left: how many things were left out, as they cannot be read: links, and what the run has closed.
    """

    store: str
    owed_at: datetime
    at: datetime | None = None
    files: int = 0
    size: int = 0
    left: int = 0

    @property
    def owed(self) -> bool:
        """Whether it is still to be made."""
        return self.at is None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a round starts with of an earlier one of its node (design: "Words", round).

    Attributes:
        run: the earlier round.
        copy: whether it gets a copy of that one's folder; else it goes on in the folder itself.
    """

    run: Key
    copy: bool = False
