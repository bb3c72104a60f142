"""Leaves: a gang as its kind lowered it, rendered and checked for what the backend can run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.canon import Json
from planner.compile.bindings import Bindings
from planner.compile.code import warn_of_unseen
from planner.compile.container import GPU
from planner.compile.ground import Ground
from planner.compile.inputs import flaw_problem
from planner.compile.origin import Origin, info, warning
from planner.compile.scope import UNKNOWN, strings
from planner.compile.template import Bound, Scope, bind
from planner.compile.texts import gather, spread
from planner.compile.types import listed_type
from planner.compile.variables import read_by
from planner.errors import Problem
from planner.model.desired import Leaf, Output
from planner.model.gang import Gang
from planner.spec.component import Component
from planner.spec.places import pointer, split
from planner.spec.run import Dag

__all__ = ["finished", "refusal"]

_AMOUNT = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?|\.[0-9]{1,30}")


def finished(gang: Gang, ground: Ground, bindings: Bindings, component: Component) -> Leaf:
    """The leaf of a gang whose texts are as written; problems go to the report.

    Args:
        gang: what its kind lowered it to.
        ground: where the run is written.
        bindings: its inputs.
        component: what it runs.
    """
    texts = spread(gang)
    bound = bind(texts, ground.scope)
    for flaw in bound.flaws:
        ground.report.add(flaw_problem(_origin(flaw.pointer, ground.origin, component), flaw))
    gang = gather(gang, bound)
    for group in gang.replicas:
        at = f"/replicas/{group.role}"
        _check_amounts(group.container.resources, f"{at}/resources", bound.pending, ground)
        _check_amounts(group.container.limits, f"{at}/limits", bound.pending, ground)
        warn_of_unseen(group.container, gang.code, ground)
    _check_slots(gang, ground)
    _tell_environment(gang, ground)
    outputs = component.outputs or ()
    return Leaf(
        gang=gang,
        params=dict(bindings.values),
        references=dict(bindings.references),
        outputs=tuple(Output(io.name, listed_type(io.type or "", is_list=bool(io.is_list))) for io in outputs),
        inputs=bindings.inputs,
        templates=dict(bindings.templates),
        known=_known(texts, bound, bindings, ground.scope),
    )


def _known(texts: Json, bound: Bound, bindings: Bindings, scope: Scope) -> Mapping[str, Json]:
    """What is known now of that which waiting texts read: it counts for the digest, and the start needs it again."""
    waiting = [text for _, text in strings(dict(bindings.templates))]
    waiting += [text for at, text in strings(texts) if at in bound.pending] if bound.pending else []
    known = scope["globals"]
    assert isinstance(known, Mapping)
    found = ((name, known.get(name)) for name in sorted(read_by(waiting)))
    return {name: value for name, value in found if isinstance(value, str)}


def refusal(leaf: Leaf, ground: Ground) -> str:
    """Why the leaf cannot execute here, or ""."""
    if ground.policy.refused:
        return ground.policy.refused
    if ground.policy.backend != "local":
        return ""
    for group in leaf.gang.replicas:
        if not group.container.command:
            image = group.container.image
            what = f"image {image} cannot be run without one" if image else "there is neither command nor image"
            return f"the local backend needs a command; {what}"
        if leaf.gang.ports and group.count > 1:
            # All processes share the addresses of one machine, and a service leases each of its ports once.
            what = f"all {group.count} replicas would listen on the same port"
            return f"{what} on the local backend; set run.replicas to 1, or declare no run.ports"
    return ""


def _origin(at: str, run: Origin, component: Component) -> Origin:
    """Where the text of a gang is written: `/replicas/main/args/0` is `container.args[0]`."""
    match list(split(at)):
        case ["replicas", _, "env", name]:
            return _variable(name, run, component)
        case ["replicas", _, "resources", name]:
            return run.at("container", "resources").first(("requests", name), ("limits", name))
        case ["replicas", _, "limits", name]:
            return run.at("container", "resources", "limits", name)
        case ["replicas", _, "working_dir"]:
            return run.at("container", "workingDir")
        case ["replicas", _, *rest]:
            return run.at("container").first(tuple(_part(part) for part in rest), (rest[0],))
        case ["labels" | "annotations" as section, name]:
            return run.at("environment", section, name)
        case ["probe", "path"]:
            return run.at("container", "readinessProbe", "httpGet", "path")
        case _:
            return run.at("container", "readinessProbe")


def _part(part: str) -> str | int:
    return int(part) if part.isdigit() else part


def _variable(name: str, run: Origin, component: Component) -> Origin:
    """Where a variable is written: in a mapping, or in the last item of that name in a list."""
    env = run.at("container", "env")
    container = None if isinstance(component.run, Dag) else component.run.container
    entries = container.env if container and container.env else ()
    index = max((index for index, entry in enumerate(entries) if entry.name == name), default=0)
    return env.first((name,), (index, "value"))


def _check_amounts(amounts: Mapping[str, str], at: str, pending: Mapping[str, frozenset[str]], ground: Ground) -> None:
    """Amounts decide admission, so they must be known now."""
    resources = ground.origin.at("container", "resources")
    order = ("limits", "requests") if at.endswith("/limits") else ("requests", "limits")
    for name, amount in amounts.items():
        waiting = pending.get(at + pointer(name), frozenset()) if pending else frozenset()
        if not waiting and _AMOUNT.fullmatch(amount):
            continue
        origin = resources.first(*((section, name) for section in order))
        if waiting and not any(symbol.startswith(UNKNOWN) for symbol in waiting):
            message = f"the amount of {name} must be known before the run starts; it needs {', '.join(sorted(waiting))}"
            ground.report.add(origin.problem("PL-406", message))
        elif not waiting:
            ground.report.add(origin.problem("PL-204", f"the amount of {name} is none", "write a number, or 500m, 2Gi"))


def _check_slots(gang: Gang, ground: Ground) -> None:
    """What no queue can ever grant. A GPU that is not counted would be given to two runs at once."""
    slots = ground.policy.config.slots
    resources = ground.origin.at("container", "resources")
    for name, amount in gang.requests.items() if slots is not None else ():
        origin = resources.first(("requests", name), ("limits", name))
        if slots and name in slots and amount > slots[name]:
            message = f"{amount} of {name} are wanted, and there are {slots[name]} in all"
            ground.report.add(origin.problem("PL-702", message, "ask for less, or raise `slots` in the configuration"))
        elif slots is not None and name not in slots and amount and GPU in name and ground.policy.backend == "local":
            ground.report.add(_uncounted(name, amount, origin, counted=bool(slots)))


def _uncounted(name: str, amount: int, origin: Origin, *, counted: bool) -> Problem:
    """A machine that counts something has none of what it does not count; one that counts nothing may have it."""
    hint = f"set backends.local.slots in the configuration to what the machine has, such as `{name}: 1`"
    if counted:
        return origin.problem(
            "PL-702", f"{amount} of {name} are wanted, and there are none in backends.local.slots", hint
        )
    message = f"{name} is not counted on this machine: runs that ask for it may get the same one at the same time"
    return warning(origin.problem("PL-701", message, hint))


def _tell_environment(gang: Gang, ground: Ground) -> None:
    known = ground.policy.config.environments
    for group in gang.replicas:
        image = group.container.image
        if known is not None and ground.policy.backend == "local" and image and image not in known:
            message = f"no environment is configured for the image {image}: the daemon's own Python runs it"
            hint = "add the image to `environments` in the daemon's configuration"
            ground.report.add(info(ground.origin.at("container", "image").problem("PL-701", message, hint)))
