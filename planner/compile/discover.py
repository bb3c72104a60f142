"""Discovery: which files of a tree are spec files, and why the others are not (design: "Discovery").

Decides by path, by `.plumbline.yaml` and by content, and follows references: `pathRef` to files that are no spec files,
`hubRef` and `urlRef` out of the repository. It says what must still be read or looked up, and does neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from planner.compile.boundary import guarded
from planner.compile.cache import Cache
from planner.compile.fetched import Fetched, follow_outside
from planner.compile.given import SETTINGS, CompileInput, Entry, FileRow
from planner.compile.marks import is_large, starts_like_spec, unmarked, worth_a_look
from planner.compile.reading import SpecFile, as_spec, spoilt, too_large
from planner.errors import Place, Problem, Severity
from planner.spec.load import Document, Loaded
from planner.spec.places import Places
from planner.spec.repository import LoadedRepository, Paths, Repository, load_repository
from planner.spec.text import MAX_BYTES

__all__ = ["Discovery", "discover", "read", "settings_of", "unread"]

_SUFFIXES = (".yaml", ".yml", ".json")
_NO_SPEC: Literal[False] = False
_LARGE = f"larger than {MAX_BYTES:,} bytes"
_NO_DOCUMENT = "no document with `version: 1.1` and `kind`"


@dataclass(slots=True)
class Discovery:
    """What was found in a tree.

    Attributes:
        repository: the settings; their `settings` are None when the file has an error or is not read yet.
        files: spec files by path.
        others: files that are no spec files and that operations refer to, by path.
        problems: with the settings, and with files that cannot be read.
        missing: ids of blobs that must still be read.
        outside: what references out of the repository led to, by key; those not looked up are said to be elsewhere.
        strangers: paths of the files among them.
        presets: of the spec files, by name.
        rows: every YAML and JSON file.
    """

    repository: LoadedRepository
    files: dict[str, SpecFile] = field(default_factory=dict)
    others: dict[str, SpecFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    outside: dict[str, Fetched] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    presets: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    rows: list[FileRow] = field(default_factory=list)

    def file(self, path: str) -> Loaded | None:
        """A file that is a spec file or is referred to."""
        found = self.files.get(path) or self.others.get(path)
        return found.loaded if found else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the tree goes by.

    Attributes:
        known: files that are specs whatever they hold: a root in force comes from them, or they are named.
        large: files over the size of a spec that are looked into.
    """

    given: CompileInput
    cache: Cache
    found: Discovery
    known: frozenset[str]
    large: frozenset[str]


def discover(given: CompileInput, cache: Cache) -> Discovery:
    """Look at every file of the tree, as far as the contents are there. The same input is looked at once."""
    if cache.latest is not None and cache.latest[0] is given:
        return cache.latest[1]
    found = _discover(given, cache)
    cache.latest = (given, found)
    return found


def unread(given: CompileInput, cache: Cache) -> tuple[str, ...]:
    """Paths of the files whose content is there and that `discover` would read now."""
    return tuple(
        path
        for path, entry in _look(given, cache)[1].items()
        if entry.kind == "blob" and entry.id in given.blobs and cache.files.get((path, entry.id)) is None
    )


def read(given: CompileInput, cache: Cache, paths: Iterable[str]) -> Iterator[SpecFile]:
    """Read some files into the cache, as `discover` would; gives those that look like specs, each before the next."""
    look, files = _look(given, cache)
    for path in paths:
        file = _read(look, path, files[path])
        if file:
            yield file


def _discover(given: CompileInput, cache: Cache) -> Discovery:
    look, files = _look(given, cache)
    found = look.found
    if found.repository.settings is None:
        return found
    for path, entry in files.items():
        _candidate(look, path, entry)
    _follow(look)
    keys = {key for file in (*found.files.values(), *found.others.values()) for key in file.outside}
    found.outside = follow_outside(keys, given, cache)
    found.strangers = {one.outside.path for one in found.outside.values() if one.file is not None}
    return found


def _look(given: CompileInput, cache: Cache) -> tuple[_Look, Mapping[str, Entry]]:
    """What to go by, and the files to look at; none without settings."""
    found = settings_of(given, cache)
    settings = found.repository.settings
    files = dict(_included(given, settings.paths, cache, found)) if settings is not None else {}
    known = frozenset(given.in_force.values()) | given.named
    return _Look(given, cache, found, known, worth_a_look(files.items())), files


