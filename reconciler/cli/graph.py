"""`plumbline graph`: what waits for what, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from planner import keys
from planner.canon import plain
from planner.graph import Graph, graph_of
from planner.model.desired import Dag, DesiredState
from planner.render.graph import graph_mermaid, graph_text
from planner.spec.words import nearest
from reconciler import codec
from reconciler.cli import show
from reconciler.cli.client import connect
from reconciler.cli.failure import Code, Failure
from reconciler.cli.offline import config_of, project_at
from reconciler.cli.session import Output, Session, session_of

__all__ = ["run"]


def run(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="An operation of the files here, or a run of the daemon.")] = None,
    *,
    path: Annotated[Path, typer.Option("--path", help="A folder; its whole repository counts.")] = Path(),
) -> None:
    """Show the graph of a DAG, or of a run with the statuses of its nodes.

    An operation is read from the files as they are, without a daemon; a run is asked for by its key, its id, or
    OPERATION@last. Without a name every DAG is shown.
    """
    session = session_of(ctx)
    graphs = [_of_run(session, name)] if name is not None and _is_run(name) else _of_files(session, path, name)
    if session.json:
        show.value(plain(graphs[0]) if name is not None else {"graphs": [plain(graph) for graph in graphs]})
        return
    draw = graph_mermaid if session.output is Output.MERMAID else graph_text
    for number, graph in enumerate(graphs):
        if number:
            show.line()
        for line in draw(graph):
            show.line(line)
    if not graphs:
        show.line("no DAGs")


def _is_run(name: str) -> bool:
    return "@" in name or keys.SHORT_ID.fullmatch(name) is not None


def _of_run(session: Session, name: str) -> Graph:
    with connect(session) as daemon:
        answer = daemon.get("/v1/graph", run=name)
    return codec.decode(Graph, json.dumps(answer))


def _of_files(session: Session, path: Path, name: str | None) -> list[Graph]:
    with project_at(path) as project:
        config, _ = config_of(session, project)
        desired = project.now().compile(config)
    if name is None:
        return [graph_of(root) for _, root in sorted(desired.roots.items()) if isinstance(root.body, Dag)]
    if name not in desired.roots:
        raise _unknown(desired, name)
    return [graph_of(desired.roots[name])]


def _unknown(desired: DesiredState, name: str) -> Failure:
    near = nearest(name, desired.roots)
    bad = "; `plumbline validate` says what is wrong with its file" if desired.bad_files and not near else ""
    hint = f"; did you mean {near}?" if near else bad
    return Failure(Code.INPUT, f"the files here have no operation `{name[:80]}`{hint}")
