"""Every spec file of a tree, compiled: from the cache where nothing that a file depends on changed.

Each file stands behind a boundary of its own, so that a fault of ours in one holds that one only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha256

from planner.compile.boundary import OURS, guarded
from planner.compile.cache import Cache, Kept
from planner.compile.discover import Discovery
from planner.compile.given import SETTINGS, CompileInput, Outside
from planner.compile.operation import Shop
from planner.compile.origin import Report
from planner.compile.policy import RootPolicy, policy_of
from planner.compile.presets import preset_faults, without_presets
from planner.compile.reading import SpecFile
from planner.compile.roots import compile_file
from planner.compile.timing import CheckSchedule
from planner.compile.view import Tree, View
from planner.errors import Place, Problem
from planner.model.desired import RunPolicy
from planner.spec.repository import Policy, Repository

__all__ = ["Desk", "compile_alone", "compile_files"]

_OF_OTHERS = frozenset({"spec", "outside", "preset", "presets"})
"""Questions that other files answer. That a folder has specs, the file itself answers, or most often none does."""


@dataclass(frozen=True)
class Desk:
    """What all files of one compile share.

    Attributes:
        given: the input.
        found: what discovery found.
        settings: of the repository.
        cache: results of earlier compiles.
        check: what else can be wrong with a schedule; None to take every one.
    """

    given: CompileInput
    found: Discovery
    settings: Repository
    cache: Cache
    check: CheckSchedule | None = None
    _policies: dict[int, tuple[RootPolicy, str]] = field(default_factory=dict)

    def policy(self, path: str) -> tuple[RootPolicy, str]:
        """What holds for a file, and a digest of it that its result is kept under."""
        entry = self.given.entries.get(SETTINGS)
        ident = entry.id if entry else ""
        by_path: dict[str, Policy] | None = self.cache.policies.get(ident)
        if by_path is None:
            by_path = self.cache.policies.put(ident, {})
        said = by_path.get(path)
        if said is None:
            said = by_path[path] = self.settings.policy(path)
        if id(said) not in self._policies:
            policy = policy_of(said, self.given.config)
            self._policies[id(said)] = (policy, sha256(repr(policy).encode()).hexdigest())
        return self._policies[id(said)]

    def keeps(self, kept: Kept) -> bool:
        """Whether a result is one of the file alone: what failed here may go well the next time."""
        return not (kept.bad and (any(problem.code == OURS for problem in kept.problems) or self._failed))

    @cached_property
    def _failed(self) -> bool:
        """Whether we failed on a file that operations refer to."""
        fetched = (one.file for one in self.found.outside.values() if one.file is not None)
        others = (*self.found.others.values(), *fetched)
        return any(problem.code == OURS for file in others for problem in file.problems)


def compile_files(desk: Desk, paths: Iterable[str] | None = None) -> Iterator[tuple[str, Kept]]:
    """What each spec file compiles to, by path; of the named ones where some are named."""
    tree, files = Tree(desk.given, desk.found), desk.found.files
    shared = {path for file in files.values() for path in file.refs}
    for path in files if paths is None else files.keys() & set(paths):
        file = files[path]
        found = guarded(Place(path), partial(_file, desk, tree, file))
        if path not in shared:
            file.put_away()
        yield path, _failed(found) if isinstance(found, Problem) else found


def compile_alone(desk: Desk, file: SpecFile) -> bool:
    """Compile a file before anything is known of the others; False where it asked of them.

    Such a result is not found again, as the answers are others then.
    """
    tree = Tree(desk.given, replace(desk.found, files={file.path: file}))
    found = guarded(Place(file.path), partial(_file, desk, tree, file))
    return isinstance(found, Kept) and not any(what in _OF_OTHERS for what, _ in found.reads)


def _failed(problem: Problem) -> Kept:
    return Kept(roots=(), names=(), problems=(problem,), bad=True, reads={})


def _file(desk: Desk, tree: Tree, file: SpecFile) -> Kept:
    given, results, path = desk.given, desk.cache.results, file.path
    policy, words = desk.policy(path)
    commit = given.commit if policy.policy.run is RunPolicy.ON_COMMIT else ""
    override = given.override if given.override and given.override.place.path == path else None
    key = (path, given.entries[path].id, words, commit, repr(override))
    before = results.get(key)
    if before is not None and all(tree.answer(question) == answer for question, answer in before.reads.items()):
        return before
    report = Report()
    for problem in preset_faults(file.loaded):
        report.add(problem)
    kept = compile_file(
        without_presets(file.loaded), Shop(View(tree), report, policy, desk.check), given.commit, override
    )
    if any(isinstance(answer, Outside) and answer.elsewhere for answer in kept.reads.values()):
        # Nobody erred, and yet this is not all that the file asks for: what came from it stays as it is.
        kept = replace(kept, roots=(), bad=True)
    return results.put(key, kept) if desk.keeps(kept) else kept
