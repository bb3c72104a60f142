"""Discovery: which files of a tree are spec files, and why the others are not (design: "Discovery").

Decides by path, by `.plumbline.yaml` and by content, and follows `pathRef` to files outside. It says what must still be
read, and never reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from planner.compile.cache import Cache, SpecFile
from planner.compile.given import SETTINGS, CompileInput, Entry, FileRow
from planner.compile.paths import references
from planner.errors import Place, Problem, Severity
from planner.spec.load import Loaded, load
from planner.spec.places import Places
from planner.spec.repository import LoadedRepository, Repository, load_repository
from planner.spec.text import MAX_BYTES

__all__ = ["Discovery", "discover"]

_SUFFIXES = (".yaml", ".yml", ".json")
_WORDS = (b"version", b"kind")
_NO_SPEC: Literal[False] = False


@dataclass(slots=True)
class Discovery:
    """What was found in a tree.

    Attributes:
        repository: the settings; their `settings` are None when the file has an error or is not read yet.
        files: spec files by path.
        others: files that are no spec files and that operations refer to, by path.
        problems: with the settings, and with files that cannot be read.
        missing: ids of blobs that must still be read.
        rows: every YAML and JSON file.
    """

    repository: LoadedRepository
    files: dict[str, SpecFile] = field(default_factory=dict)
    others: dict[str, SpecFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    rows: list[FileRow] = field(default_factory=list)

    def file(self, path: str) -> Loaded | None:
        """A file that is a spec file or is referred to."""
        found = self.files.get(path) or self.others.get(path)
        return found.loaded if found else None


@dataclass(frozen=True, slots=True)
class _Look:
    given: CompileInput
    cache: Cache
    found: Discovery
    known: frozenset[str]


def discover(given: CompileInput, cache: Cache) -> Discovery:
    """Look at every file of the tree, as far as the contents are there."""
    found = _settings(given, cache)
    settings = found.repository.settings
    if settings is None:
        return found
    look = _Look(given, cache, found, frozenset(given.in_force.values()) | given.named)
    included = cache.included.get(settings.paths)
    if included is None:
        included = cache.included.put(settings.paths, {})
    for path, entry in given.entries.items():
        if not path.endswith(_SUFFIXES) or entry.kind == "tree" or path == SETTINGS:
            continue
        taken = included.get(path)
        if taken is None:
            taken = included[path] = settings.paths.includes(path)
        if taken or path in look.known:
            _candidate(look, path, entry)
        else:
            found.rows.append(FileRow(path, "out", f"left out by `paths` of {SETTINGS}"))
    _follow(look)
    return found


def _settings(given: CompileInput, cache: Cache) -> Discovery:
    entry = given.entries.get(SETTINGS)
    if entry is None:
        return Discovery(LoadedRepository(Repository(), (), Places(SETTINGS)))
    nothing = LoadedRepository(None, (), Places(SETTINGS))
    if entry.kind != "blob":
        problem = Problem("PL-308", f"a {entry.kind}: settings are read from a file only", Place(SETTINGS))
        return Discovery(nothing, problems=[problem])
    loaded = cache.settings.get(entry.id)
    if loaded is None and entry.id not in given.blobs:
        return Discovery(nothing, missing={entry.id})
    if loaded is None:
        loaded = cache.settings.put(entry.id, load_repository(SETTINGS, given.blobs[entry.id]))
    return Discovery(loaded, problems=list(loaded.problems))


def _candidate(look: _Look, path: str, entry: Entry) -> None:
    found, forced = look.found, path in look.known
    if entry.kind != "blob":
        _not_a_file(look, path, entry)
        return
    if entry.size > MAX_BYTES and not forced:
        found.rows.append(FileRow(path, "ignored", f"larger than {MAX_BYTES:,} bytes"))
        return
    known = look.cache.files.get((path, entry.id))
    if known is None or (known is False and forced):
        known = _read(look, path, entry)
    if known is None:
        found.missing.add(entry.id)
    elif known is False or (known.loaded.look == "other" and not forced):
        found.rows.append(FileRow(path, "ignored", "no document with `version: 1.1` and `kind`"))
    else:
        found.files[path] = known
        found.rows.append(FileRow(path, "in", _why(look, known.loaded)))


def _not_a_file(look: _Look, path: str, entry: Entry) -> None:
    look.found.rows.append(FileRow(path, "ignored", f"a {entry.kind}: specs are never read through one"))
    hint = "commit the file itself" if entry.kind == "symlink" else "specs come from this repository only"
    problem = Problem("PL-308", f"a {entry.kind} is not read as a spec", Place(path), hint=hint)
    held = path in look.known
    look.found.problems.append(problem if held else replace(problem, severity=Severity.WARNING))


def _read(look: _Look, path: str, entry: Entry) -> SpecFile | Literal[False] | None:
    """The file; False for one that does not look like a spec, None while its content is not there."""
    key = (path, entry.id)
    if entry.size > MAX_BYTES:
        problem = Problem("PL-103", f"the file has {entry.size:,} bytes, more than {MAX_BYTES:,}", Place(path))
        return look.cache.files.put(key, SpecFile(Loaded(path, (), (problem,), "suspect"), ()))
    data = look.given.blobs.get(entry.id)
    if data is None:
        return None
    if path not in look.known and not any(word in data for word in _WORDS):
        return look.cache.files.put(key, _NO_SPEC)
    loaded = load(path, data)
    if loaded.look == "other" and path not in look.known:
        return look.cache.files.put(key, _NO_SPEC)
    return look.cache.files.put(key, SpecFile(loaded, references(loaded)))


def _why(look: _Look, loaded: Loaded) -> str:
    kinds = sorted({document.kind for document in loaded.documents if document.kind})
    what = " and ".join(kinds) or "spec"
    if loaded.look == "spec":
        return what
    if loaded.path in look.given.named:
        return f"{what}, named"
    if loaded.look == "other":
        return f"{what}: a root in force comes from it"
    return f"{what}: a line of it starts like a spec"


def _follow(look: _Look) -> None:
    """Read what operations refer to outside of the spec files, and what that refers to."""
    found, entries = look.found, look.given.entries
    waiting = [path for file in found.files.values() for path in file.refs]
    while waiting:
        path = waiting.pop()
        entry = entries.get(path)
        if entry is None or entry.kind != "blob" or path in found.files or path in found.others:
            continue
        kept = look.cache.files.get((path, entry.id))
        known = kept if isinstance(kept, SpecFile) else _component(look, path, entry)
        if known is None:
            found.missing.add(entry.id)
        else:
            found.others[path] = known
            waiting += known.refs


def _component(look: _Look, path: str, entry: Entry) -> SpecFile | None:
    """A file that is read because an operation refers to it, whatever it looks like."""
    data = b"" if entry.size > MAX_BYTES else look.given.blobs.get(entry.id)
    if data is None:
        return None
    loaded = load(path, data)
    found = SpecFile(loaded, references(loaded))
    look.cache.files.put((path, entry.id), found)
    return found
