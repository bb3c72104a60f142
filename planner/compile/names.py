"""Connections that a run names: whether there are such, and what templates see of them (reference, 9.3 and 10.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.compile.catalogue import check_connections, scope_of_connections
from planner.compile.given import CompileConfig
from planner.compile.origin import Origin, Report
from planner.compile.template.symbols import Partial
from planner.spec.run import Run
from planner.spec.shape import Section

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
    for group, where in _groups(run, origin):
        check_connections(_names(group), where.at("connections"), config, report)
        for index, name in _of_init(group):
            check_connections((name,), where.at("init", index, "connection"), config, report)


def connection_scope(run: Run, config: CompileConfig) -> Mapping[str, Partial]:
    """The variables `connections` and `init` of templates: schemas by name, over all groups of replicas."""
    requested: set[str] = set()
    prepared: set[str] = set()
    for group, _ in _groups(run, None):
        requested.update(_names(group))
        prepared.update(name for _, name in _of_init(group))
    return {
        "connections": scope_of_connections(sorted(requested), config),
        "init": scope_of_connections(sorted(prepared), config),
    }


def _groups(run: Run, origin: Origin | None) -> Iterator[tuple[Section, Origin]]:
    """The run itself, and its groups of replicas, each with where it is written."""
    here: Any = origin
    yield run, here
    for name, field in type(run).model_fields.items():
        value = getattr(run, name)
        spelled = field.alias or name
        if isinstance(value, Section) and "replicas" in type(value).model_fields:
            yield value, here.at(spelled) if origin else here
        elif name == "workers" and isinstance(value, Mapping):
            for key, group in value.items():
                if isinstance(group, Section):
                    yield group, here.at(spelled, key) if origin else here


def _names(group: Section) -> tuple[str, ...]:
    said = getattr(group, "connections", None)
    return said if isinstance(said, tuple) else ()


def _of_init(group: Section) -> Iterator[tuple[int, str]]:
    said = getattr(group, "init", None)
    for index, entry in enumerate(said if isinstance(said, tuple) else ()):
        name = getattr(entry, "connection", None)
        if isinstance(name, str):
            yield index, name
