"""What `.plumbline.yaml` says beside what it may say: the ledger's project, the daemon's ceilings, the commit's names.

The file by itself is judged where it is read (`planner.spec.repository`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.compile.given import CompileConfig
from planner.compile.origin import Origin, warning
from planner.errors import Problem
from planner.spec.repository import LoadedRepository, Repository

__all__ = ["looser", "moved_to_nothing", "project_of", "renamed"]


def project_of(settings: Repository, config: CompileConfig) -> str:
    """The project's name: once the ledger has fixed one, that one (design: section 3, "Discovery")."""
    return config.project if config.fixed else settings.project or config.project


def renamed(loaded: LoadedRepository, config: CompileConfig) -> Problem | None:
    """PL-602 where the file names another project than the ledger: keys, labels and notes hold the old name.

    The repository may as well have been swapped for another one, so nothing that the commit asks for may follow.
    """
    said = loaded.settings.project if loaded.settings else None
    if said is None or said == config.project or not config.fixed:
        return None
    message = f"the project is called `{said}` here and `{config.project}` in the ledger, where its name is fixed"
    hint = f"write `project: {config.project}`; a project of another name needs a daemon with a state folder of its own"
    return Origin(loaded.places).at("project").problem("PL-602", message, hint)


def looser(loaded: LoadedRepository, config: CompileConfig) -> Iterator[Problem]:
    """PL-603 for each `prune: true` under a daemon that removes nothing: the file may only tighten."""
    if config.prune or loaded.settings is None:
        return
    origin = Origin(loaded.places)
    places = [(origin.at("defaults", "prune"), loaded.settings.defaults.prune)]
    places += [(origin.at("policies", i, "prune"), rule.prune) for i, rule in enumerate(loaded.settings.policies)]
    for where, prune in places:
        if prune:
            message = "the daemon's configuration lets no removal stop anything, so this has no effect"
            yield warning(where.problem("PL-603", message, "remove it"))


def moved_to_nothing(loaded: LoadedRepository, names: Collection[str]) -> Iterator[Problem]:
    """PL-302 for each rename to an operation that the commit does not have: it renames nothing.

    Args:
        loaded: the settings.
        names: of all operations of the commit, those with errors too.
    """
    for old, new in loaded.settings.moved.items() if loaded.settings else ():
        if new not in names:
            message = f"`{old}` is moved to `{new}`, which is no operation of this commit"
            hint = "correct the name, or remove the line"
            yield warning(Origin(loaded.places).at("moved", old).problem("PL-302", message, hint))