def _included(given: CompileInput, paths: Paths, cache: Cache, found: Discovery) -> Iterator[tuple[str, Entry]]:
    """Files that `paths` takes, and those that are named.

    What it leaves out is out, also where a root in force comes from it: that removes the root as deleting would.
    """
    included = cache.included.get(paths)
    if included is None:
        included = cache.included.put(paths, {})
    for path, entry in given.entries.items():
        if not path.endswith(_SUFFIXES) or entry.kind == "tree" or path == SETTINGS:
            continue
        taken = included.get(path)
        if taken is None:
            taken = included[path] = paths.includes(path)
        if taken or path in given.named:
            yield path, entry
        else:
            found.rows.append(FileRow(path, "out", f"left out by `paths` of {SETTINGS}"))


def settings_of(given: CompileInput, cache: Cache) -> Discovery:
    """The settings, before any spec file is looked at."""
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
        read = guarded(Place(SETTINGS), partial(load_repository, SETTINGS, given.blobs[entry.id]))
        if isinstance(read, Problem):
            return Discovery(nothing, problems=[read])
        loaded = cache.settings.put(entry.id, read)
    return Discovery(loaded, problems=list(loaded.problems))


def _candidate(look: _Look, path: str, entry: Entry) -> None:
    found, forced = look.found, path in look.known
    if entry.kind != "blob":
        _not_a_file(look, path, entry)
        return
    if is_large(entry) and not forced and path not in look.large:
        found.rows.append(FileRow(path, "ignored", _LARGE))
        return
    known = look.cache.files.get((path, entry.id))
    if known is None or (known is False and forced):
        known = _read(look, path, entry)
    if known is None:
        found.missing.add(entry.id)
    elif known is False or (known.look == "other" and not forced):
        found.rows.append(FileRow(path, "ignored", _LARGE if is_large(entry) else _NO_DOCUMENT))
    else:
        found.files[path] = known
        for preset in (one for one in known.presets if one.name):
            found.presets[preset.name] = (*found.presets.get(preset.name, ()), preset)
        found.rows.append(FileRow(path, "in", _why(look, known)))


def _not_a_file(look: _Look, path: str, entry: Entry) -> None:
    look.found.rows.append(FileRow(path, "ignored", f"a {entry.kind}: specs are never read through one"))
    hint = "commit the file itself" if entry.kind == "symlink" else "specs come from this repository only"
    problem = Problem("PL-308", f"a {entry.kind} is not read as a spec", Place(path), hint=hint)
    held = path in look.known
    look.found.problems.append(problem if held else replace(problem, severity=Severity.WARNING))


def _read(look: _Look, path: str, entry: Entry) -> SpecFile | Literal[False] | None:
    """The file; False for one that does not look like a spec, None while its content is not there."""
    forced = path in look.known
    if is_large(entry) and forced:
        return too_large(path, entry)
    data = look.given.blobs.get(entry.id)
    if data is None:
        return None
    found = guarded(Place(path), partial(_judged, path, entry, data, forced=forced))
    return spoilt(found) if isinstance(found, Problem) else look.cache.files.put((path, entry.id), found)


def _judged(path: str, entry: Entry, data: bytes, *, forced: bool) -> SpecFile | Literal[False]:
    if is_large(entry):
        return too_large(path, entry) if starts_like_spec(data) else _NO_SPEC
    if not forced and unmarked(data):
        return _NO_SPEC
    found = as_spec(path, data)
    return found if forced or found.look != "other" else _NO_SPEC


def _why(look: _Look, file: SpecFile) -> str:
    kinds = sorted({kind for kind, _ in file.names if kind})
    what = " and ".join(kinds) or "spec"
    if file.look == "spec":
        return what
    if file.path in look.given.named:
        return f"{what}, named"
    if file.look == "other":
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
    if is_large(entry):
        return too_large(path, entry)
    data = look.given.blobs.get(entry.id)
    if data is None:
        return None
    found = guarded(Place(path), partial(as_spec, path, data))
    if isinstance(found, Problem):
        return spoilt(found)
    look.cache.files.put((path, entry.id), found)
    return found
