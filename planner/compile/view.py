"""The tree as the compile of one file sees it: every question is remembered with its answer.

The questions are the cache key of the result: as long as the same questions have the same answers, the result stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planner.compile.cache import Question
from planner.compile.discover import Discovery
from planner.compile.given import CompileInput, Entry, EntryRef, Outside
from planner.compile.origin import Origin, Report
from planner.spec.load import Document, Loaded
from planner.spec.words import nearest

__all__ = ["Tree", "View"]


@dataclass(slots=True)
class Tree:
    """What all views of one compile share.

    Attributes:
        given: the input.
        found: what discovery found.
    """

    given: CompileInput
    found: Discovery
    _children: Mapping[str, tuple[str, ...]] | None = None
    _submodules: tuple[str, ...] | None = None
    _spec_folders: frozenset[str] | None = None

    def entry(self, path: str) -> Entry | None:
        """What is at a path; the root tree at ""."""
        return self.given.entries.get(path) if path else EntryRef("tree", self.given.tree_id)

    def answer(self, question: Question) -> object:
        """The answer to a question, as it is remembered."""
        what, name = question
        match what:
            case "spec":
                return name in self.found.files
            case "specs":
                return name in self.spec_folders()
            case "outside":
                found = self.found.outside.get(name)
                return found and found.outside
            case "preset":
                return tuple(self._content(document) for document in self.presets(name))
            case "presets":
                return tuple(sorted(self.found.presets))
            case "entry":
                entry = self.entry(name)
                return entry and (entry.kind, entry.id, entry.executable)

    def _content(self, document: Document) -> tuple[str, str, int]:
        """What says that a document is still the same."""
        path = document.places.path
        return path, self.given.entries[path].id, document.index

    def presets(self, name: str) -> tuple[Document, ...]:
        """The presets of a name: no more than two, as the second is a problem already."""
        return self.found.presets.get(name, ())[:2]

    def children(self, folder: str) -> tuple[str, ...]:
        """Paths of what is directly in a folder, in order."""
        if self._children is None:
            found: dict[str, list[str]] = {}
            for path in sorted(self.given.entries):
                found.setdefault(path.rpartition("/")[0], []).append(path)
            self._children = {name: tuple(paths) for name, paths in found.items()}
        return self._children.get(folder, ())

    def spec_folders(self) -> frozenset[str]:
        """Folders with a spec file in them or below them."""
        if self._spec_folders is None:
            found = {""} if self.found.files else set()
            for path in self.found.files:
                while (path := path.rpartition("/")[0]) and path not in found:
                    found.add(path)
            self._spec_folders = frozenset(found)
        return self._spec_folders

    def submodules(self, folder: str) -> Iterable[str]:
        """Paths of submodules below a folder."""
        if self._submodules is None:
            entries = self.given.entries
            self._submodules = tuple(sorted(path for path in entries if entries[path].kind == "submodule"))
        return (path for path in self._submodules if not folder or path.startswith(f"{folder}/"))


@dataclass(slots=True)
class View:
    """One file's view.

    Attributes:
        tree: what it looks at.
        reads: questions asked so far, with their answers.
    """

    tree: Tree
    reads: dict[Question, object] = field(default_factory=dict)

    def entry(self, path: str) -> Entry | None:
        """What is at a path. The id of a folder covers all below it."""
        self._ask(("entry", path))
        return self.tree.entry(path)

    def is_spec(self, path: str) -> bool:
        """Whether a file is a spec file."""
        return bool(self._ask(("spec", path)))

    def has_specs(self, folder: str) -> bool:
        """Whether a spec file is in a folder or below it."""
        return bool(self._ask(("specs", folder)))

    def children(self, folder: str) -> tuple[str, ...]:
        """Paths of what is directly in a folder, in order."""
        self.entry(folder)
        return self.tree.children(folder)

    def file(self, path: str) -> Loaded | None:
        """A file that is read as a spec."""
        self.entry(path)
        return self.tree.found.file(path)

    def outside(self, key: str) -> tuple[Outside | None, Loaded | None]:
        """What a reference out of the repository led to, and its file; nothing at all for one that is one too many."""
        self._ask(("outside", key))
        found = self.tree.found.outside.get(key)
        return (found.outside, found.file.loaded if found.file else None) if found else (None, None)

    def is_outside(self, path: str) -> bool:
        """Whether the places of `path` are those of a file that is not of the repository."""
        return path in self.tree.found.strangers and path not in self.tree.found.files

    def presets(self, name: str) -> tuple[Document, ...]:
        """The presets of a name; a second one is a problem of theirs."""
        self._ask(("preset", name))
        return self.tree.presets(name)

    def preset_names(self) -> tuple[str, ...]:
        """The names of all presets."""
        self._ask(("presets", ""))
        return tuple(sorted(self.tree.found.presets))

    def is_sound(self, path: str) -> bool:
        """Whether the spec file at a path has no error by itself."""
        loaded = self.file(path)
        return loaded is not None and loaded.valid

    def is_file(self, path: str, origin: Origin, report: Report) -> bool:
        """Whether a file is at a path, reached without a symlink or submodule; a problem says why not."""
        entry = self.reachable(path, origin, report)
        if entry is None:
            return False
        if entry.kind != "blob":
            report.add(origin.problem("PL-302", f"`{path or '.'}` is a folder", "name a file in it"))
        return entry.kind == "blob"

    def reachable(self, path: str, origin: Origin, report: Report) -> Entry | None:
        """What is at a path, reached without a symlink or submodule; None with a problem that says why not."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            entry = self.entry(above)
            if entry is not None and entry.kind in {"symlink", "submodule"}:
                report.add(origin.problem("PL-308", f"`{above}` is a {entry.kind}", "name the place itself"))
                return None
        entry = self.entry(path)
        if entry is None:
            report.add(origin.problem("PL-302", f"the repository has no `{path}`", self._meant(path)))
            return None
        if entry.kind in {"symlink", "submodule"}:
            report.add(origin.problem("PL-308", f"`{path}` is a {entry.kind}", "name the place itself"))
            return None
        return entry

    def _meant(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        names = [child.rpartition("/")[2] for child in self.children(folder)[:1000]]
        near = nearest(name, names)
        return f"did you mean `{folder}/{near}`?" if near and folder else f"did you mean `{near}`?" if near else ""

    def _ask(self, question: Question) -> object:
        if question not in self.reads:
            self.reads[question] = self.tree.answer(question)
        return self.reads[question]
