"""`plumbline artifacts`: what a run left under `outputs/`."""

from __future__ import annotations

import contextlib
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session, session_of

__all__ = ["run"]


class What(StrEnum):
    """What to do."""

    LS = "ls"
    GET = "get"


def run(
    ctx: typer.Context,
    what: Annotated[What, typer.Argument(help="`ls` lists, `get` fetches.")],
    name: Annotated[str, typer.Argument(metavar="RUN", help="An operation, run key, id, OP@last or OP@last-failed.")],
    path: Annotated[str, typer.Argument(help="File or folder below `outputs`; without it all of them.")] = "",
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="DEST", help="Where to put it, which must not exist; - prints a file.")
    ] = None,
) -> None:
    """List what a run left, or fetch a file or folder of it.

    A folder comes with all that is below it. What exists already is never overwritten.
    """
    session = session_of(ctx)
    with connect(session) as daemon:
        if what is What.LS:
            if to is not None:
                raise Failure(Code.INPUT, "--to is for `artifacts get`")
            _list(session, daemon, name, path)
        else:
            _fetch(session, daemon, (name, path), to)


def _list(session: Session, daemon: Daemon, name: str, path: str) -> None:
    answer = daemon.get("/v1/artifacts", run=name, path=path)
    if session.json:
        show.value(answer)
        return
    rows = [[_path(one), _size(one), one["modifiedAt"], (one["sha256"] or "")[:12]] for one in answer["artifacts"]]
    show.columns(["PATH", "SIZE", "WRITTEN", "SHA256"], rows)
    if not rows:
        show.line("no artifacts")
    if answer.get("more"):
        show.line("and more: name a node of the DAG")


def _path(one: dict[str, Any]) -> str:
    return f"{one['path']}/" if one["kind"] == "folder" else str(one["path"])


def _size(one: dict[str, Any]) -> str:
    return str(one["size"]) if one["kind"] == "file" else "" if one["kind"] == "folder" else str(one["kind"])


def _fetch(session: Session, daemon: Daemon, wanted: tuple[str, str], to: str | None) -> None:
    name, path = wanted
    with daemon.download("/v1/artifact", run=name, path=path) as (kind, pieces):
        is_file = kind == "application/octet-stream"
        if to == "-" and not is_file:
            raise Failure(Code.INPUT, "a folder cannot be printed: name a place for it with --to")
        if to == "-":
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        dest = Path(to or PurePosixPath(path).name or "outputs")
        with _fresh(dest) as place:
            (_write if is_file else _unpack)(place, pieces)
    if session.json:
        show.value({"path": str(dest), "kind": "file" if is_file else "folder"})
    else:
        show.line(str(dest))


@contextlib.contextmanager
def _fresh(dest: Path) -> Iterator[Path]:
    """A place beside `dest` that becomes it when all is there, and goes when not."""
    if os.path.lexists(dest):
        raise Failure(Code.INPUT, f"{dest} exists already: name another place with --to")
    try:
        with tempfile.TemporaryDirectory(prefix=".plumbline-", dir=dest.absolute().parent) as folder:
            place = Path(folder, "content")
            yield place
            place.rename(dest)
    except (OSError, tarfile.TarError) as error:
        raise Failure(Code.ENVIRONMENT, f"cannot write {dest}: {error}") from None


def _write(place: Path, pieces: Iterator[bytes]) -> None:
    with place.open("xb") as file:
        for piece in pieces:
            file.write(piece)


def _unpack(place: Path, pieces: Iterator[bytes]) -> None:
    """The archive, first to a file beside: then what is cut short leaves nothing."""
    with tempfile.TemporaryFile(dir=place.parent) as kept:
        for piece in pieces:
            kept.write(piece)
        kept.seek(0)
        place.mkdir()
        with tarfile.open(fileobj=kept, mode="r:") as archive:
            archive.extractall(place, filter="data")  # nothing leads out, whatever the names say
