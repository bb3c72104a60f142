"""From a tree to the desired state: discovery, every file, and the names of a project (design: section 3).

Pure: the same input gives the same state, with a cache or without. The shell reads what `wanted` names until it names
nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from planner.compile.cache import Cache, Kept
from planner.compile.discover import Discovery, discover
from planner.compile.given import SETTINGS, CompileInput, FileRow
from planner.compile.operation import Shop
from planner.compile.origin import Report
from planner.compile.policy import RootPolicy, policy_of
from planner.compile.roots import compile_file
from planner.compile.timing import CheckSchedule
from planner.compile.view import Tree, View
from planner.errors import Place, Problem, Severity
from planner.model.desired import Asked, CompiledOperation, DesiredState, RunPolicy
from planner.spec.repository import Policy, Repository

__all__ = ["compile_tree", "ls_files", "wanted"]


def wanted(given: CompileInput, cache: Cache | None = None) -> frozenset[str]:
    """Ids of the blobs that must still be read before `compile_tree`; empty when all are there.

    Call it again with what was read: settings name the files, and files name other files.
    """
    return frozenset(discover(given, cache or Cache()).missing)


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
    settings = found.repository.settings
    if settings is None:
        return _broken(given, found)
    project = settings.project or given.config.project
    work = _Work(replace(given, config=replace(given.config, project=project)), found, cache, check)
    kept = dict(_files(work, settings))
    clashes = tuple(_clashes(kept, given.in_force))
    bad = {path for path, file in kept.items() if file.bad} | {problem.place.path for problem in clashes}
    bad |= {problem.place.path for problem in found.problems if problem.severity is Severity.ERROR}
    problems = [*found.problems, *clashes, *(problem for file in kept.values() for problem in file.problems)]
    problems += [problem for other in found.others.values() for problem in other.loaded.problems]
    cache.compiled()
    return DesiredState(
        commit=given.commit,
        tree=given.tree_id,
        project=project,
        roots=_roots(kept, bad),
        problems=_sorted(problems),
        bad_files=frozenset(bad),
        moved=dict(settings.moved),
        files=tuple(sorted(found.files)),
        budgets=_budgets(settings),
    )


def _budgets(settings: Repository) -> Asked:
    said = settings.budgets
    return Asked(starts=said.starts, gpus=said.gpus, deletions=said.deletions)


@dataclass(frozen=True, slots=True)
class _Work:
    given: CompileInput
    found: Discovery
    cache: Cache
    check: CheckSchedule | None


def _whole(given: CompileInput, cache: Cache) -> Discovery:
    found = discover(given, cache)
    if found.missing:
        raise ValueError(f"{len(found.missing)} blobs are missing: read what `wanted` names first")
    return found


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
    once = {(problem.code, problem.place, problem.message): problem for problem in reversed(problems)}
    return tuple(sorted(once.values(), key=lambda problem: problem.sort_key))


def _roots(kept: Mapping[str, Kept], bad: set[str]) -> dict[str, CompiledOperation]:
    found = {root.name: root for path, file in kept.items() if path not in bad for root in file.roots}
    return dict(sorted(found.items()))


# Files


def _files(work: _Work, settings: Repository) -> Iterator[tuple[str, Kept]]:
    tree = Tree(work.given, work.found)
    policies = _policies(work)
    known: dict[int, tuple[RootPolicy, str]] = {}
    for path, file in work.found.files.items():
        said = policies.get(path)
        if said is None:
            said = policies[path] = settings.policy(path)
        if id(said) not in known:
            policy = policy_of(said, work.given.config)
            known[id(said)] = (policy, repr(policy))
        policy, words = known[id(said)]
        commit = work.given.commit if policy.policy.run is RunPolicy.ON_COMMIT else ""
        key = (path, work.given.entries[path].id, words, commit)
        before = work.cache.results.get(key)
        if before is not None and all(tree.answer(question) == answer for question, answer in before.reads.items()):
            yield path, before
            continue
        shop = Shop(View(tree), Report(), policy, work.check)
        yield path, work.cache.results.put(key, compile_file(file.loaded, shop, work.given.commit))


def _policies(work: _Work) -> dict[str, Policy]:
    """What holds for files, by path; kept with the settings that say so."""
    entry = work.given.entries.get(SETTINGS)
    ident = entry.id if entry else ""
    found = work.cache.policies.get(ident)
    return work.cache.policies.put(ident, {}) if found is None else found


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
