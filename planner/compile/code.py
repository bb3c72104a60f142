"""Code: which content of the repository a run sees (design: "Code").

Every part is a git object by its id, so the digest covers exactly what is seen. Without `paths`, the folder of the spec
file is seen without its spec files: then each of its entries is a part of its own, since the id of the folder itself
would change with a comment in a spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic_core import PydanticCustomError

from planner.compile.given import Entry
from planner.compile.ground import Ground, known, late_problem, left_to_trials
from planner.compile.origin import Origin, warning
from planner.model.gang import CodeTree, Container
from planner.spec.init import GitInit, InitEntry, inside
from planner.spec.shape import is_template

__all__ = ["MAX_PARTS", "Said", "code_of", "said_of", "warn_of_unseen"]

MAX_PARTS = 1000
"""Parts of one run's code."""


Said = tuple[tuple[str, ...] | None, str | None]
"""What an entry says of code: equal entries put equal content at the same place."""


def said_of(entry: InitEntry) -> Said:
    """What tells an entry apart from others."""
    return (entry.git.paths if isinstance(entry.git, GitInit) else None), entry.path


def code_of(init: Iterable[InitEntry], ground: Ground) -> tuple[CodeTree, ...]:
    """The code that the `init` entries of a run name, in their order."""
    found: list[CodeTree] = []
    taken: dict[str, CodeTree] = {}
    told: set[Said] = set()
    for index, entry in enumerate(init):
        if not entry.is_code or said_of(entry) in told or len(found) > MAX_PARTS:
            continue
        told.add(said_of(entry))
        origin = ground.origin.at("init", index)
        for tree in _entry(entry, origin, ground):
            first = taken.setdefault(tree.target, tree)
            if first is tree or first.object_id != tree.object_id:
                found.append(tree)
            if first.object_id != tree.object_id and (first.is_file or tree.is_file):
                message = f"`{first.source}` and `{tree.source}` are both put at `{tree.target}`"
                ground.report.add(origin.problem("PL-211", message, "give one of them another `path`"))
    if len(found) > MAX_PARTS:
        message = f"the code of this run has more than {MAX_PARTS:,} parts"
        ground.report.add(ground.origin.at("init").problem("PL-204", message, "name folders in `paths`"))
    return tuple(found)


def _entry(entry: InitEntry, origin: Origin, ground: Ground) -> Iterator[CodeTree]:
    into = None if entry.path is None else inside(entry.path)
    paths = entry.git.paths if isinstance(entry.git, GitInit) else None
    if paths is None and ground.view.is_outside(origin.path):
        message = "a component that is not of this repository has no folder here"
        ground.report.add(origin.problem("PL-302", message, "name what the run needs of the repository in `git.paths`"))
        return
    if paths is None:
        folder = origin.folder
        yield from _kept(folder, folder if into is None else into, origin, ground)
        return
    for index, said in enumerate(paths):
        where = origin.at("git", "paths", index)
        path = _known(said, where, ground)
        found = None if path is None else ground.view.reachable(path, where, ground.report)
        if path is not None and found is not None:
            _warn_of_submodules(path, found, where, ground)
            yield _part(path, found, _target(path, found, into))


def _known(path: str, origin: Origin, ground: Ground) -> str | None:
    """A path without templates; None with a problem where it is none, or cannot be known before a run starts."""
    if not is_template(path):
        return path
    value = known(path, origin, ground.scope, ground.report)
    if value is None:
        if left_to_trials(path, ground.scope, ground.report) is not None:
            ground.report.add(late_problem(origin, "what each run of the sweep is given"))
        return None
    try:
        return inside(value)
    except PydanticCustomError as error:
        context = error.context or {}
        message = str(context["message"]).format(field="a path of `git.paths`")
        ground.report.add(origin.problem(error.type, message, str(context["hint"])))
        return None


def _target(path: str, entry: Entry, into: str | None) -> str:
    """Where a named part goes: its own place, else a folder's content or a file under its name into `into`."""
    if into is None:
        return path
    if entry.kind == "tree":
        return into
    name = path.rpartition("/")[2]
    return f"{into}/{name}" if into else name


def _part(path: str, entry: Entry, target: str) -> CodeTree:
    is_file = entry.kind == "blob"
    return CodeTree(path, entry.id, target, is_file=is_file, executable=is_file and entry.executable)


def _kept(folder: str, base: str, origin: Origin, ground: Ground) -> Iterator[CodeTree]:
    """The parts of a folder without spec files; a folder below that has none is one part."""
    view = ground.view
    if not view.has_specs(folder):
        entry = view.entry(folder)
        if entry is not None and entry.kind == "tree":
            _warn_of_submodules(folder, entry, origin, ground)
            yield _part(folder, entry, base)
        return
    for path in view.children(folder):
        entry = view.entry(path)
        name = path.rpartition("/")[2]
        below = f"{base}/{name}" if base else name
        if entry is None or view.is_spec(path):
            continue
        if entry.kind == "tree":
            yield from _kept(path, below, origin, ground)
        elif entry.kind == "blob":
            yield _part(path, entry, below)
        else:
            message = f"`{path}` is a {entry.kind}, which this run will not see"
            ground.report.add(warning(origin.problem("PL-308", message, "name what it stands for in `paths`")))


def _warn_of_submodules(path: str, entry: Entry, origin: Origin, ground: Ground) -> None:
    if entry.kind != "tree":
        return
    for module in ground.view.tree.submodules(path):
        message = f"`{module}` is a submodule, which this run will not see"
        ground.report.add(warning(origin.problem("PL-308", message, "commit what the run needs")))


# What the command names

_PATH = re.compile(r"(?:\./)?([\w.@+-]+(?:/[\w.@+-]+)*)")
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def warn_of_unseen(container: Container, code: tuple[CodeTree, ...], ground: Ground) -> None:
    """Warn when the command names a file of the repository that the run will not see."""
    words = (*container.command, *container.args)
    folder = ground.origin.folder if words else ""
    for index, word in enumerate(words):
        after_m = index > 0 and words[index - 1] == "-m"
        for path in _candidates(word, folder, is_module=after_m):
            entry = ground.view.entry(path)
            if entry is None or entry.kind != "blob" or _sees(code, path):
                continue
            part = "command" if index < len(container.command) else "args"
            offset = index if part == "command" else index - len(container.command)
            origin = ground.origin.at("container").first((part, offset), (part,))
            hint = f"add it to the run: `init: [{{git: {{paths: [{path}]}}}}]`"
            ground.report.add(warning(origin.problem("PL-703", f"`{path}` is not among the code of this run", hint)))
            return


def _candidates(word: str, folder: str, *, is_module: bool) -> Iterator[str]:
    if is_module and _MODULE.fullmatch(word):
        path = word.replace(".", "/")
        yield from (f"{path}.py", f"{path}/__main__.py")
    found = _PATH.fullmatch(word)
    if found and "." in found[1]:
        yield found[1]
        if folder:
            yield f"{folder}/{found[1]}"


def _sees(code: tuple[CodeTree, ...], path: str) -> bool:
    """Whether a run has something at this path, or below the folders that it gets."""
    return any(not tree.target or path == tree.target or path.startswith(f"{tree.target}/") for tree in code)
