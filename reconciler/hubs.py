"""Hubs: where the components come from that specs name by `hubRef` (design: section 4, item 10).

A hub is a folder or a git repository of components: `name` is the file `name.yaml`, `name:version` is
`name/version.yaml`. This module reads folders and the hub that ships with the package; it never judges what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from planner.spec.text import MAX_BYTES
from reconciler.errors import Refused, Transient
from reconciler.settings_sources import PACKAGED

__all__ = ["MOST_LISTED", "FolderHub", "Hub", "Part", "file_of", "packaged"]

MOST_LISTED = 500
"""Components that are compared with a name that is not there."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a hub.

    Attributes:
        path: in the hub.
        data: its content.
    """

    path: str
    data: bytes


class Hub(Protocol):
    """A place of components.

    Law: names and versions have been checked before they come here: they are no paths, and no options of programs.
    """

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    async def find(self, name: str, version: str) -> Part | None:
        """The file of a component; None where the hub does not have it.

        Raises:
            Transient: it cannot be read now.
            Refused: what is there is no file that can be read.
        """
        ...

    async def listed(self) -> Sequence[str]:
        """Some of what it has, as `hubRef` names it; for people who mistype a name."""
        ...


def file_of(name: str, version: str) -> str:
    """The path of a component in a hub."""
    return f"{name}/{version}.yaml" if version else f"{name}.yaml"


class FolderHub:
    """A folder as a hub; it is read anew every time."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    async def find(self, name: str, version: str) -> Part | None:
        """See `Hub.find`."""
        return await anyio.to_thread.run_sync(self.read, name, version)

    async def listed(self) -> Sequence[str]:
        """See `Hub.listed`."""
        return await anyio.to_thread.run_sync(self.names)

    def read(self, name: str, version: str) -> Part | None:
        """The same as `find`, blocking."""
        path = file_of(name, version)
        place = self._folder / path
        try:
            if not self._folder.is_dir():
                raise Transient(f"the hub `{self._name}` is not there: {self._folder} is no folder")
            if not place.exists():
                return None
            if not place.resolve().is_relative_to(self._folder.resolve()) or not place.is_file():
                raise Refused(f"{path} of the hub `{self._name}` is no file in its folder")
            with place.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Transient(f"cannot read {path} of the hub `{self._name}`: {error.strerror}") from error
        if len(data) > MAX_BYTES:
            raise Refused(f"{path} of the hub `{self._name}` has more than {MAX_BYTES:,} bytes")
        return Part(path, data)

    def names(self) -> Sequence[str]:
        """The same as `listed`, blocking."""
        try:
            plain = [path.stem for path in sorted(self._folder.glob("*.yaml"))]
            versions = [f"{path.parent.name}:{path.stem}" for path in sorted(self._folder.glob("*/*.yaml"))]
        except OSError:
            return ()
        return (plain + versions)[:MOST_LISTED]


def packaged() -> FolderHub:
    """The hub that ships with the package."""
    return FolderHub(PACKAGED, Path(__file__).parent / "hub")
