"""`plumbline validate`: every problem of spec files at once. Needs no git and no daemon."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from planner.compile.discover import Discovery, discover
from planner.compile.reading import SpecFile
from planner.errors import Problem, Severity
from planner.model.desired import CompiledOperation, DesiredState
from planner.render.json import problem_json
from planner.render.sarif import sarif
from reconciler.api.version import version
from reconciler.cli import expect as examples
from reconciler.cli import show
from reconciler.cli.compiled_as import compiled_as
from reconciler.cli.failure import Code, Failure
from reconciler.cli.offline import Files, project_at
from reconciler.cli.session import Output, Session, session_of
from reconciler.compiling import compiled

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of one project.

    Attributes:
        top: its root.
        below: the folder of the repository that the root is; "" for all of it.
        operations: of the files that were asked for, by name.
        components: the file and name of each.
        presets: the same.
        problems: in order of place.
    """

    top: Path
    below: str
    operations: Mapping[str, CompiledOperation]
    components: Sequence[tuple[str, str]]
    presets: Sequence[tuple[str, str]]
    problems: Sequence[Problem]


def run(
    ctx: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Folders or files.")] = None,
    *,
    expect: Annotated[bool, typer.Option("--expect", help="Compare examples with their expect.yaml.")] = False,
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="Check as for this backend; `local` by default.")
    ] = None,
) -> None:
    """Check spec files: every problem at once, with its place and a hint.

    A file that is named counts as a spec whatever it holds. What its folder or repository holds besides is read for
    what it refers to. Exit code 2 when anything is wrong; warnings are none.
    """
    session = session_of(ctx)
    if expect:
        if backend is not None:
            raise Failure(Code.INPUT, "--expect goes by what the examples say, and excludes --backend")
        examples.run(session, paths or [Path()])
        return
    found = [_check(session, backend, top, asked) for top, asked in _by_project(paths or [Path()]).items()]
    problems = [problem for part in found for problem in part.problems]
    if session.output is Output.SARIF:
        show.value(sarif([_in_repository(part, problem) for part in found for problem in part.problems], version()))
    elif session.json:
        show.value(
            {
                "problems": [problem_json(problem) for problem in problems],
                "operations": [_operation(one) for part in found for one in part.operations.values()],
                "components": [_document(one) for part in found for one in part.components],
                "presets": [_document(one) for part in found for one in part.presets],
            }
        )
    else:
        _tell(found)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise typer.Exit(Code.INPUT)


def _by_project(paths: Collection[Path]) -> Mapping[Path, list[Path]]:
    """What was asked for, by the root of its project."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        with project_at(path) as project:
            found.setdefault(project.top, []).append(path.absolute())
    return found


def _check(session: Session, backend: str | None, top: Path, asked: Sequence[Path]) -> _Checked:
    wanted = [_inside(top, path) for path in asked]
    named = frozenset(name for name, path in zip(wanted, asked, strict=True) if path.is_file())
    with project_at(top) as project, show.working(f"reading {top}"):
        config = compiled_as(session, project, backend, None).config
        below = _inside(project.repository.top, top) if project.repository else ""
        files = project.now()
        _check_named(files, named)
        given = files.given(config, named=named)
        desired = compiled(given, files.cache)
        found = discover(given, files.cache)
    return _Checked(
        top=top,
        below=below,
        operations={name: one for name, one in desired.roots.items() if _asked(one.place.path, wanted)},
        components=[
            (file.path, name) for file in _files(found, wanted) for kind, name in file.names if kind == "component"
        ],
        presets=[(file.path, preset.name) for file in _files(found, wanted) for preset in file.presets],
        problems=_problems(desired, wanted),
    )


def _check_named(files: Files, named: Collection[str]) -> None:
    for name in sorted(set(named) - files.tree.entries.keys()):
        raise Failure(Code.INPUT, f"{name} is ignored by git, so no commit will have it")


def _inside(top: Path, path: Path) -> str:
    """A path as the repository has it; "" for the root."""
    inside = PurePosixPath(path.resolve().relative_to(top.resolve())).as_posix()
    return "" if inside == "." else inside


def _asked(path: str, wanted: Collection[str]) -> bool:
    return any(not name or path == name or path.startswith(f"{name}/") for name in wanted)


def _problems(desired: DesiredState, wanted: Collection[str]) -> list[Problem]:
    return [problem for problem in desired.problems if _asked(problem.place.path, wanted)]


def _files(found: Discovery, wanted: Collection[str]) -> list[SpecFile]:
    return [file for path, file in sorted(found.files.items()) if _asked(path, wanted)]


def _document(one: tuple[str, str]) -> Mapping[str, object]:
    path, name = one
    return {"path": path, "name": name}


def _operation(operation: CompiledOperation) -> Mapping[str, object]:
    return {
        "name": operation.name,
        "kind": operation.kind,
        "path": operation.place.path,
        "line": operation.place.line,
        "refused": operation.refused,
    }


def _tell(found: Sequence[_Checked]) -> None:
    for part in found:
        for problem in part.problems:
            show.line(str(replace(problem, place=replace(problem.place, path=_here(part.top, problem.place.path)))))
        for name, operation in sorted(part.operations.items()):
            refused = f": refused, {operation.refused}" if operation.refused else ""
            show.line(f"{_here(part.top, operation.place.path)}: operation {name} ({operation.kind}){refused}")
        for kind, documents in (("component", part.components), ("preset", part.presets)):
            for path, name in documents:
                show.line(f"{_here(part.top, path)}: {kind}{f' {name}' if name else ''}, not run")
    errors = sum(problem.severity is Severity.ERROR for part in found for problem in part.problems)
    warnings = sum(problem.severity is Severity.WARNING for part in found for problem in part.problems)
    counts = [
        _count(sum(len(part.operations) for part in found), "operation"),
        _count(sum(len(part.components) for part in found), "component"),
        _count(sum(len(part.presets) for part in found), "preset"),
        _count(errors, "problem"),
        _count(warnings, "warning"),
    ]
    show.line(", ".join(counts))


def _in_repository(part: _Checked, problem: Problem) -> Problem:
    place = replace(problem.place, path="/".join(filter(None, (part.below, problem.place.path))))
    return replace(problem, place=place)


def _here(top: Path, path: str) -> str:
    """A path as it is typed from the current folder, so that a terminal can open it."""
    return os.path.relpath(top / path)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
