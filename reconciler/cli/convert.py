"""`plumbline convert`: spec files in the spelling of today. Needs no git and no daemon."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from planner.errors import Problem, Severity
from planner.render.json import problem_json
from planner.spec.convert import converted
from reconciler.cli import show
from reconciler.cli.failure import Code, Failure
from reconciler.cli.offline import config_of, project_at
from reconciler.cli.session import Session, session_of
from reconciler.cli.unified import unified
from reconciler.compiling import calmly

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class _File:
    """A spec file.

    Attributes:
        path: where it is.
        before: its bytes.
        after: in the spelling of today.
        problems: why it stays as it is.
        refused: whether it stays as it is because edits would have changed what it means.
    """

    path: Path
    before: bytes
    after: bytes
    problems: tuple[Problem, ...]
    refused: bool

    @property
    def changes(self) -> bool:
        """Whether there is something to convert."""
        return self.before != self.after

    @property
    def name(self) -> str:
        """Its path from the current folder."""
        return os.path.relpath(self.path)


def run(
    ctx: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Folders or files.")] = None,
    *,
    write: Annotated[bool, typer.Option("--write", help="Change the files.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only name them; exit code 1 when there are any.")] = False,
) -> int:
    """Bring spec files to the spelling of today.

    Shows what would change as a diff. Comments, order, quotes and blank lines stay, and so does what the files mean.
    Files with problems are left alone; exit code 2 then.
    """
    session = session_of(ctx)
    if write and check:
        raise Failure(Code.INPUT, "--write and --check exclude each other")
    files = [_read(path) for path in sorted(set(_specs(session, paths or [Path()])))]
    changed = [file for file in files if file.changes]
    if write:
        for file in changed:
            _write(file)
    _tell(session, files, write=write, check=check)
    if any(file.problems for file in files):
        return Code.INPUT
    return Code.FAILED if check and changed else Code.FINE


def _specs(session: Session, paths: Sequence[Path]) -> Iterator[Path]:
    """The spec files of folders, and every file that is named."""
    for path in paths:
        if path.is_file():
            yield path.resolve()
            continue
        with project_at(path) as project:
            config, _ = config_of(session, project)
            top, wanted = project.top.resolve(), path.resolve()
            rows = [row.path for row in project.now().rows(config) if row.state == "in"]
        yield from (top / name for name in rows if (top / name).is_relative_to(wanted))


def _read(path: Path) -> _File:
    try:
        before = path.read_bytes()
    except OSError as error:
        raise Failure(Code.ENVIRONMENT, f"cannot read {path}: {error.strerror}") from None
    found = calmly(converted, path.name, before)
    errors = (problem for problem in found.problems if problem.severity is Severity.ERROR)
    told = (replace(problem, place=replace(problem.place, path=os.path.relpath(path))) for problem in errors)
    return _File(path, before, found.data, tuple(told), found.refused)


def _write(file: _File) -> None:
    """Replace a file by the new one, whole, with its mode: whatever happens, one of both is there."""
    fresh: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".plumbline-", dir=file.path.parent)
        fresh = Path(name)
        with os.fdopen(handle, "wb") as out:
            out.write(file.after)
        fresh.chmod(file.path.stat().st_mode & 0o7777)
        fresh.replace(file.path)
    except OSError as error:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
        raise Failure(Code.ENVIRONMENT, f"cannot write {file.path}: {error.strerror}") from None


def _tell(session: Session, files: Sequence[_File], *, write: bool, check: bool) -> None:
    changed = [file for file in files if file.changes]
    problems = [problem for file in files for problem in file.problems]
    if session.json:
        names = [file.name for file in changed]
        show.value({"changed": names, "written": write, "problems": [problem_json(one) for one in problems]})
        return
    for file in changed:
        if write or check:
            show.line(file.name)
        else:
            typer.echo(_diff(file), nl=False)
    for problem in problems:
        show.warn(str(problem))
    for file in files:
        if file.refused:
            show.warn(f"{file.name}: left as it is, as its edits would change what it means; convert it by hand")
    said = "changed" if write else "would change"
    show.warn(f"{len(files)} files, {len(changed)} {said}")


def _diff(file: _File) -> str:
    before, after = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (file.before, file.after))
    lines = (f"--- a/{file.name}\n", f"+++ b/{file.name}\n", *unified(before, after))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
