"""Where the texts of a gang are written: from a pointer into it to a place of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.origin import Origin
from planner.compile.pod import entry_index, group_path, written_group
from planner.spec.places import split
from planner.spec.run import Run

__all__ = ["Written"]

Part = str | int


@dataclass(frozen=True, slots=True)
class Written:
    """A run as it is written.

    Attributes:
        run: it.
        origin: where.
        brought: entries of `init` that its inputs brought; they come before its own.
    """

    run: Run
    origin: Origin
    brought: Sequence[Json] = ()

    def group(self, role: str) -> Origin:
        """Where a group of replicas is written; the run itself, where it is the only one."""
        return self.origin.at(*group_path(self.run, role))

    def of(self, pointer: str) -> Origin:
        """Where the value at a pointer into a gang is written: `/replicas/main/args/0` is `container.args[0]`."""
        match split(pointer):
            case ("replicas", role, "pod", *rest):
                return self._pod(role, [_part(part) for part in rest])
            case ("replicas", role, "env", name):
                return self._variable(role, name)
            case ("replicas", role, "resources", name):
                resources = self.group(role).at("container", "resources")
                return resources.first(("requests", name), ("limits", name))
            case ("replicas", role, "limits", name):
                return self.group(role).at("container", "resources", "limits", name)
            case ("replicas", role, "working_dir"):
                return self.group(role).at("container", "workingDir")
            case ("replicas", role, *rest):
                return self.group(role).at("container").first(tuple(map(_part, rest)), (rest[0],))
            case ("labels" | "annotations" as section, name):
                return self.origin.at("environment", section, name)
            case ("options", *rest):
                return self.origin.at(*map(_part, rest))
            case ("probe", "path"):
                return self.origin.at("container", "readinessProbe", "httpGet", "path")
            case _:
                return self.origin.at("container", "readinessProbe")

    def _variable(self, role: str, name: str) -> Origin:
        """Where a variable is written: in a mapping, or in the last item of that name in a list."""
        env = self.group(role).at("container", "env")
        group = written_group(self.run, role)
        entries = group.container.env if group and group.container and group.container.env else ()
        index = max((index for index, entry in enumerate(entries) if entry.name == name), default=0)
        return env.first((name,), (index, "value"))

    def _pod(self, role: str, parts: list[Part]) -> Origin:
        base = self.group(role)
        match parts:
            case ["init", int() as index, *rest]:
                place = entry_index(written_group(self.run, role), index, self.brought)
                return base if place is None else base.at("init", place, *rest)
            case ["container", "env", int(), *_]:
                return base.at("container", "env")
            case _:
                return base.at(*parts)


def _part(part: str) -> Part:
    return int(part) if part.isdigit() and len(part) < 10 else part
