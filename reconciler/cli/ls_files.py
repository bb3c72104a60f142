"""`plumbline ls-files`: what counts as a spec file here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import show
from reconciler.cli.offline import config_of, project_at
from reconciler.cli.session import session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder; its whole repository counts.")] = Path(),
) -> None:
    """List YAML and JSON files: which are specs, and why the others are not."""
    session = session_of(ctx)
    with project_at(path) as project:
        config, _ = config_of(session, project)
        rows = project.now().rows(config)
    if session.json:
        show.value({"files": [{"path": row.path, "state": row.state, "why": row.why} for row in rows]})
        return
    show.columns(["STATE", "FILE", "WHY"], [[row.state, row.path, row.why] for row in rows])
    if not rows:
        show.line("no YAML or JSON files")
