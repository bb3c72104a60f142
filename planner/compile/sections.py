"""Sections that a component and an operation share, looked at once they are merged (reference, sections 10 and 16).

Decides what fits no run of a kind, what has no effect, and what is written in the language of templates. Why something
cannot run here is said as a reason, since what cannot run is valid all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.compile.conditions import check_condition
from planner.compile.origin import Origin, Report, warning
from planner.errors import Problem
from planner.model.events import REPOSITORY, RUNS, has_source
from planner.spec.build import Build
from planner.spec.cache import Cache
from planner.spec.document import DocumentFields
from planner.spec.events import COMMIT, RUN_STATUS, EventTrigger
from planner.spec.operation import Operation
from planner.spec.plugins import Plugins
from planner.spec.shape import is_template
from planner.spec.termination import Termination
from planner.spec.words import listed, nearest, short

__all__ = ["check_operation", "check_sections", "reasons"]

_SERVICE_ONLY = ("sandbox", "ssh")
_REFUSED = {
    "docker": "`plugins.docker` would give the run the host's Docker, and with it the host",
    "tmux": "`plugins.tmux` needs a terminal that a run does not have",
    "sandbox": "`plugins.sandbox` would let commands into the container past what the repository says",
    "ssh": "`plugins.ssh` would let people into the container past what the repository says",
}


def check_sections(said: DocumentFields, kind: str, names: Sequence[str], origin: Origin, report: Report) -> None:
    """What is wrong with the shared sections of one run.

    Args:
        said: the merged component or operation.
        kind: of its run.
        names: of its inputs and outputs.
        origin: where it is written.
        report: takes problems and warnings.
    """
    found = (
        *_plugins(said, kind, origin.at("plugins")),
        *_build(said, kind, origin.at("build")),
        *_termination(said, kind, origin.at("termination")),
        *_cache(said, names, origin.at("cache")),
    )
    for problem in found:
        report.add(problem)
    for index, hook in enumerate(said.hooks if isinstance(said.hooks, tuple) else ()):
        check_condition(hook.conditions, origin.at("hooks", index, "conditions"), report)


def check_operation(operation: Operation, origin: Origin, report: Report, *, in_dag: bool) -> None:
    """What is wrong with events, conditions and triggers of one operation.

    Args:
        operation: as written or merged.
        origin: where it is written.
        report: takes problems and warnings.
        in_dag: whether it is an operation of a DAG.
    """
    check_condition(operation.conditions, origin.at("conditions"), report)
    for problem in (*_events(operation, origin.at("events"), in_dag=in_dag), *_alone(operation, origin, in_dag=in_dag)):
        report.add(problem)


def reasons(said: DocumentFields) -> Iterator[str]:
    """Why something may not run here, whatever the backend: one sentence each."""
    if isinstance(said.plugins, Plugins):
        yield from (reason for name, reason in _REFUSED.items() if getattr(said.plugins, name) is True)
    if said.template is not None and said.template.enabled is True:
        fields = said.template.fields
        what = f": {', '.join(map(short, fields[:10]))}" if isinstance(fields, tuple) and fields else ""
        yield f"it is a template that is to be filled in first{what}; then remove `template` or set `enabled: false`"


def _plugins(said: DocumentFields, kind: str, origin: Origin) -> Iterator[Problem]:
    if not isinstance(said.plugins, Plugins) or kind == "service":
        return
    for name in _SERVICE_ONLY:
        if getattr(said.plugins, name) is True:
            message = f"`plugins.{name}` is for services only, and this is a {kind}"
            yield origin.at(name).problem("PL-209", message, "remove it, or use `kind: service`")


def _build(said: DocumentFields, kind: str, origin: Origin) -> Iterator[Problem]:
    if isinstance(said.build, Build | str) and kind == "dag":
        message = "a DAG has no image to build"
        yield origin.key_problem("PL-209", message, "give `build` to the operations that need it")


def _termination(said: DocumentFields, kind: str, origin: Origin) -> Iterator[Problem]:
    if not isinstance(said.termination, Termination):
        return
    idle = [name for name in ("culling", "probe") if getattr(said.termination, name) is not None]
    if kind != "service":
        for name in idle:
            message = f"`termination.{name}` has no effect: only services are stopped when they are idle"
            yield warning(origin.at(name).key_problem("PL-704", message, "remove it"))
    elif idle == ["probe"]:
        message = "`termination.probe` has no effect without `culling`"
        yield warning(origin.at("probe").key_problem("PL-704", message, "add `culling: {timeout: 3600}`"))
    if said.termination.pod_failure_policy is not None and kind in {"service", "dag"}:
        message = f"`termination.podFailurePolicy` has no effect on a {kind}: it is for jobs"
        yield warning(origin.at("podFailurePolicy").key_problem("PL-704", message, "remove it"))


def _cache(said: DocumentFields, names: Sequence[str], origin: Origin) -> Iterator[Problem]:
    if not isinstance(said.cache, Cache) or not isinstance(said.cache.io, tuple):
        return
    for index, name in enumerate(said.cache.io):
        if name not in names and not is_template(name):
            near = nearest(name, names)
            hint = f"did you mean `{near}`?" if near else "remove it, or declare it"
            message = f"`{short(name)}` is neither an input nor an output"
            yield warning(origin.at("io", index).problem("PL-305", message, hint))


def _events(operation: Operation, origin: Origin, *, in_dag: bool) -> Iterator[Problem]:
    for index, event in enumerate(operation.events if isinstance(operation.events, tuple) else ()):
        where = origin.at(index)
        if event.operation and not in_dag:
            hint = f"put both operations into a DAG, or write `ref: runs.{event.operation}`"
            yield where.at("ref").problem("PL-304", "events of operations work inside a DAG only", hint)
            continue
        for number, kind in enumerate(event.kinds):
            if not is_template(kind) and not _happens(event, kind, in_dag=in_dag):
                message = f"the event `{kind}` of `{short(event.ref)}` has no source here: it never happens"
                yield warning(where.at("kinds", number).problem("PL-704", message, _source_of(kind, in_dag=in_dag)))
        if event.paths is not None and COMMIT not in event.kinds:
            message = f"`paths` have no effect on events other than `{COMMIT}`"
            yield warning(where.at("paths").key_problem("PL-704", message, "remove it"))


def _happens(event: EventTrigger, kind: str, *, in_dag: bool) -> bool:
    if event.operation:
        return kind.startswith(RUN_STATUS)
    # In a DAG they refuse the operation, which is said as its reason.
    return has_source(event.ref, kind) or (in_dag and kind.startswith(RUN_STATUS) and event.ref.startswith(RUNS))


def _source_of(kind: str, *, in_dag: bool) -> str:
    """How an event of that kind is written so that it can happen."""
    if kind.startswith(RUN_STATUS):
        return f"write `{kind}` with `ref: {'ops' if in_dag else 'runs'}.NAME`"
    if kind == COMMIT:
        return f"write `ref: {REPOSITORY}`"
    return "write `run_status_…` with `ref: ops.NAME`" if in_dag else "docs/events.md has the kinds that happen"


def _alone(operation: Operation, origin: Origin, *, in_dag: bool) -> Iterator[Problem]:
    """What speaks of operations before this one, where there are none."""
    fields = {"trigger": operation.trigger, "skipOnUpstreamSkip": operation.skip_on_upstream_skip}
    given = [name for name, value in fields.items() if value is not None]
    if given and not in_dag:
        message = f"{listed(given)} has no effect outside of a DAG: nothing comes before this operation"
        yield warning(origin.at(given[0]).key_problem("PL-704", message, "remove it"))
