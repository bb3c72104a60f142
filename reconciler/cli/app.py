"""The program: a group whose commands are loaded when they are called.

`--help` must stay quick, so this module imports typer and nothing slow; see `table`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from planner.spec.words import nearest
from reconciler.cli.failure import explained
from reconciler.cli.session import Config, Form, State, answers_in, common, session_of
from reconciler.cli.table import ENTRIES, GROUPS, Entry

__all__ = ["app"]

_BY_NAME = {entry.name: entry for entry in ENTRIES}


class Commands(TyperGroup):
    """The group of all commands, loaded on demand (typer's own extension point)."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- typer's signature
        """All names, in the order of the help."""
        return list(_BY_NAME)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 -- typer's signature
        """The command of that name, with its module loaded now."""
        entry = _BY_NAME.get(cmd_name)
        return _load(entry) if entry is not None else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was typed, or a hint at the one that was meant."""
        if args[0] not in _BY_NAME and not args[0].startswith("-"):
            near = nearest(args[0], _BY_NAME)
            ctx.fail(f"there is no command `{args[0]}`" + (f"; did you mean `{near}`?" if near else ""))
        if args[0] in _BY_NAME:
            _refuse_surplus(ctx, _BY_NAME[args[0]])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 -- typer's signature
        """The list of commands, by task."""
        for group in GROUPS:
            with formatter.section(group):
                formatter.write_dl([(entry.name, entry.summary) for entry in ENTRIES if entry.group == group])

    def invoke(self, ctx: Any) -> Any:
        """Run a command; whatever goes wrong is said in words, and what it returns is the exit code."""
        with explained():
            code = super().invoke(ctx)
        if isinstance(code, int) and code:
            raise typer.Exit(code)


def _refuse_surplus(ctx: Any, entry: Entry) -> None:
    """Refuse a common option before the command that the command does not take: it would count for nothing."""
    form = session_of(ctx).output
    if not answers_in(entry.name, form):
        ctx.fail(f"`{entry.name}` does not answer in {form}")
    surplus = sorted(session_of(ctx).given - set(entry.common))
    if surplus:
        takes = ", ".join(f"--{name}" for name in entry.common) or "none of the common options"
        ctx.fail(f"`{entry.name}` does not take --{surplus[0]}; it takes {takes}")


def _load(entry: Entry) -> Any:
    function = importlib.import_module(entry.module).run
    command = _command(function, entry.name, f"{entry.summary}\n\n{_details(function.__doc__ or '')}")
    shared = _command(common, entry.name, None)
    command.params.extend(param for param in shared.params if param.name in entry.common)
    return command


def _command(function: Callable[..., object], name: str, words: str | None) -> Any:
    made = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    made.command(name, help=words)(function)
    return get_command(made)


def _details(doc: str) -> str:
    """What a docstring says after its first line, as far as it is meant for whoever types the command."""
    _, _, rest = inspect.cleandoc(doc).partition("\n")
    return re.split(r"^(?:Args|Returns|Raises):$", rest.strip(), maxsplit=1, flags=re.MULTILINE)[0].strip()


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(importlib.import_module("reconciler.api.version").version())
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    state: State = None,
    config: Config = None,
    output: Form = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version)] = False,
) -> None:
    """Keep machine-learning operations in line with git."""
