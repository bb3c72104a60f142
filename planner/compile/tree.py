"""From a tree to the desired state: discovery, every file, and the names of a project (design: section 3).

Pure: the same input gives the same state, with a cache or without. The shell reads what `wanted` names until it names
nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from planner.compile.cache import Cache, Kept
from planner.compile.discover import Discovery, discover
from planner.compile.files import Desk, compile_files
from planner.compile.given import SETTINGS, CompileInput, FileRow
from planner.compile.presets import clashing_presets
from planner.compile.reading import SpecFile
from planner.compile.settings import looser, moved_to_nothing, project_of, renamed
from planner.compile.timing import CheckSchedule
from planner.errors import Place, Problem, Severity
from planner.model.desired import Asked, CompiledOperation, DesiredState
from planner.spec.repository import Repository

__all__ = ["compile_some", "compile_tree", "desk_of", "ls_files", "references", "wanted"]


def wanted(given: CompileInput, cache: Cache | None = None) -> frozenset[str]:
    """Ids of the blobs that must still be read before `compile_tree`; empty when all are there.

    Call it again with what was read: settings name the files, and files name other files.
    """
    return frozenset(discover(given, cache or Cache()).missing)


def references(given: CompileInput, cache: Cache | None = None) -> frozenset[str]:
    """Keys of the references out of the repository, as far as they are known: `hub:NAME:VERSION`, `url:ADDRESS`.

    Look up those that `given.outside` does not have, and call it again with them: what they lead to refers further.
    Those that nobody looks up hold their files back without being problems.
    """
    return frozenset(discover(given, cache or Cache()).outside)


def ls_files(given: CompileInput, cache: Cache | None = None) -> tuple[FileRow, ...]:
    """Every YAML and JSON file with what it counts as, in order of path. `wanted` must be empty."""
    return tuple(sorted(_whole(given, cache or Cache()).rows, key=lambda row: row.path))


def compile_tree(given: CompileInput, cache: Cache | None = None, check: CheckSchedule | None = None) -> DesiredState:
    """What a commit asks for.

    Args:
        given: the tree; `wanted` must be empty for it.
        cache: results of earlier compiles, which must have had the same `check`.
        check: what else can be wrong with a schedule; None to take every one.

    Raises:
        ValueError: contents are missing: a caller's mistake, never a user's.
    """
    cache = cache or Cache()
    found = _whole(given, cache)
    desk = desk_of(given, found, cache, check)
    if desk is None:
        return _broken(given, found)
    given, settings = desk.given, desk.settings
    kept = dict(compile_files(desk))
    clashes = (*_clashes(kept, given.in_force), *clashing_presets(found.presets))
    problems = [*found.problems, *_settings_problems(given, found, kept), *clashes]
    bad = {path for path, file in kept.items() if file.bad}
    bad |= {problem.place.path for problem in problems if problem.severity is Severity.ERROR}
    problems += [problem for file in kept.values() for problem in file.problems]
    problems += [problem for other in _referred(found) for problem in other.problems]
    cache.compiled()
    return DesiredState(
        commit=given.commit,
        tree=given.tree_id,
        project=given.config.project,
        roots={} if SETTINGS in bad else _roots(kept, bad),
        problems=_sorted(problems),
        bad_files=frozenset(bad),
        moved={} if SETTINGS in bad else dict(settings.moved),
        files=tuple(sorted(found.files)),
        budgets=_budgets(settings),
    )


def compile_some(given: CompileInput, cache: Cache, paths: Iterable[str], check: CheckSchedule | None = None) -> None:
    """Compile some of the files into the cache, as `compile_tree` would; see there."""
    desk = desk_of(given, _whole(given, cache), cache, check)
    for _ in compile_files(desk, paths) if desk is not None else ():
        pass


def desk_of(given: CompileInput, found: Discovery, cache: Cache, check: CheckSchedule | None) -> Desk | None:
    """What all files of a compile share; None while the settings have an error."""
    settings = found.repository.settings
    if settings is None:
        return None
    config = replace(given.config, project=project_of(settings, given.config))
    return Desk(replace(given, config=config), found, settings, cache, check)


def _settings_problems(given: CompileInput, found: Discovery, kept: Mapping[str, Kept]) -> Iterator[Problem]:
    """What is wrong with the settings; with an error in them every root stays as it is."""
    loaded, config = found.repository, given.config
    other = renamed(loaded, config)
    if other is not None:
        yield other
    yield from looser(loaded, config)
    # A file that cannot be read may have kept its operations' names to itself.
    held = {name for name, path in given.in_force.items() if path in kept and kept[path].bad}
    yield from moved_to_nothing(loaded, held | {name for file in kept.values() for name, _ in file.names})


def _budgets(settings: Repository) -> Asked:
    said = settings.budgets
    return Asked(starts=said.starts, gpus=said.gpus, deletions=said.deletions, trials=said.trials)


def _whole(given: CompileInput, cache: Cache) -> Discovery:
    found = discover(given, cache)
    if found.missing:
        raise ValueError(f"{len(found.missing)} blobs are missing: read what `wanted` names first")
    return found


def _referred(found: Discovery) -> Iterator[SpecFile]:
    """Files that are no spec files and that operations refer to."""
    yield from found.others.values()
    yield from (fetched.file for fetched in found.outside.values() if fetched.file is not None)


def _broken(given: CompileInput, found: Discovery) -> DesiredState:
    """Without settings nobody knows what is in: every root stays as it is, and nothing is removed."""
    return DesiredState(
        commit=given.commit,
        tree=given.tree_id,
        project=given.config.project,
        roots={},
        problems=_sorted(found.problems),
        bad_files=frozenset({SETTINGS}),
    )


def _sorted(problems: list[Problem]) -> tuple[Problem, ...]:
    once = {(problem.code, problem.place, problem.pointer, problem.message): problem for problem in reversed(problems)}
    return tuple(sorted(once.values(), key=lambda problem: problem.sort_key))


def _roots(kept: Mapping[str, Kept], bad: set[str]) -> dict[str, CompiledOperation]:
    found = {root.name: root for path, file in kept.items() if path not in bad for root in file.roots}
    return dict(sorted(found.items()))


# Names


def _clashes(kept: Mapping[str, Kept], in_force: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of operations whose name is taken; the one of the ledger's file has none (design: "Discovery").

    A file with an error also keeps the names of the roots in force that come from it: they stay as they are.
    """
    claims: dict[str, list[Place]] = {}
    for path in sorted(kept):
        for name, place in kept[path].names:
            claims.setdefault(name, []).append(place)
    for name, path in in_force.items():
        if path in kept and kept[path].bad and all(place.path != path for place in claims.get(name, ())):
            claims.setdefault(name, []).append(Place(path))
    for name, places in claims.items():
        if len(places) > 1:
            yield from _clash(name, places, in_force.get(name))


def _clash(name: str, places: list[Place], path: str | None) -> Iterator[Problem]:
    ours = [place for place in places if place.path == path]
    winner = ours[0] if len(ours) == 1 else None
    for place in places:
        if place == winner or not place.line:
            continue
        other = winner or next(one for one in places if one != place)
        stays = ", which stays in force" if winner else ""
        message = f"two operations named `{name}`: the other is at {other}{stays}"
        yield Problem("PL-301", message, place, "/name", "rename one of them", name)
