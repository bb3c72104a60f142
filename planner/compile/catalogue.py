"""Names that the daemon's configuration gives a meaning to: connections, queues and namespaces.

Decides whether a name is known here and whether a queue can ever grant what is asked of it. Where the configuration is
not known (a check without one), no name is wrong. Nothing here sees the value of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from planner.compile.amounts import amount_in, amounts_of, plain
from planner.compile.given import CompileConfig
from planner.compile.origin import Origin, Report
from planner.compile.scope import UNKNOWN
from planner.compile.template import Symbol
from planner.compile.template.symbols import Partial
from planner.errors import Problem
from planner.model.gang import Gang
from planner.spec.queues import Queue, amount
from planner.spec.shape import is_template
from planner.spec.words import nearest, short

__all__ = ["check_connections", "check_namespace", "check_queue", "scope_of_connections"]

_COMPARED = 200
"""Names that one that is not there is compared with: configurations have fewer, and it costs."""


def check_connections(names: Iterable[str], origin: Origin, config: CompileConfig, report: Report) -> None:
    """Whether the configuration has connections of these names; templates are left for when they are known.

    Args:
        names: as a list of the spec has them, or one alone.
        origin: where the list is written; the name itself, where that is no list.
        config: of the daemon.
        report: takes PL-302 for each that is not there.
    """
    for index, name in enumerate(names):
        if config.connections is not None and name not in config.connections and not is_template(name):
            report.add(_unknown("connection", name, () if report.full else config.connections, origin.first((index,))))


def scope_of_connections(names: Iterable[str], config: CompileConfig) -> Mapping[str, Partial]:
    """What templates read as `connections.NAME`, or as `init.NAME`: the schema of each, empty where it has none."""
    return {name: _schema(name, config) for name in names if not is_template(name)}


def _schema(name: str, config: CompileConfig) -> Partial:
    if config.connections is None or name not in config.connections:
        return Symbol(f"{UNKNOWN}connections.{name}")
    return dict(config.connections[name].schema_fields)


def check_namespace(name: str | None, origin: Origin, config: CompileConfig, report: Report) -> None:
    """Whether operations may run in a namespace: the daemon's own, or one that its configuration allows."""
    if not name or config.namespaces is None or name == config.namespace or is_template(name):
        return
    allowed = {*config.namespaces, config.namespace}
    if name not in allowed:
        near = "" if report.full else nearest(name, islice(sorted(allowed), _COMPARED))
        hint = f"did you mean `{near}`?" if near else "add it to `namespaces` in the daemon's configuration"
        report.add(origin.problem("PL-302", f"operations may not run in the namespace `{short(name)}`", hint))


def check_queue(name: str, gang: Gang | None, origin: Origin, pair: tuple[CompileConfig, Report]) -> None:
    """Whether there is a queue of that name, and whether it can ever grant what a gang asks for.

    Args:
        name: as the spec has it: `queue`, or `agent/queue`; "" for none.
        gang: that would wait in it; None to look at the name alone.
        origin: where the name is written.
        pair: the configuration of the daemon, and what takes problems.
    """
    config, report = pair
    if not name or config.queues is None or is_template(name):
        return
    parts = name.replace(".", "/").split("/")
    queue = config.queues.get(parts[-1]) if len(parts) <= 2 else None
    if queue is None:
        report.add(_unknown("queue", name, () if report.full else config.queues, origin))
        return
    for problem in _above(parts[-1], queue, gang, origin):
        report.add(problem)


def _above(name: str, queue: Queue, gang: Gang | None, origin: Origin) -> Iterator[Problem]:
    wants = amounts_of(gang) if gang is not None else {}
    for resource, limit in queue.resources.items():
        wanted, most = amount_in(wants, resource), amount(limit)
        if most is not None and wanted > most:
            message = f"{plain(wanted)} of {resource} are wanted together, and the queue `{name}` has {limit} in all"
            yield origin.problem("PL-702", message, "ask for less, or name a larger queue")
    if gang is not None and queue.runs == 0:
        yield origin.problem("PL-702", f"the queue `{name}` lets nothing run", "name another queue")


def _unknown(what: str, name: str, known: Iterable[str], origin: Origin) -> Problem:
    near = nearest(name, islice(known, _COMPARED))
    hint = f"did you mean `{near}`?" if near else f"add it to `{what}s` in the daemon's configuration"
    return origin.problem("PL-302", f"there is no {what} `{short(name)}` in the configuration", hint)
