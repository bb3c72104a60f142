"""What can be granted to a leaf: its amounts, the slots of the machine, the environments of its images."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.canon import Json
from planner.compile.container import GPU
from planner.compile.gang_origin import Written
from planner.compile.given import ONE_MACHINE
from planner.compile.ground import Ground
from planner.compile.origin import Origin, Report, info, warning
from planner.compile.scope import UNKNOWN
from planner.compile.template import Bound, is_template
from planner.errors import Problem
from planner.model.gang import Gang
from planner.spec.places import pointer
from planner.spec.words import kind_of

__all__ = ["check_amounts", "check_slots", "check_texts", "tell_environment"]

_AMOUNT = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?|\.[0-9]{1,30}")


def check_amounts(amounts: Mapping[str, str], at: str, pending: Mapping[str, frozenset[str]], ground: Ground) -> None:
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
        elif not waiting and not is_template(amount):  # one that is left has a flaw, which was said
            ground.report.add(origin.problem("PL-204", f"the amount of {name} is none", "write a number, or 500m, 2Gi"))


def check_texts(gang: Gang, bound: Bound, written: Written, report: Report) -> None:
    """An image and a folder are words: a list of them is none."""
    for group in gang.replicas:
        for name in ("image", "working_dir"):
            at = pointer("replicas", group.role, name)
            value = _at(bound.value, "replicas", group.role, name)
            if isinstance(value, list | tuple | Mapping):
                where = written.of(at)
                report.add(where.problem("PL-203", f"text is wanted here, not {kind_of(value)}", "take one item of it"))


def _at(value: Json, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def check_slots(gang: Gang, ground: Ground) -> None:
    """What no queue can ever grant. A GPU that is not counted would be given to two runs at once."""
    slots = ground.policy.config.slots
    shared = ground.policy.backend in ONE_MACHINE
    for name, amount in gang.requests.items() if slots is not None else ():
        origin = ground.origin.at("container", "resources").first(("requests", name), ("limits", name))
        if slots and name in slots and amount > slots[name]:
            message = f"{amount} of {name} are wanted, and there are {slots[name]} in all"
            ground.report.add(origin.problem("PL-702", message, "ask for less, or raise `slots` in the configuration"))
        elif shared and slots is not None and name not in slots and amount and GPU in name:
            ground.report.add(_uncounted(name, amount, ground.policy.backend, origin, counted=bool(slots)))


def _uncounted(name: str, amount: int, backend: str, origin: Origin, *, counted: bool) -> Problem:
    """A machine that counts something has none of what it does not count; one that counts nothing may have it."""
    where = f"backends.{backend}.slots"
    hint = f"set {where} in the configuration to what the machine has, such as `{name}: 1`"
    if counted:
        return origin.problem("PL-702", f"{amount} of {name} are wanted, and there are none in {where}", hint)
    message = f"{name} is not counted on this machine: runs that ask for it may get the same one at the same time"
    return warning(origin.problem("PL-701", message, hint))


def tell_environment(gang: Gang, ground: Ground) -> None:
    """Say of an image that stands for nothing here."""
    known = ground.policy.config.environments
    for group in gang.replicas:
        image = group.container.image
        if known is not None and ground.policy.backend == "local" and image and image not in known:
            message = f"no environment is configured for the image {image}: the daemon's own Python runs it"
            hint = "add the image to `environments` in the daemon's configuration"
            ground.report.add(info(ground.origin.at("container", "image").problem("PL-701", message, hint)))
