"""Sections that a compiled operation carries as data, and why those that nothing executes yet refuse it.

What is merged and bound here is what planning and backends will read. A section that changes what runs, or whether, and
that nothing acts on yet refuses the operation; one that only makes it cheaper or is for people does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json
from planner.compile.activity import unculled
from planner.compile.conditions import check_condition
from planner.compile.ground import Ground
from planner.compile.inputs import report_flaws
from planner.compile.origin import Origin
from planner.compile.patch import Placed
from planner.compile.scope import final, has_template, strings
from planner.compile.sections import reasons
from planner.compile.settled import left_of
from planner.compile.template import TemplateError, bind, compile_template
from planner.spec.component import Component
from planner.spec.operation import Operation
from planner.spec.plain import plain
from planner.spec.termination import Termination

__all__ = ["carried", "not_yet"]

_OF_COMPONENT = ("cache", "plugins", "build", "hooks", "is_approved", "mount", "namespace", "cost", "template")
_OF_OPERATION = ("matrix", "joins", "events", "conditions")
_LATER = frozenset({"build", "hooks"})
"""Sections whose templates see what only an end or another run has; here their syntax alone is looked at."""
_LOWERED = frozenset({"maxRetries", "timeout"})
"""Fields of `termination` that a leaf has in a form of its own."""


def carried(operation: Placed[Operation], component: Placed[Component], ground: Ground) -> dict[str, Json]:
    """The sections by YAML name, their templates bound as far as they are known; problems go to the report."""
    found: dict[str, Json] = {}
    for name in _OF_COMPONENT:
        value = getattr(component.section, name)
        if value is not None:
            spelled = Component.model_fields[name].alias or name
            found[spelled] = _bound(name, plain(value), component.origin.at(spelled), ground)
    rest = _rest_of(component.section.termination, component.origin.at("termination"), ground)
    if rest:
        found["termination"] = rest
    left = left_of(component, ground)
    if left:
        found["component"] = left
    for name in _OF_OPERATION:
        value = getattr(operation.section, name)
        if value is not None:
            bind_one = _BOUND_IN_PART.get(name, _bound)
            found[name] = bind_one(name, plain(value), operation.origin.at(name), ground)
    return found


def _bound_joins(name: str, value: Json, origin: Origin, ground: Ground) -> Json:
    """`{{ outputs.loss }}` in a param of a join is the path of a value in other runs, and no template."""
    if not isinstance(value, list | tuple):
        return _bound(name, value, origin, ground)
    found: list[Json] = []
    for index, join in enumerate(value):
        assert isinstance(join, Mapping)
        asked = {key: said for key, said in join.items() if key != "params" or isinstance(said, str)}
        bound = _bound(name, asked, origin.at(index), ground)
        assert isinstance(bound, Mapping)
        found.append({key: bound.get(key, said) for key, said in join.items()})
    return found


def _bound_matrix(name: str, value: Json, origin: Origin, ground: Ground) -> Json:
    """What a tuner is given are templates of its own, over what it knows when it runs."""
    if not isinstance(value, Mapping) or not isinstance(value.get("tuner"), Mapping):
        return _bound(name, value, origin, ground)
    bound = _bound(name, {key: said for key, said in value.items() if key != "tuner"}, origin, ground)
    assert isinstance(bound, Mapping)
    return {key: bound.get(key, said) for key, said in value.items()}


_BOUND_IN_PART = {"joins": _bound_joins, "matrix": _bound_matrix}


def _rest_of(termination: Termination | str | None, origin: Origin, ground: Ground) -> Json:
    """What of it no leaf has in a form of its own: of what it has, only templates that wait for a run of a sweep."""
    said = plain(termination)
    if isinstance(said, Mapping):
        said = {name: value for name, value in said.items() if name not in _LOWERED or isinstance(value, str)}
    found = _bound("termination", said, origin, ground)
    if not isinstance(found, Mapping):
        return found
    return {name: value for name, value in found.items() if name not in _LOWERED or has_template(value)}


def _bound(name: str, value: Json, origin: Origin, ground: Ground) -> Json:
    if name == "conditions":
        value = check_condition(str(value), origin, ground.report) or value
    if not has_template(value):
        return value
    if name in _LATER:
        _check_syntax(value, origin, ground)
        return value
    bound = bind(value, ground.scope, ground.report.templates())
    report_flaws(origin, bound.flaws, ground.report)
    return final(bound)


def _check_syntax(value: Json, origin: Origin, ground: Ground) -> None:
    for at, text in strings(value):
        try:
            compile_template(text)
        except TemplateError as error:
            ground.report.add(origin.below(at).problem(error.code, error.message, error.hint))


# What does not execute yet

_REFUSING = {
    "mount": "a daemon has no local files to upload (`mount`): give the run code of the repository by `init`",
}


def _by_events(events: Json, kind: str, *, in_dag: bool) -> Iterator[str]:
    """Why no event can start the operation."""
    if not isinstance(events, list | tuple) or has_template(events):
        yield "the events that start it must be known when it is read (`events`)"
        return
    refs = [str(event.get("ref")) for event in events if isinstance(event, Mapping)]
    if in_dag and not all(ref.startswith("ops.") for ref in refs):
        yield "in a DAG only operations of the same DAG start one by events: give the other events to the DAG itself"
    if refs and not in_dag and kind == "service":
        yield "a service is to be up, and is not started by events"


def not_yet(sections: Mapping[str, Json], component: Component, *, in_dag: bool) -> Iterator[str]:
    """Why the operation cannot run here: one sentence a section."""
    yield from reasons(component)
    yield from (reason for name, reason in _REFUSING.items() if sections.get(name))
    yield from _by_events(sections.get("events", ()), component.run.kind, in_dag=in_dag)
    if has_template(sections.get("cache")):
        yield "what the cache compares must be known when it is read (`cache`)"
    if isinstance(sections.get("isApproved"), str):
        yield "whether it is approved must be known when it is read (`isApproved`)"
    yield from unculled(component)
    plugins = sections.get("plugins")
    if isinstance(plugins, Mapping) and has_template(plugins.get("notifications")):
        yield "who is notified must be known when it is read (`plugins.notifications`)"
