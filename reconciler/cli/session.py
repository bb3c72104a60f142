"""What all commands share: where the daemon is, and in which form to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

__all__ = ["RARE", "Config", "Form", "Output", "Session", "State", "answers_in", "common", "session_of"]


class Output(StrEnum):
    """In which form to print."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    """Only of problems: `validate` has it."""
    MERMAID = "mermaid"
    """Only of graphs: `graph` has it."""
    CSV = "csv"
    """Only of series and tables of trials: `metrics` and `sweep` have it."""


@dataclass(slots=True)
class Session:
    """The common options, given before or after the command's name.

    Attributes:
        state: the daemon's state folder; None for that of the configuration or the default.
        config: its configuration file.
        output: in which form to print.
        given: names of the options that were typed.
    """

    state: Path | None = None
    config: Path | None = None
    output: Output = Output.TEXT
    given: set[str] = field(default_factory=set)

    @property
    def json(self) -> bool:
        """Whether a program reads the answer."""
        return self.output is Output.JSON


def session_of(ctx: typer.Context) -> Session:
    """The session of a command's context."""
    root = ctx.find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session()
    return root.obj


RARE: Mapping[Output, frozenset[str]] = MappingProxyType(
    {
        Output.SARIF: frozenset({"validate"}),
        Output.MERMAID: frozenset({"graph"}),
        Output.CSV: frozenset({"metrics", "sweep"}),
    }
)
"""Forms that few commands answer in."""


def answers_in(name: str | None, form: Output) -> bool:
    """Whether a command answers in a form."""
    return form not in RARE or name in RARE[form]


def _keep(name: str) -> Callable[[typer.Context, object], object]:
    def keep(ctx: typer.Context, value: object) -> object:
        if isinstance(value, Output) and ctx.parent is not None and not answers_in(ctx.info_name, value):
            raise typer.BadParameter(f"`{ctx.info_name}` does not answer in {value}")
        if value is not None:
            session = session_of(ctx)
            setattr(session, name, value)
            session.given.add(name)
        return value

    return keep


State = Annotated[
    Path | None,
    typer.Option("--state", help="The daemon's state folder.", callback=_keep("state"), expose_value=False),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The daemon's configuration.", callback=_keep("config"), expose_value=False),
]
Form = Annotated[
    Output | None,
    typer.Option(
        "--output",
        "-o",
        help="Form of the answer; sarif is for validate, mermaid for graph, csv for metrics and sweep.",
        callback=_keep("output"),
        expose_value=False,
    ),
]


def common(state: State = None, config: Config = None, output: Form = None) -> None:
    """Take the common options."""
