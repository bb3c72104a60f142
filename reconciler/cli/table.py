"""Which commands there are. `plumbline --help` reads this and nothing else, so that it is quick.

A command is the function `run` of its module, loaded when it is called. Tests hold the summaries and docs/cli.md
against the functions.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENTRIES", "GROUPS", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command.

    Attributes:
        name: as typed.
        group: heading in the help.
        summary: one line: the first of its function's docstring.
        common: which of the common options it takes.
    """

    name: str
    group: str
    summary: str
    common: tuple[str, ...] = ("state", "config", "output")

    @property
    def module(self) -> str:
        """Where its `run` is."""
        return f"reconciler.cli.{self.name.replace('-', '_')}"


GROUPS = ("Try", "Before a commit", "Look", "Act", "Serve")
"""Headings of the help, by task."""

_FILES = ("config", "output")
_PLACE = ("state", "config")

ENTRIES: tuple[Entry, ...] = (
    Entry("demo", "Try", "Show the whole chain in one terminal: push, plan, run, status.", common=()),
    Entry("validate", "Before a commit", "Check spec files: every problem at once, with its place and a hint.", _FILES),
    Entry("plan", "Before a commit", "Show what a commit, or the files as they are, would do."),
    Entry(
        "ls-files", "Before a commit", "List YAML and JSON files: which are specs, and why the others are not.", _FILES
    ),
    Entry("convert", "Before a commit", "Bring spec files to the spelling of today.", _FILES),
    Entry("schema", "Before a commit", "Print the JSON Schema of spec documents, for editors.", ()),
    Entry("status", "Look", "Show the state of every operation, or what a commit caused."),
    Entry("runs", "Look", "List runs, newest first."),
    Entry("graph", "Look", "Show the graph of a DAG, or of a run with the statuses of its nodes."),
    Entry("diff", "Look", "Show what differs between two runs."),
    Entry("logs", "Look", "Print what a run wrote; all nodes of a DAG.", _PLACE),
    Entry(
        "metrics", "Look", "Show what a run measured: the last value of each metric, or with json or csv every value."
    ),
    Entry("sweep", "Look", "Show what a sweep has found: its trials, the best point, and what each param does."),
    Entry("artifacts", "Look", "List what a run left, or fetch a file or folder of it."),
    Entry("open", "Look", "Print where a service answers, and open it on a terminal."),
    Entry("explain", "Look", "Say why an operation will or will not run, or why a run is as it is."),
    Entry("schedule", "Look", "Show when schedules fire next, in their time zones."),
    Entry("queue", "Look", "Show queues: what they may hold, who holds it, and who waits."),
    Entry("run", "Act", "Run an operation once, now."),
    Entry("backfill", "Act", "Run an operation for ticks of its schedule that have no run."),
    Entry("stop", "Act", "Stop a run, or everything of an operation."),
    Entry("retry", "Act", "Start what failed or was stopped once more."),
    Entry("event", "Act", "Start what listens to an event."),
    Entry("approve", "Act", "Release a hold."),
    Entry("suspend", "Act", "Start nothing new, of one operation or of the project."),
    Entry("unsuspend", "Act", "Let an operation, or the project, go on."),
    Entry("gc", "Act", "Remove runs beyond what retention keeps."),
    Entry("doctor", "Serve", "Check a configuration and what it needs, without a daemon."),
    Entry("move-ledger", "Serve", "Bring the ledger from the state folder into the database of `ledger.url`."),
    Entry("adopt", "Act", "Show what another ledger left on the cluster, or end and remove it."),
    Entry("daemon", "Serve", "Follow a repository and keep the world in line with it.", _PLACE),
)
