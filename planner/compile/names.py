"""Connections that a run names: whether there are such, and what templates see of them (reference, 9.3 and 10.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.compile.catalogue import check_connections, scope_of_connections
from planner.compile.given import CompileConfig
from planner.compile.origin import Origin, Report, warning
from planner.compile.pod import groups_of
from planner.compile.template.symbols import Partial
from planner.model.notices import NOTIFYING
from planner.spec.plugins import Plugins
from planner.spec.run import Dag, Run
from planner.spec.words import listed
from planner.spec.workload import Workload

__all__ = ["check_names", "connection_scope"]


def check_names(run: Run, origin: Origin, config: CompileConfig, report: Report) -> None:
    """PL-302 for every connection that the configuration does not have.

    Args:
        run: merged.
        origin: where it is written.
        config: of the daemon.
        report: takes problems.
    """
    if config.connections is None:
        return
    if isinstance(run, Dag):
        check_connections(_names(run), origin.at("connections"), config, report)
    for path, group in groups_of(run):
        where = origin.at(*path)
        check_connections(_names(group), where.at("connections"), config, report)
        for index, name in _of_init(group):
            check_connections((name,), where.at("init", index, "connection"), config, report)


def check_notified(plugins: Plugins | str | None, origin: Origin, config: CompileConfig, report: Report) -> None:
    """PL-302 for a connection that the configuration does not have, PL-704 for one that nobody is told through.

    Args:
        plugins: merged.
        origin: where its notifications are written.
        config: of the daemon.
        report: takes problems and warnings.
    """
    said = plugins.notifications if isinstance(plugins, Plugins) else None
    if config.connections is None or not isinstance(said, tuple):
        return
    for index, one in enumerate(said):
        where = origin.at(index, "connections")
        check_connections(one.connections, where, config, report)
        for number, name in enumerate(one.connections):
            known = config.connections.get(name)
            if known is not None and known.kind not in NOTIFYING:
                message = f"nobody is told through `{name}`: it is of kind `{known.kind}`"
                report.add(warning(where.at(number).problem("PL-704", message, f"use one of kind {listed(NOTIFYING)}")))


def connection_scope(run: Run, config: CompileConfig) -> Mapping[str, Partial]:
    """The variables `connections` and `init` of templates: schemas by name, over all groups of replicas."""
    requested: set[str] = set(_names(run)) if isinstance(run, Dag) else set()
    prepared: set[str] = set()
    for _, group in groups_of(run):
        requested.update(_names(group))
        prepared.update(name for _, name in _of_init(group))
    return {
        "connections": scope_of_connections(sorted(requested), config),
        "init": scope_of_connections(sorted(prepared), config),
    }


def _names(said: Workload | Dag) -> tuple[str, ...]:
    return said.connections if isinstance(said.connections, tuple) else ()


def _of_init(group: Workload) -> Iterator[tuple[int, str]]:
    for index, entry in enumerate(group.init or ()):
        if entry.connection is not None:
            yield index, entry.connection
